"""wav2vec 2.0, HuBERT and WavLM with a CTC head, built from torchaudio's modules.

Baevski et al. 2020, "wav2vec 2.0" (arXiv:2006.11477); Hsu et al. 2021, "HuBERT" (arXiv:2106.07447); Chen et al. 2022,
"WavLM" (arXiv:2110.13900). Tensors are named as in ``torchaudio.models.Wav2Vec2Model``, but for the convolution that
tells positions apart: its weight normalisation is training's business, and here it has one plain ``weight``. The
forward pass is written out because torchaudio's refuses a padding mask for WavLM; tests compare it with transformers'.

Shapes: b batch, t samples, n output frames, d width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchaudio.models import Wav2Vec2Model, wav2vec2_model, wavlm_model

from dictation.asr.cpu_convolutions import CpuConvolutions
from dictation.asr.half_products import halve_linear_layers, shallow_copy
from dictation.asr.wav2vec2_parameters import Wav2Vec2Parameters, WavLmParameters


class Wav2Vec2Ctc(nn.Module):
    """Maps a waveform to the logits of the labels; only for inference."""

    def __init__(self, parameters: Wav2Vec2Parameters, label_count: int) -> None:
        super().__init__()
        network = _build(parameters, label_count)
        self.feature_extractor = network.feature_extractor
        self.encoder = network.encoder
        self.aux = network.aux
        nn.utils.parametrize.remove_parametrizations(self.encoder.transformer.pos_conv_embed.conv, "weight")
        self._is_wavlm = isinstance(parameters, WavLmParameters)
        self._on_cpu = CpuConvolutions()

    def forward(self, samples: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Map waveforms (b, t) to logits (b, n, labels).

        Args:
            samples: At least ``Wav2Vec2Parameters.samples_seen`` each.
            lengths: Where the waveforms of a batch differ in length and are filled up with zeros: the samples that
                count, shape (b,). The frames behind them mean nothing. Networks with ``extractor_norm = "group"`` were
                trained without such a mask, and normalise over the filling too: they want ``together``.
        """
        if lengths is None and self._on_cpu.suits(samples, self.feature_extractor.conv_layers):
            layers = list(self.feature_extractor.conv_layers)
            return self._classify(torch.stack([self._on_cpu.extract(layers, clip) for clip in samples]), None)
        return self._classify(*self.feature_extractor(samples, lengths))

    def together(self, clips: Sequence[Tensor]) -> list[Tensor]:
        """Map waveforms, (t,) each, of any lengths to their logits, (n, labels) each, as if heard alone.

        The first convolution hears one after the other, since its normalisation may be over time. It takes 1 % of the
        work, and what follows sees at each place only what lies before the filling, or is masked.
        """
        first, *others = self.feature_extractor.conv_layers
        starts = [first(clip[None, None], None)[0] for clip in clips]  # (1, channels, steps) each
        steps = [start.shape[2] for start in starts]
        x = torch.cat([functional.pad(start, (0, max(steps) - start.shape[2])) for start in starts])
        frames = None if len(set(steps)) == 1 else torch.tensor(steps, device=x.device)
        for layer in others:
            x, frames = layer(x, frames)
        logits = self._classify(x.transpose(1, 2), frames)
        counts = [logits.shape[1]] * len(clips) if frames is None else frames.tolist()
        return [one[:count] for one, count in zip(logits, counts, strict=True)]

    def with_half_products(self) -> Wav2Vec2Ctc:
        """Return a copy that multiplies in bfloat16 (``half_products``) when it hears one waveform after the other.

        The last layer, whose logits are compared, stays exact. So does what WavLM makes its queries, keys and values
        with, since torchaudio takes those weights past their layer, and the gate of its positions, which is small.
        """
        twin = shallow_copy(self)
        halve_linear_layers(twin.encoder, besides={"gru_rel_pos_linear"})
        twin._on_cpu = CpuConvolutions(torch.bfloat16)  # noqa: SLF001  # our own
        return twin

    def _classify(self, x: Tensor, frames: Tensor | None) -> Tensor:
        """Map what the convolutions give (b, n, channels), of which so many ``frames`` count, to logits."""
        x = self.encoder.feature_projection(x)  # (b, n, d)
        is_padding = None
        if frames is not None:
            is_padding = torch.arange(x.shape[1], device=x.device) >= frames.unsqueeze(1)  # (b, n)
            x = x.masked_fill(is_padding.unsqueeze(2), 0.0)
        logits: Tensor = self.aux(self._transform(x, is_padding))
        return logits

    def _transform(self, x: Tensor, is_padding: Tensor | None) -> Tensor:
        """Run the Transformer on (b, n, d); frames that are padding are not attended to."""
        transformer = self.encoder.transformer
        x = x + transformer.pos_conv_embed(x)
        if transformer.layer_norm_first:
            x = transformer.layer_norm(x)
        masks: dict[str, Tensor] = {}
        if is_padding is not None and self._is_wavlm:
            masks["key_padding_mask"] = torch.zeros_like(x[:, :, 0]).masked_fill(is_padding, -torch.inf)  # (b, n)
        elif is_padding is not None:
            masks["attention_mask"] = ~is_padding[:, None, None, :].expand(-1, 1, x.shape[1], -1)  # (b, 1, n, n)
        position_bias = None  # WavLM's first layer makes it, the others take it
        for layer in transformer.layers:
            x, position_bias = layer(x, position_bias=position_bias, **masks)
        return x if transformer.layer_norm_first else transformer.layer_norm(x)


def _build(parameters: Wav2Vec2Parameters, label_count: int) -> Wav2Vec2Model:
    """Build torchaudio's network without dropout."""
    sizes: dict[str, Any] = {
        "extractor_mode": f"{parameters.extractor_norm}_norm",
        "extractor_conv_layer_config": list(
            zip(
                parameters.extractor_channels,
                parameters.extractor_kernels,
                parameters.extractor_strides,
                strict=True,
            )
        ),
        "extractor_conv_bias": parameters.extractor_bias,
        "encoder_embed_dim": parameters.width,
        "encoder_projection_dropout": 0.0,
        "encoder_pos_conv_kernel": parameters.position_kernel,
        "encoder_pos_conv_groups": parameters.position_groups,
        "encoder_num_layers": parameters.layers,
        "encoder_num_heads": parameters.heads,
        "encoder_attention_dropout": 0.0,
        "encoder_ff_interm_features": parameters.ffn_width,
        "encoder_ff_interm_dropout": 0.0,
        "encoder_dropout": 0.0,
        "encoder_layer_norm_first": parameters.is_norm_first,
        "encoder_layer_drop": 0.0,
        "aux_num_out": label_count,
    }
    if isinstance(parameters, WavLmParameters):
        return wavlm_model(
            **sizes,
            encoder_num_buckets=parameters.position_buckets,
            encoder_max_distance=parameters.furthest_position,
        )
    return wav2vec2_model(**sizes)
