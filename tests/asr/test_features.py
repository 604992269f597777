"""torch and torchaudio are imported inside: collecting the tests stays quick."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dictation.asr.front_end import FeatureParameters
from dictation.asr.model_folder import ModelFolder
from dictation.asr.self_test import read_clip
from dictation.core.records import Samples
from tests.support.synth import babble

REFERENCE = Path(__file__).parent / "data" / "reference.npz"

STARTER_V0 = FeatureParameters(
    sample_rate_hz=16_000, fft_size=512, window_samples=400, hop_samples=160, mel_bins=80,
    low_hz=20.0, high_hz=7600.0, log_floor=1e-6, deviation_floor=1e-5, peak=0.7,
)  # fmt: skip


def features(parameters: FeatureParameters, samples: Samples) -> np.ndarray:
    import torch

    from dictation.asr.features import LogMel

    with torch.inference_mode():
        result: np.ndarray = LogMel(parameters)(torch.from_numpy(samples)).numpy()
    return result


def test_features_equal_the_reference(starter: ModelFolder) -> None:
    """The reference was made without scaling; see data/README.md."""
    clip = read_clip(starter.required_file("self_test_clip"))
    with np.load(REFERENCE) as reference:
        np.testing.assert_allclose(features(replace(STARTER_V0, peak=0.0), clip), reference["features"], atol=1e-4)


@given(
    fft_size=st.sampled_from([256, 400, 512, 1024]),
    window_share=st.floats(0.5, 1.0),
    hop_samples=st.integers(80, 320),
    mel_bins=st.integers(8, 40),
    low_hz=st.floats(0, 300),
    high_hz=st.floats(3000, 8000),
    samples=st.integers(1000, 5000),
)
def test_mel_spectrogram_equals_torchaudio(
    fft_size: int, window_share: float, hop_samples: int, mel_bins: int, low_hz: float, high_hz: float, samples: int
) -> None:
    import torch
    from torchaudio import transforms

    from dictation.asr.features import LogMel

    window_samples = int(window_share * fft_size)
    ours = LogMel(
        FeatureParameters(
            16_000, fft_size, window_samples, hop_samples, mel_bins, low_hz, high_hz, 1e-6, 1e-5, peak=0.0
        )
    )
    import warnings

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "At least one mel filterbank has all zero values")
        theirs = transforms.MelSpectrogram(
            16_000, n_fft=fft_size, win_length=window_samples, hop_length=hop_samples, n_mels=mel_bins,
            f_min=low_hz, f_max=high_hz,
        )  # fmt: skip
    audio = torch.from_numpy(babble(samples / 16_000))
    torch.testing.assert_close(ours.mel_spectrogram(audio), theirs(audio).T, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("gain", [0.001, 0.1, 1.0])
def test_gain_makes_no_difference(gain: float) -> None:
    """Without the scaling to a peak, the floor under the logarithm would: quiet microphones heard worse."""
    clip = babble(1.0)
    quiet = (clip * np.float32(gain)).astype(np.float32)
    np.testing.assert_allclose(features(STARTER_V0, quiet), features(STARTER_V0, clip), atol=1e-2)
    unscaled = replace(STARTER_V0, peak=0.0)
    if gain < 1:
        assert np.abs(features(unscaled, quiet) - features(unscaled, clip)).max() > 0.1


def test_unscaled_features_keep_the_size_of_their_differences() -> None:
    samples = babble(0.5)
    scaled = features(STARTER_V0, samples)
    unscaled = features(replace(STARTER_V0, is_scaled=False), samples)
    np.testing.assert_allclose(unscaled.mean(axis=0), 0, atol=1e-3)
    ratio = unscaled.std() / scaled.std()
    assert ratio > 1.1
    np.testing.assert_allclose(unscaled, ratio * scaled, atol=1e-2)


def test_the_shortest_audio_and_one_frame_per_hop() -> None:
    assert features(STARTER_V0, babble(1.0)).shape == (101, 80)
    shortest = babble(1.0)[: STARTER_V0.shortest_samples]
    assert features(STARTER_V0, shortest).shape == (2, 80)
