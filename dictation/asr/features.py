"""The front ends, in plain torch: log-mel features of three kinds, or the waveform.

Our own spectrogram equals torchaudio.transforms.MelSpectrogram (power, HTK scale, no norm). The two others are what the
networks of NeMo and of Kaldi's heirs were trained on; tests compare all three with their references.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from dictation.asr.front_end import (
    HOP_10_MS,
    WINDOW_25_MS,
    FeatureParameters,
    KaldiFbankParameters,
    NemoMelParameters,
    WaveformParameters,
)

LEAST_VARIANCE = 1e-7
"""Added to the variance of a waveform, as the networks saw it in training (transformers, fairseq)."""

FFT_SIZE = 512
"""NeMo's and Kaldi's for windows of 400 samples: the next power of two."""
PRE_EMPHASIS = 0.97
NEMO_LOG_FLOOR = 2.0**-24
NEMO_DEVIATION_FLOOR = 1e-5
POVEY_EXPONENT = 0.85
SLANEY_BEND_MEL = 15.0
"""Where Slaney's scale turns from linear to logarithmic: at 1 kHz."""


def _htk_mel(hz: float) -> float:
    """Frequency on the mel scale: 2595 log10(1 + f / 700), O'Shaughnessy 1987 as used in HTK."""
    return 2595.0 * math.log10(1.0 + hz / 700.0)


