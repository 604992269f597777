"""A CTC network: strided convolutions and a Conformer encoder, in plain torch.

The encoder follows Gulati et al. 2020, "Conformer: Convolution-augmented Transformer for Speech Recognition"
(arXiv:2005.08100), without relative positions: the convolutions carry the order of the frames. Modules are named so
that weights of torchaudio.models.Conformer load unchanged; tests compare the two. Only inference is supported: there
is no dropout.

Shapes: b batch, t feature frames, n output frames (t / 4, rounded up), m mel bins, d width, c channels. ``is_sound``,
shape (b, n), says which frames are no filling; None says all. Frames of the filling mean nothing in the output.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from dictation.asr.network import ConvConformerParameters, EncoderParameters
from dictation.asr.together import fill_up, silence_filling

_STEP = 2
"""Modules of a convolution with its activation: the filling is silenced between two."""


class Subsampling(nn.Module):
    """Two 3 x 3 convolutions of stride 2 and a projection: a quarter of the frames."""

    def __init__(self, mel_bins: int, channels: int, width: int) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, channels, 3, stride=2, padding=1),
            nn.SiLU(),
            nn.Conv2d(channels, channels, 3, stride=2, padding=1),
            nn.SiLU(),
        )
        quarter_bins = (mel_bins + 3) // 4
        self.lin = nn.Linear(channels * quarter_bins, width)

    def forward(self, features: Tensor, is_sound: Tensor | None = None) -> Tensor:
        """Map (b, t, m) to (b, n, d); ``is_sound`` is (b, t), and the features are 0 where it says no."""
        if is_sound is None:
            x = self.net(features.unsqueeze(1))  # (b, c, n, m / 4)
        else:
            x = self.net[:_STEP](features.unsqueeze(1))  # (b, c, t / 2, m / 2)
            x = silence_filling(x.transpose(1, 2), is_sound[:, ::2]).transpose(1, 2)
            x = self.net[_STEP:](x)  # (b, c, n, m / 4)
        x = x.transpose(1, 2).flatten(2)  # (b, n, c * m / 4), channel-major within a frame
        projected: Tensor = self.lin(x)  # (b, n, d)
        return projected


class FeedForward(nn.Module):
    """Position-wise feed-forward module, section 2.3 of the paper."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.sequential = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, hidden),
            nn.SiLU(),
            nn.Identity(),  # torchaudio's dropout; it keeps the index of the next layer's weights
            nn.Linear(hidden, width),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (b, n, d) to (b, n, d)."""
        out: Tensor = self.sequential(x)
        return out


class SelfAttention(nn.Module):
    """Multi-head self-attention (Vaswani et al. 2017, arXiv:1706.03762) with torch.nn.MultiheadAttention's names."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.empty(3 * width))
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tensor, is_sound: Tensor | None = None) -> Tensor:
        """Map (b, n, d) to (b, n, d)."""
        batch, frames, width = x.shape
        joint = functional.linear(x, self.in_proj_weight, self.in_proj_bias)  # (b, n, 3 d)
        joint = joint.view(batch, frames, 3, self.heads, width // self.heads)
        query, key, value = joint.permute(2, 0, 3, 1, 4)  # each (b, heads, n, d / heads)
        mask = None if is_sound is None else is_sound[:, None, None, :]  # (b, 1, 1, n)
        mixed = functional.scaled_dot_product_attention(query, key, value, mask)  # (b, heads, n, d / heads)
        out: Tensor = self.out_proj(mixed.transpose(1, 2).reshape(batch, frames, width))  # (b, n, d)
        return out


class Convolution(nn.Module):
    """Convolution module, section 2.2 of the paper."""

    def __init__(self, width: int, kernel_size: int) -> None:
        super().__init__()
        self.layer_norm = nn.LayerNorm(width)
        self.sequential = nn.Sequential(
            nn.Conv1d(width, 2 * width, 1),
            nn.GLU(dim=1),
            nn.Conv1d(width, width, kernel_size, padding=kernel_size // 2, groups=width),
            nn.BatchNorm1d(width),
            nn.SiLU(),
            nn.Conv1d(width, width, 1),
        )

    def forward(self, x: Tensor, is_sound: Tensor | None = None) -> Tensor:
        """Map (b, n, d) to (b, n, d)."""
        x = self.layer_norm(x).transpose(1, 2)  # (b, d, n)
        if is_sound is None:
            x = self.sequential(x)
        else:
            x = self.sequential[:_STEP](x)
            x = silence_filling(x.transpose(1, 2), is_sound).transpose(1, 2)
            x = self.sequential[_STEP:](x)
        out: Tensor = x.transpose(1, 2)  # (b, n, d)
        return out


class ConformerLayer(nn.Module):
    """Half-step feed-forward, attention, convolution, half-step feed-forward: equation 1 of the paper."""

    def __init__(self, parameters: EncoderParameters) -> None:
        super().__init__()
        width = parameters.width
        self.ffn1 = FeedForward(width, parameters.ffn_width)
        self.self_attn_layer_norm = nn.LayerNorm(width)
        self.self_attn = SelfAttention(width, parameters.heads)
        self.conv_module = Convolution(width, parameters.kernel_size)
        self.ffn2 = FeedForward(width, parameters.ffn_width)
        self.final_layer_norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, is_sound: Tensor | None = None) -> Tensor:
        """Map (b, n, d) to (b, n, d)."""
        x = x + 0.5 * self.ffn1(x)
        x = x + self.self_attn(self.self_attn_layer_norm(x), is_sound)
        x = x + self.conv_module(x, is_sound)
        x = x + 0.5 * self.ffn2(x)
        out: Tensor = self.final_layer_norm(x)
        return out


class Conformer(nn.Module):
    """A stack of Conformer layers."""

    def __init__(self, parameters: EncoderParameters) -> None:
        super().__init__()
        self.conformer_layers = nn.ModuleList(ConformerLayer(parameters) for _ in range(parameters.layers))

    def forward(self, x: Tensor, is_sound: Tensor | None = None) -> Tensor:
        """Map (b, n, d) to (b, n, d)."""
        for layer in self.conformer_layers:
            x = layer(x, is_sound)
        return x


class ConvConformer(nn.Module):
    """Subsampling, Conformer encoder and a linear layer to the labels."""

    def __init__(self, parameters: ConvConformerParameters, mel_bins: int, label_count: int) -> None:
        super().__init__()
        self.sub = Subsampling(mel_bins, parameters.subsampling_channels, parameters.width)
        self.enc = Conformer(parameters)
        self.out = nn.Linear(parameters.width, label_count)

    def forward(self, features: Tensor) -> Tensor:
        """Map features (b, t, m) to logits (b, n, labels)."""
        return self._classify(features, None)

    def together(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Map features, (t, m) each, of any lengths to their logits, (n, labels) each, as if heard alone."""
        logits = self._classify(*fill_up(inputs))
        return [one[: (len(own) + 3) // 4] for one, own in zip(logits, inputs, strict=True)]

    def _classify(self, features: Tensor, is_sound: Tensor | None) -> Tensor:
        """Map features (b, t, m) to logits (b, n, labels); ``is_sound`` is (b, t)."""
        x = self.sub(features, is_sound)  # (b, n, d)
        x = self.enc(x, None if is_sound is None else is_sound[:, ::4])  # (b, n, d)
        logits: Tensor = self.out(x)  # (b, n, labels)
        return logits
