"""The network before its training: fresh weights, or those of a shallower one."""

from __future__ import annotations

from pathlib import Path

import torch
from corpus import PHONES, SYMBOLS
from front_end import FEATURES
from prepare import tandem_parameters
from sphinx_model import SILENCE, STATES_PER_PHONE, read_gaussians, read_tying
from torch import Tensor, nn

from dictation.asr.network import HOPS_PER_TANDEM_FRAME
from dictation.asr.tandem import TandemConformer

STACKED_BANDS = HOPS_PER_TANDEM_FRAME * FEATURES.mel_bins
HIDDEN_CHANNELS = 0.1
LAST_MAPS = ("ffn1.sequential.4", "self_attn.out_proj", "conv_module.sequential.5", "ffn2.sequential.4")
"""The linear maps of a Conformer layer after which its parts are added up."""


def hide_channels(network: TandemConformer) -> None:
    """Let training hide a tenth of the channels that a part of a layer adds, for a whole clip.

    Dropout (Srivastava et al. 2014) with one draw per channel, as in Tompson et al. 2015 (arXiv:1411.4280): a draw for
    each number would take a fifth of the time on a CPU.
    """

    def hide(part: nn.Module, _inputs: object, added: Tensor) -> Tensor:
        if not part.training:
            return added
        is_kept = torch.rand(len(added), 1, added.shape[-1]) >= HIDDEN_CHANNELS
        return added * is_kept / (1 - HIDDEN_CHANNELS)

    for layer in network.enc.conformer_layers:
        for part in (layer.ffn1, layer.self_attn, layer.conv_module, layer.ffn2):
            part.register_forward_hook(hide)


def stretch_layers(state: dict[str, Tensor], layers: int) -> dict[str, Tensor]:
    """Weights of a deeper network: layers are spread out, and those between add nothing at first.

    Gong et al. 2019 ("Efficient training of BERT by progressively stacking") copy layers; a copy whose last linear
    maps are zero disturbs less.
    """
    prefix = "enc.conformer_layers."
    present = 1 + max(int(name[len(prefix) :].split(".")[0]) for name in state if name.startswith(prefix))
    stretched = {name: value for name, value in state.items() if not name.startswith(prefix)}
    for layer in range(layers):
        source = layer * present // layers
        is_new = layer > 0 and source == (layer - 1) * present // layers
        for name, value in state.items():
            if name.startswith(f"{prefix}{source}."):
                rest = name[len(f"{prefix}{source}.") :]
                is_silenced = is_new and rest.rsplit(".", 1)[0] in LAST_MAPS
                stretched[f"{prefix}{layer}.{rest}"] = torch.zeros_like(value) if is_silenced else value.clone()
    return stretched


def build_network(sphinx: Path, width: int, layers: int) -> TandemConformer:
    """The app's network with fresh weights, and a shortcut that starts as a reading of the phone posteriors."""
    buffers = read_gaussians(sphinx)
    network = TandemConformer(tandem_parameters(buffers, width, layers), FEATURES.mel_bins, len(SYMBOLS))
    network.gaussians.load_state_dict(buffers)
    hide_channels(network)
    for layer in network.enc.conformer_layers:
        nn.init.xavier_uniform_(layer.self_attn.in_proj_weight)
        nn.init.zeros_(layer.self_attn.in_proj_bias)
    sources = read_tying(sphinx / "mdef").phones
    with torch.no_grad():
        network.skip.weight.zero_()
        network.skip.bias.zero_()
        network.out.weight.mul_(0.1)
        for row, phone in enumerate((SILENCE, *PHONES)):
            first = STACKED_BANDS + STATES_PER_PHONE * sources.index(phone)
            network.skip.weight[row, first : first + STATES_PER_PHONE] = 0.7
    return network
