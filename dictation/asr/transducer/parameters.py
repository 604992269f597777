"""Sizes of an Emformer transducer and of its features; no torch here."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from dictation.core.records import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from torch import nn

FFT_SIZE, HOP_SAMPLES = 400, 160
"""Samples: windows of 25 ms every 10 ms."""
HALF_WINDOW = FFT_SIZE // 2


@dataclass(frozen=True)
class EmformerRnntParameters:
    """An Emformer encoder, an LSTM predictor and a joiner; see ``network.py``.

    Attributes:
        segment_hops: Hops of the front end that are encoded together; a multiple of ``hops_per_frame``.
        right_context_hops: Hops after a segment that its encoding may look at; likewise a multiple.
        hops_per_frame: Hops that are stacked into one frame.
        reduced_width: Features that each hop is mapped to before; times ``hops_per_frame`` it is the encoder's width.
        heads: Attention heads; divides the encoder's width.
        ffn_width: Hidden features of the feed-forward modules.
        layers: Emformer layers.
        left_context_frames: Frames before a segment that each layer looks back at.
        encoding_width: Features of encoder and predictor where the joiner adds them.
        symbol_width: Features of a symbol, and of each LSTM layer.
        lstm_layers: Of the predictor.
    """

    segment_hops: int
    right_context_hops: int
    hops_per_frame: int
    reduced_width: int
    heads: int
    ffn_width: int
    layers: int
    left_context_frames: int
    encoding_width: int
    symbol_width: int
    lstm_layers: int

    def __post_init__(self) -> None:
        """Validate; ``ValueError`` says what is wrong."""
        for item in fields(self):
            if getattr(self, item.name) < 1:
                raise ValueError(f"{item.name} must be at least 1")
        for name in ("segment_hops", "right_context_hops"):
            if getattr(self, name) % self.hops_per_frame:
                raise ValueError(f"hops_per_frame ({self.hops_per_frame}) must divide {name} ({getattr(self, name)})")
        if self.width % self.heads:
            raise ValueError(f"heads ({self.heads}) must divide reduced_width times hops_per_frame ({self.width})")

    @property
    def width(self) -> int:
        """Features per frame inside the encoder."""
        return self.reduced_width * self.hops_per_frame

    @property
    def segment_frames(self) -> int:
        """Frames that are encoded together."""
        return self.segment_hops // self.hops_per_frame

    @property
    def right_context_frames(self) -> int:
        """Frames after them that they see."""
        return self.right_context_hops // self.hops_per_frame


@dataclass(frozen=True)
class GlobalMelParameters:
    """Log-mel features normalised by the statistics of the training set, see ``features.GlobalMel``.

    Attributes:
        sample_rate_hz: Must be the app's 16 kHz.
        mean: Of each band over the training set.
        inverse_deviation: One over the standard deviation of each band, likewise.
    """

    sample_rate_hz: int
    mean: tuple[float, ...]
    inverse_deviation: tuple[float, ...]

    def __post_init__(self) -> None:
        """Validate; ``ValueError`` says what is wrong."""
        if self.sample_rate_hz != SAMPLE_RATE_HZ:
            raise ValueError(f"sample_rate_hz must be {SAMPLE_RATE_HZ}")
        if not self.mean or len(self.mean) != len(self.inverse_deviation):
            raise ValueError("mean and inverse_deviation must have one entry for each band")

    @property
    def hop_samples(self) -> int:
        """Samples per hop."""
        return HOP_SAMPLES

    @property
    def shortest_samples(self) -> int:
        """The fewest samples that can be mirrored at the ends."""
        return HALF_WINDOW + 1

    @property
    def width(self) -> int:
        """Features per hop."""
        return len(self.mean)

    def build(self) -> nn.Module:
        """Import torch and build."""
        from dictation.asr.transducer.features import GlobalMel

        return GlobalMel(self)
