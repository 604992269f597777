"""Log-mel features of any stretch of an utterance, equal to those of the whole.

Tests compare them with torchaudio's ``RNNTBundle.get_feature_extractor``.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from dictation.asr.front_end import FeatureParameters
from dictation.asr.transducer.parameters import FFT_SIZE, HALF_WINDOW, HOP_SAMPLES, GlobalMelParameters

GAIN = float(torch.iinfo(torch.int16).max) ** 2
"""On the power: the networks were trained on samples of 16 bits, not on those between -1 and 1."""


class GlobalMel(nn.Module):
    """Power in mel bands, a logarithm that is straight for low ones, minus the training set's mean, over its deviation.

    The bands are those of torchaudio's ``MelSpectrogram``: a Hann window, HTK's scale up to half the sample rate, no
    norm, the ends mirrored.
    """

    window: Tensor
    filters: Tensor
    mean: Tensor
    inverse_deviation: Tensor

    def __init__(self, parameters: GlobalMelParameters) -> None:
        super().__init__()
        from dictation.asr.features import mel_filters

        rate_hz = parameters.sample_rate_hz
        form = FeatureParameters(
            rate_hz, FFT_SIZE, FFT_SIZE, HOP_SAMPLES, parameters.width, 0.0, rate_hz / 2, 1e-6, 1e-5, peak=0.0
        )
        self.register_buffer("window", torch.hann_window(FFT_SIZE), persistent=False)
        self.register_buffer("filters", mel_filters(form), persistent=False)
        self.register_buffer("mean", torch.tensor(parameters.mean), persistent=False)
        self.register_buffer("inverse_deviation", torch.tensor(parameters.inverse_deviation), persistent=False)

    def forward(self, samples: Tensor, first_hop: int = 0, end_hop: int | None = None) -> Tensor:
        """Map samples, shape (samples,), to the features of the hops asked for, shape (hops, bands).

        Args:
            samples: The utterance so far, at least 201.
            first_hop: The first hop that is wanted.
            end_hop: One past the last one; None for ``hop_count`` of the samples. Hops that ``full_hop_count`` does
                not count change when the utterance grows: their windows are mirrored at its end. The first hop and the
                last need another one beside them.
        """
        end_hop = hop_count(len(samples)) if end_hop is None else end_hop
        start, end = HOP_SAMPLES * first_hop - HALF_WINDOW, HOP_SAMPLES * (end_hop - 1) + HALF_WINDOW
        stretch = samples[max(0, start) : min(end, len(samples))]
        mirrored = nn.functional.pad(stretch[None], (max(0, -start), max(0, end - len(samples))), mode="reflect")[0]
        spectrum = torch.stft(
            mirrored, FFT_SIZE, HOP_SAMPLES, FFT_SIZE, self.window, center=False, return_complex=True
        )  # (bins, hops)
        power = spectrum.abs().square().T @ self.filters * GAIN  # (hops, bands)
        x = torch.where(power > math.e, power.clamp(min=math.e).log(), power)
        # Powers from e to e^e are divided, too, though they have their logarithm already: torchaudio's does so in
        # training and in its pipeline, and the network knows nothing else.
        return (torch.where(x > math.e, x, x / math.e) - self.mean) * self.inverse_deviation


def hop_count(samples: int) -> int:
    """Hops of an utterance of so many samples."""
    return samples // HOP_SAMPLES + 1


def full_hop_count(samples: int) -> int:
    """Those of them whose window lies within what was heard, but for the utterance's start."""
    return max(0, (samples - HALF_WINDOW) // HOP_SAMPLES + 1)
