"""Features of the whole utterance, and of stretches of it, against torchaudio's pipeline."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dictation.asr.transducer.parameters import GlobalMelParameters
from tests.support.synth import babble

MEAN = tuple(float(value) for value in np.linspace(12.0, 17.0, 80))
INVERSE_DEVIATION = tuple(float(value) for value in np.linspace(0.2, 0.3, 80))
PARAMETERS = GlobalMelParameters(16_000, MEAN, INVERSE_DEVIATION)
RIGHT_PADDING = 4


@pytest.fixture
def theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """torchaudio's extractor, with our statistics in place of those that it would download."""
    import torchaudio

    path = tmp_path / "stats.json"
    path.write_text(json.dumps({"mean": MEAN, "invstddev": INVERSE_DEVIATION}), encoding="utf-8")
    monkeypatch.setattr(torchaudio.utils, "_download_asset", lambda _: str(path))
    return torchaudio.pipelines.EMFORMER_RNNT_BASE_LIBRISPEECH.get_feature_extractor()


@pytest.mark.parametrize("gain", [0.0, 1e-5, 0.3])
def test_features_equal_torchaudios(theirs: Any, gain: float) -> None:
    """Also where the logarithm is straight: of silence, and of sound near the last bit."""
    import torch

    samples = torch.from_numpy(babble(1.03)) * gain
    wanted, _ = theirs(samples)
    with torch.inference_mode():
        torch.testing.assert_close(PARAMETERS.build()(samples), wanted[:-RIGHT_PADDING], rtol=1e-4, atol=1e-4)
    assert not wanted[-RIGHT_PADDING:].any()


@settings(max_examples=30, deadline=None)
@given(length=st.integers(2_000, 12_000), later=st.integers(0, 3_000), cuts=st.lists(st.integers(1, 40), max_size=4))
def test_a_stretch_equals_the_whole_and_stays(length: int, later: int, cuts: list[int]) -> None:
    import torch

    from dictation.asr.transducer.features import full_hop_count, hop_count

    samples = torch.from_numpy(babble(1.0))
    front_end = PARAMETERS.build()
    with torch.inference_mode():
        whole, grown = front_end(samples[:length]), front_end(samples[: length + later])
        full = full_hop_count(length)
        assert len(whole) == hop_count(length)
        torch.testing.assert_close(grown[:full], whole[:full], rtol=1e-4, atol=1e-4)
        edges = sorted({0, len(whole), *(2 * cut for cut in cuts if 2 * cut < full)})
        stretches = [front_end(samples[:length], *edge) for edge in pairwise(edges)]
    torch.testing.assert_close(torch.cat(stretches), whole, rtol=1e-4, atol=1e-4)


def test_the_shortest_audio_has_features() -> None:
    import torch

    samples = torch.from_numpy(babble(0.1)[: PARAMETERS.shortest_samples])
    assert PARAMETERS.build()(samples).shape == (2, 80)


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        ((8_000, MEAN, INVERSE_DEVIATION), "sample_rate_hz must be 16000"),
        ((16_000, MEAN, INVERSE_DEVIATION[:-1]), "one entry for each band"),
        ((16_000, (), ()), "one entry for each band"),
    ],
)
def test_parameters_that_cannot_be_are_refused(parameters: tuple[Any, ...], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        GlobalMelParameters(*parameters)
