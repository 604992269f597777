"""NeMo's and Kaldi's features against what defines them; torch and others are imported inside."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dictation.asr.front_end import FRONT_ENDS, KaldiFbankParameters, NemoMelParameters
from dictation.core.records import Samples
from tests.support.synth import babble, noise

ICEFALL = KaldiFbankParameters(16_000, 80, 20.0, 7600.0)


def compute(parameters: NemoMelParameters | KaldiFbankParameters, samples: Samples) -> np.ndarray:
    import torch

    with torch.inference_mode():
        features: np.ndarray = parameters.build()(torch.from_numpy(samples)).numpy()
    return features


@settings(max_examples=20, deadline=None)
@given(
    count=st.integers(400, 6000), mel_bins=st.sampled_from([23, 40, 80]), edges=st.sampled_from([(20, 7600), (0, 8000)])
)
def test_kaldi_s_features_equal_torchaudio_s(count: int, mel_bins: int, edges: tuple[int, int]) -> None:
    import torch
    from torchaudio.compliance import kaldi

    samples = noise(1.0, -20, count)[:count] + np.float32(0.01)  # an offset, which each window loses
    wanted = kaldi.fbank(
        torch.from_numpy(samples)[None], num_mel_bins=mel_bins, low_freq=edges[0], high_freq=edges[1],
        dither=0.0, snip_edges=False, window_type="povey", sample_frequency=16_000,
    )  # fmt: skip
    found = compute(KaldiFbankParameters(16_000, mel_bins, *edges), samples)
    assert found.shape == wanted.shape == ((count + 80) // 160, mel_bins)
    np.testing.assert_allclose(found, wanted.numpy(), atol=2e-3)  # rounding, seen through the logarithm


def test_icefall_s_kaldi_features_of_speech_like_sound_and_of_silence() -> None:
    import torch
    from torchaudio.compliance import kaldi

    for samples in (babble(1.0), np.zeros(16_000, np.float32)):
        wanted = kaldi.fbank(
            torch.from_numpy(samples)[None], num_mel_bins=80, high_freq=-400, dither=0.0, snip_edges=False
        )
        np.testing.assert_allclose(compute(ICEFALL, samples), wanted.numpy(), atol=2e-3)


@pytest.mark.parametrize("mel_bins", [64, 80, 128])
@pytest.mark.parametrize("count", [320, 1000, 16_000, 16_079, 16_080])
def test_nemo_s_features_equal_transformers_port_of_them(mel_bins: int, count: int) -> None:
    """transformers ports NeMo's preprocessor for Parakeet, and masks the frames behind the last whole hop."""
    from transformers import ParakeetFeatureExtractor

    samples = babble(2.0)[:count]
    made = ParakeetFeatureExtractor(feature_size=mel_bins)(samples, sampling_rate=16_000, return_tensors="np")
    wanted = made.input_features[0][: count // 160]
    found = compute(NemoMelParameters(16_000, mel_bins, is_normalised=True), samples)
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, atol=2e-3)


def test_nemo_s_filters_equal_torchaudio_s_slaney_filters() -> None:
    import torch
    from torchaudio.functional import melscale_fbanks

    from dictation.asr.features import slaney_filters

    wanted = melscale_fbanks(257, 0.0, 8000.0, 80, 16_000, norm="slaney", mel_scale="slaney")
    torch.testing.assert_close(slaney_filters(80, 16_000), wanted, atol=1e-6, rtol=1e-4)


def test_without_normalisation_the_logarithm_stands() -> None:
    plain = compute(NemoMelParameters(16_000, 80, is_normalised=False), np.zeros(1600, np.float32))
    np.testing.assert_allclose(plain, np.log(2.0**-24), rtol=1e-6)
    scaled = compute(NemoMelParameters(16_000, 80, is_normalised=True), babble(1.0))
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(scaled.std(axis=0, ddof=1), 1, atol=1e-3)


@pytest.mark.parametrize(
    ("kind", "values", "words"),
    [
        ("nemo-mel", (8000, 80, True), "sample_rate_hz must be 16000"),
        ("nemo-mel", (16_000, 0, True), "mel_bins must be positive"),
        ("kaldi-fbank", (16_000, -1, 20.0, 7600.0), "mel_bins must be positive"),
        ("kaldi-fbank", (16_000, 80, 7600.0, 20.0), "must lie in order"),
        ("kaldi-fbank", (16_000, 80, 20.0, 9000.0), "half the sample rate"),
    ],
)
def test_parameters_out_of_range_are_named(kind: str, values: tuple[float, ...], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        FRONT_ENDS[kind](*values)
