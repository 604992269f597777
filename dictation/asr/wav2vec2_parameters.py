"""Sizes of wav2vec 2.0, HuBERT and WavLM networks; the network itself is in ``wav2vec2.py``. No torch here."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Wav2Vec2Parameters:
    """A wav2vec 2.0 or HuBERT network: convolutions over the waveform, then a Transformer.

    Attributes:
        extractor_norm: ``group``: only the first convolution is normalised, over time (the "base" networks);
            ``layer``: every convolution is, over channels.
        extractor_channels: Of each convolution.
        extractor_kernels: Width of each, in its input's steps.
        extractor_strides: Of each.
        extractor_bias: Whether the convolutions have a bias.
        width: Features per frame in the Transformer.
        heads: Attention heads; divides ``width``.
        ffn_width: Hidden features of the feed-forward modules.
        layers: Transformer layers.
        position_kernel: Frames seen by the convolution that tells positions apart.
        position_groups: Its groups; divides ``width``.
        is_norm_first: Whether each layer normalises its input ("stable layer norm") instead of its output.
    """

    extractor_norm: str
    extractor_channels: tuple[int, ...]
    extractor_kernels: tuple[int, ...]
    extractor_strides: tuple[int, ...]
    extractor_bias: bool
    width: int
    heads: int
    ffn_width: int
    layers: int
    position_kernel: int
    position_groups: int
    is_norm_first: bool

    def __post_init__(self) -> None:
        """Validate; ``ValueError`` says what is wrong."""
        if self.extractor_norm not in {"group", "layer"}:
            raise ValueError(f"extractor_norm must be 'group' or 'layer', not {self.extractor_norm!r}")
        shapes = (self.extractor_channels, self.extractor_kernels, self.extractor_strides)
        if not shapes[0] or len({len(shape) for shape in shapes}) > 1:
            raise ValueError("extractor_channels, _kernels and _strides must have one entry for each convolution")
        for item in fields(self):
            value = getattr(self, item.name)
            numbers = value if isinstance(value, tuple) else (value,)
            if any(isinstance(number, int) and not isinstance(number, bool) and number < 1 for number in numbers):
                raise ValueError(f"{item.name} must be at least 1")
        for name in ("heads", "position_groups"):
            if self.width % getattr(self, name):
                raise ValueError(f"{name} ({getattr(self, name)}) must divide width ({self.width})")

    @property
    def samples_per_frame(self) -> int:
        """Samples from one output frame to the next; 320 (20 ms) in all published networks."""
        return math.prod(self.extractor_strides)

    @property
    def samples_seen(self) -> int:
        """Samples that one frame is computed from, the fewest that give one; 400 (25 ms) likewise."""
        seen = 1
        for kernel, stride in zip(reversed(self.extractor_kernels), reversed(self.extractor_strides), strict=True):
            seen = (seen - 1) * stride + kernel
        return seen


@dataclass(frozen=True)
class WavLmParameters(Wav2Vec2Parameters):
    """A WavLM network: attention also knows how far apart two frames are.

    Attributes:
        position_buckets: Classes of distance, half of them for each direction; even, at least 4.
        furthest_position: Distance in frames from which on all share a class.
    """

    position_buckets: int
    furthest_position: int

    def __post_init__(self) -> None:
        """Validate; ``ValueError`` says what is wrong."""
        super().__post_init__()
        if self.position_buckets < 4 or self.position_buckets % 2:  # noqa: PLR2004  # the classes of both directions
            raise ValueError("position_buckets must be even and at least 4")
        if self.furthest_position <= self.position_buckets // 4:
            raise ValueError("furthest_position must exceed a quarter of position_buckets")
