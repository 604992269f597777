"""The front ends, in plain torch: log-mel features, or the waveform.

The spectrogram equals torchaudio.transforms.MelSpectrogram (power, HTK scale, no norm); tests compare the two.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from dictation.asr.front_end import FeatureParameters, WaveformParameters

LEAST_VARIANCE = 1e-7
"""Added to the variance of a waveform, as the networks saw it in training (transformers, fairseq)."""


def _htk_mel(hz: float) -> float:
    """Frequency on the mel scale: 2595 log10(1 + f / 700), O'Shaughnessy 1987 as used in HTK."""
    return 2595.0 * math.log10(1.0 + hz / 700.0)


def mel_filters(parameters: FeatureParameters) -> Tensor:
    """Triangular filters, equally spaced on the mel scale, each with a peak of 1; shape (fft / 2 + 1, mel)."""
    bins_hz = torch.linspace(0, parameters.sample_rate_hz // 2, parameters.fft_size // 2 + 1)  # (bins,)
    low, high = _htk_mel(parameters.low_hz), _htk_mel(parameters.high_hz)
    corners_mel = torch.linspace(low, high, parameters.mel_bins + 2)
    corners_hz = 700.0 * (10.0 ** (corners_mel / 2595.0) - 1.0)  # (mel + 2,)
    widths_hz = corners_hz.diff()  # (mel + 1,)
    distances_hz = corners_hz.unsqueeze(0) - bins_hz.unsqueeze(1)  # (bins, mel + 2)
    rising = -distances_hz[:, :-2] / widths_hz[:-1]  # (bins, mel)
    falling = distances_hz[:, 2:] / widths_hz[1:]  # (bins, mel)
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
