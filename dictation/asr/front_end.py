"""What a network reads, log-mel features of some kind or the waveform itself: the parameters of each, without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dictation.asr.transducer.parameters import GlobalMelParameters
from dictation.core.records import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from torch import nn

WINDOW_25_MS, HOP_10_MS = 400, 160
"""Samples at 16 kHz; NeMo and Kaldi agree on these."""


@dataclass(frozen=True)
class FeatureParameters:
    """Log-mel features, see ``features.LogMel``.

    Attributes:
        sample_rate_hz: Must be the app's 16 kHz.
        fft_size: Points of the Fourier transform.
        window_samples: Length of the Hann window.
        hop_samples: Samples per feature frame.
        mel_bins: Bands.
        low_hz: Lower edge of the lowest band.
        high_hz: Upper edge of the highest band.
        log_floor: Added to each band's power before the logarithm.
        deviation_floor: Added to the utterance's standard deviation before the division.
        peak: Audio is scaled to this peak first; 0 leaves it as it is.
        is_scaled: Whether the features are divided by their standard deviation.
    """

    sample_rate_hz: int
    fft_size: int
    window_samples: int
    hop_samples: int
    mel_bins: int
    low_hz: float
    high_hz: float
    log_floor: float
    deviation_floor: float
    peak: float
    is_scaled: bool = True

    def __post_init__(self) -> None:
        """Validate; ``ValueError`` says what is wrong."""
        if self.sample_rate_hz != SAMPLE_RATE_HZ:
            raise ValueError(f"sample_rate_hz must be {SAMPLE_RATE_HZ}")
        for name in ("window_samples", "hop_samples", "mel_bins", "log_floor", "deviation_floor"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive")
        if self.fft_size < self.window_samples:
            raise ValueError("fft_size must not be less than window_samples")
        if not 0 <= self.low_hz < self.high_hz <= self.sample_rate_hz / 2:
            raise ValueError("low_hz and high_hz must lie in order between 0 and half the sample rate")
        if not 0 <= self.peak <= 1:
            raise ValueError("peak must lie between 0 and 1")

    @property
    def shortest_samples(self) -> int:
        """The fewest samples the front end can reflect at its ends."""
        return self.fft_size // 2 + 1

    @property
    def width(self) -> int:
        """Features per hop."""
        return self.mel_bins

    def build(self) -> nn.Module:
        """Import torch and build."""
        from dictation.asr.features import LogMel

        return LogMel(self)


@dataclass(frozen=True)
class WaveformParameters:
    """The samples themselves, see ``features.Waveform``.

    Attributes:
        sample_rate_hz: Must be the app's 16 kHz.
        is_normalised: Whether the mean is taken off and the rest divided by its standard deviation.
    """

    sample_rate_hz: int
    is_normalised: bool

    def __post_init__(self) -> None:
        """Validate; ``ValueError`` says what is wrong."""
        if self.sample_rate_hz != SAMPLE_RATE_HZ:
            raise ValueError(f"sample_rate_hz must be {SAMPLE_RATE_HZ}")

    @property
    def hop_samples(self) -> int:
        """Samples per hop."""
        return 1

    @property
    def shortest_samples(self) -> int:
        """The fewest samples that can be read; the network mostly wants more."""
        return 1

    @property
    def width(self) -> int:
        """Features per hop."""
        return 1

    def build(self) -> nn.Module:
        """Import torch and build."""
        from dictation.asr.features import Waveform

        return Waveform(self)


@dataclass(frozen=True)
class NemoMelParameters:
    """NeMo's log-mel features, see ``features.NemoMel``; all that it fixes is not repeated here.

    Attributes:
        sample_rate_hz: Must be the app's 16 kHz.
        mel_bins: Bands.
        is_normalised: Whether each band is given zero mean and unit deviation over the utterance ("per_feature").
    """

    sample_rate_hz: int
    mel_bins: int
    is_normalised: bool

    def __post_init__(self) -> None:
        """Validate; ``ValueError`` says what is wrong."""
        _check_mel(self.sample_rate_hz, self.mel_bins)

    @property
    def hop_samples(self) -> int:
        """Samples per hop."""
        return HOP_10_MS

    @property
    def shortest_samples(self) -> int:
        """Two hops: one alone has no deviation."""
        return 2 * HOP_10_MS

    @property
    def width(self) -> int:
        """Features per hop."""
        return self.mel_bins

    def build(self) -> nn.Module:
        """Import torch and build."""
        from dictation.asr.features import NemoMel

        return NemoMel(self)


@dataclass(frozen=True)
class KaldiFbankParameters:
    """Kaldi's log-mel features as icefall uses them, see ``features.KaldiFbank``.

    Attributes:
        sample_rate_hz: Must be the app's 16 kHz.
        mel_bins: Bands.
        low_hz: Lower edge of the lowest band.
        high_hz: Upper edge of the highest band.
    """

    sample_rate_hz: int
    mel_bins: int
    low_hz: float
    high_hz: float

    def __post_init__(self) -> None:
        """Validate; ``ValueError`` says what is wrong."""
        _check_mel(self.sample_rate_hz, self.mel_bins)
        if not 0 <= self.low_hz < self.high_hz <= self.sample_rate_hz / 2:
            raise ValueError("low_hz and high_hz must lie in order between 0 and half the sample rate")

    @property
    def hop_samples(self) -> int:
        """Samples per hop."""
        return HOP_10_MS

    @property
    def shortest_samples(self) -> int:
        """One window, so that both ends can be mirrored."""
        return WINDOW_25_MS

    @property
    def width(self) -> int:
        """Features per hop."""
        return self.mel_bins

    def build(self) -> nn.Module:
        """Import torch and build."""
        from dictation.asr.features import KaldiFbank

        return KaldiFbank(self)


def _check_mel(sample_rate_hz: int, mel_bins: int) -> None:
    """Raise ``ValueError`` for another sample rate, or no bands."""
    if sample_rate_hz != SAMPLE_RATE_HZ:
        raise ValueError(f"sample_rate_hz must be {SAMPLE_RATE_HZ}")
    if mel_bins <= 0:
        raise ValueError("mel_bins must be positive")


FrontEndParameters = (
    FeatureParameters | WaveformParameters | NemoMelParameters | KaldiFbankParameters | GlobalMelParameters
)

FRONT_ENDS: Mapping[str, type[FrontEndParameters]] = {
    "log-mel": FeatureParameters,
    "waveform": WaveformParameters,
    "nemo-mel": NemoMelParameters,
    "kaldi-fbank": KaldiFbankParameters,
    "global-mel": GlobalMelParameters,
}
