"""Small transducers with random weights, as torchaudio builds them and as this program does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dictation.asr.transducer.parameters import EmformerRnntParameters

if TYPE_CHECKING:
    from torch import nn

BASE = EmformerRnntParameters(
    segment_hops=16, right_context_hops=4, hops_per_frame=4, reduced_width=128, heads=8, ffn_width=2048, layers=20,
    left_context_frames=30, encoding_width=1024, symbol_width=512, lstm_layers=3,
)  # fmt: skip
"""torchaudio's ``emformer_rnnt_base``."""
TINY = replace(
    BASE, reduced_width=4, heads=2, ffn_width=24, layers=2, left_context_frames=6, encoding_width=20, symbol_width=12
)
BANDS = 10


def make_theirs(parameters: EmformerRnntParameters, bands: int, labels: int, seed: int = 0) -> Any:
    """torchaudio's network; weights of a size at which no output is a mere average."""
    import torch
    from torchaudio.models import emformer_rnnt_model

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = emformer_rnnt_model(
            input_dim=bands, encoding_dim=parameters.encoding_width, num_symbols=labels,
            segment_length=parameters.segment_hops, right_context_length=parameters.right_context_hops,
            time_reduction_input_dim=parameters.reduced_width, time_reduction_stride=parameters.hops_per_frame,
            transformer_num_heads=parameters.heads, transformer_ffn_dim=parameters.ffn_width,
            transformer_num_layers=parameters.layers, transformer_dropout=0.1, transformer_activation="gelu",
            transformer_left_context_length=parameters.left_context_frames, transformer_max_memory_size=0,
            transformer_weight_init_scale_strategy="depthwise", transformer_tanh_on_mem=True,
            symbol_embedding_dim=parameters.symbol_width, num_lstm_layers=parameters.lstm_layers,
            lstm_layer_norm=True, lstm_layer_norm_epsilon=1e-3, lstm_dropout=0.3,
        )  # fmt: skip
        for name, parameter in network.named_parameters():
            if name.endswith("bias") or "norm" in name:
                torch.nn.init.normal_(parameter, mean=0.0 if name.endswith("bias") else 1.0, std=0.3)
    return network.eval()


def make_ours(theirs: nn.Module, parameters: EmformerRnntParameters, bands: int, labels: int) -> Any:
    """The same network as this program builds it."""
    from dictation.asr.transducer.network import EmformerRnnt

    network = EmformerRnnt(parameters, bands, labels)
    network.load_state_dict(theirs.state_dict())
    return network.eval()
