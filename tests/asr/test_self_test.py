"""The clip that a model is tried with."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

from dictation.asr.self_test import clip_to_hear, stand_in_clip
from dictation.core.records import SAMPLE_RATE_HZ


def test_a_model_without_a_clip_hears_the_stand_in(tmp_path: Path) -> None:
    path = tmp_path / "clip.wav"
    with wave.open(str(path), "wb") as clip:
        clip.setparams((1, 2, SAMPLE_RATE_HZ, 0, "NONE", ""))
        clip.writeframes(np.full(100, 16384, "<i2").tobytes())

    assert clip_to_hear(path).tolist() == [0.5] * 100
    assert clip_to_hear(None).tolist() == stand_in_clip().tolist()