def mel_filters(parameters: FeatureParameters) -> Tensor:
    """Triangular filters, equally spaced on the mel scale, each with a peak of 1; shape (fft / 2 + 1, mel)."""
    bins_hz = torch.linspace(0, parameters.sample_rate_hz // 2, parameters.fft_size // 2 + 1)  # (bins,)
    low, high = _htk_mel(parameters.low_hz), _htk_mel(parameters.high_hz)
    corners_mel = torch.linspace(low, high, parameters.mel_bins + 2)
    return _triangles(700.0 * (10.0 ** (corners_mel / 2595.0) - 1.0), bins_hz)


def slaney_filters(mel_bins: int, sample_rate_hz: int) -> Tensor:
    """Triangular filters of equal area up to half the sample rate; shape (fft / 2 + 1, mel).

    They lie on the mel scale of Slaney's Auditory Toolbox (1998), as librosa has it: linear below 1 kHz, then 27 steps
    for each factor of 6.4.
    """
    bins_hz = torch.linspace(0, sample_rate_hz / 2, FFT_SIZE // 2 + 1)  # (bins,)
    highest = SLANEY_BEND_MEL + 27.0 * math.log(sample_rate_hz / 2 / 1000.0) / math.log(6.4)
    corners_mel = torch.linspace(0.0, highest, mel_bins + 2)
    above_hz = 1000.0 * torch.exp((corners_mel - SLANEY_BEND_MEL) * (math.log(6.4) / 27.0))
    corners_hz = torch.where(corners_mel < SLANEY_BEND_MEL, corners_mel * (200.0 / 3.0), above_hz)  # (mel + 2,)
    return _triangles(corners_hz, bins_hz) * (2.0 / (corners_hz[2:] - corners_hz[:-2]))


def kaldi_filters(parameters: KaldiFbankParameters) -> Tensor:
    """Filters that are triangles on the mel scale itself, 1127 ln(1 + f / 700); shape (fft / 2 + 1, mel)."""
    edges_hz = torch.tensor([parameters.low_hz, parameters.high_hz])
    low, high = (1127.0 * (1.0 + edges_hz / 700.0).log()).tolist()
    bins_hz = torch.linspace(0, parameters.sample_rate_hz / 2, FFT_SIZE // 2 + 1)  # (bins,)
    filters = _triangles(torch.linspace(low, high, parameters.mel_bins + 2), 1127.0 * (1.0 + bins_hz / 700.0).log())
    filters[-1] = 0.0  # Kaldi leaves out the bin at half the sample rate
    return filters


def _triangles(corners: Tensor, bins: Tensor) -> Tensor:
    """Filters with a peak of 1 at a corner each and 0 at its neighbours; shape (bins, corners - 2)."""
    widths = corners.diff()  # (mel + 1,)
    distances = corners.unsqueeze(0) - bins.unsqueeze(1)  # (bins, mel + 2)
    rising = -distances[:, :-2] / widths[:-1]  # (bins, mel)
    falling = distances[:, 2:] / widths[1:]  # (bins, mel)
    return torch.minimum(rising, falling).clamp(min=0.0)


class LogMel(nn.Module):
    """Waveform to normalised log-mel features; the parameters come from the model folder.

    Normalisation is over the whole utterance: minus the mean of each mel bin, divided by the standard deviation
    of all log-mel values unless ``is_scaled`` is false. That alone would make the gain irrelevant, were it not for the
    floor under the logarithm, which quiet audio sinks into: at a tenth of the peak, features move by 0.4. So audio is
    first scaled to the peak that the network saw in training.
    """

    window: Tensor
    filters: Tensor

    def __init__(self, parameters: FeatureParameters) -> None:
        super().__init__()
        self._form = parameters
        self.register_buffer("window", torch.hann_window(parameters.window_samples), persistent=False)
        self.register_buffer("filters", mel_filters(parameters), persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """Map at least ``fft_size / 2 + 1`` samples, shape (samples,), to features, shape (time, mel)."""
        if self._form.peak > 0:
            samples = samples * (self._form.peak / samples.abs().amax().clamp(min=1e-12))
        x = (self.mel_spectrogram(samples) + self._form.log_floor).log()  # (time, mel)
        centred: Tensor = x - x.mean(dim=0, keepdim=True)
        if not self._form.is_scaled:
            return centred
        return centred / (x.std() + self._form.deviation_floor)  # of x: the deviation holds the spectral tilt

    def mel_spectrogram(self, samples: Tensor) -> Tensor:
        """Power in each mel band, shape (time, mel), one frame per hop, reflected at both ends."""
        spectrum = torch.stft(
            samples,
            n_fft=self._form.fft_size,
            hop_length=self._form.hop_samples,
            win_length=self._form.window_samples,
            window=self.window,
            center=True,
            pad_mode="reflect",
            return_complex=True,
        )  # (bins, time)
        power = spectrum.abs().square()  # (bins, time)
        return power.T @ self.filters  # (time, mel)


class NemoMel(nn.Module):
    """What NeMo's ``AudioToMelSpectrogramPreprocessor`` computes when it is not training.

    Pre-emphasis of 0.97 over the whole clip; a symmetric Hann window of 25 ms every 10 ms in a transform of 512 points,
    centred, with zeros beyond the ends; power in Slaney's mel filters; ``ln(power + 2**-24)``; as many frames as there
    are whole hops. Then each band loses its mean and is divided by its standard deviation (with one degree of freedom
    less) plus 1e-5. Older versions of NeMo differ in the outermost frames only: they mirrored the ends and kept one
    frame more.
    """

    window: Tensor
    filters: Tensor

    def __init__(self, parameters: NemoMelParameters) -> None:
        super().__init__()
        self._form = parameters
        self.register_buffer("window", torch.hann_window(WINDOW_25_MS, periodic=False), persistent=False)
        filters = slaney_filters(parameters.mel_bins, parameters.sample_rate_hz)
        self.register_buffer("filters", filters, persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """Map at least two hops of samples, shape (samples,), to features, shape (time, mel)."""
        emphasised = torch.cat((samples[:1], samples[1:] - PRE_EMPHASIS * samples[:-1]))
        spectrum = torch.stft(
            emphasised, FFT_SIZE, HOP_10_MS, WINDOW_25_MS, self.window,
            center=True, pad_mode="constant", return_complex=True,
        )  # fmt: skip
        power = spectrum.abs().square().T[: len(samples) // HOP_10_MS]  # (time, bins)
        x: Tensor = (power @ self.filters + NEMO_LOG_FLOOR).log()  # (time, mel)
        if not self._form.is_normalised:
            return x
        deviation, mean = torch.std_mean(x, dim=0)
        return (x - mean) / (deviation + NEMO_DEVIATION_FLOOR)


class KaldiFbank(nn.Module):
    """Kaldi's ``compute-fbank-feats`` with ``snip_edges=false`` and no dither, on samples from -1 to 1.

    Windows of 25 ms every 10 ms, the first centred 5 ms after the start, the ends mirrored. Each window on its own
    loses its mean, is pre-emphasised by 0.97 and shaped by Povey's window (Hann to the power of 0.85); then
    ``ln(max(power, 1.2e-7))`` of the mel bands. So torchaudio.compliance.kaldi.fbank computes it, and lhotse for
    icefall.
    """

    window: Tensor
    filters: Tensor

    def __init__(self, parameters: KaldiFbankParameters) -> None:
        super().__init__()
        povey = torch.hann_window(WINDOW_25_MS, periodic=False) ** POVEY_EXPONENT
        self.register_buffer("window", povey, persistent=False)
        self.register_buffer("filters", kaldi_filters(parameters), persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """Map at least one window of samples, shape (samples,), to features, shape (time, mel)."""
        count = (len(samples) + HOP_10_MS // 2) // HOP_10_MS
        margin = (WINDOW_25_MS - HOP_10_MS) // 2
        mirrored = samples.flip(0)
        padded = torch.cat((mirrored[-margin:], samples, mirrored))
        windows = padded.unfold(0, WINDOW_25_MS, HOP_10_MS)[:count]  # (time, window)
        windows = windows - windows.mean(dim=1, keepdim=True)
        before = torch.cat((windows[:, :1], windows[:, :-1]), dim=1)
        power = torch.fft.rfft((windows - PRE_EMPHASIS * before) * self.window, n=FFT_SIZE).abs().square()
        floor = torch.finfo(torch.float32).eps
        x: Tensor = (power @ self.filters).clamp(min=floor).log()  # (time, mel)
        return x


class Waveform(nn.Module):
    """The samples as they are or, as wav2vec 2.0 "large" networks want them, with zero mean and unit variance."""

    def __init__(self, parameters: WaveformParameters) -> None:
        super().__init__()
        self._is_normalised = parameters.is_normalised

    def forward(self, samples: Tensor) -> Tensor:
        """Map samples, shape (samples,), to the same shape."""
        if not self._is_normalised:
            return samples
        variance, mean = torch.var_mean(samples, correction=0)
        return (samples - mean) / (variance + LEAST_VARIANCE).sqrt()
