"""What is shown while an utterance grows comes to what is written when it ends."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dictation.asr.recognizer import Effort, Recognizer
from dictation.asr.self_test import read_clip
from dictation.core.records import SAMPLE_RATE_HZ
from dictation.core.stabilizer import Stabilizer

pytestmark = pytest.mark.model

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
FIRST_S, STEP_S = 0.5, 0.3
"""Sooner and in longer steps than the window's partial texts, so that the test stays short."""


@pytest.mark.parametrize("name", sorted(path.stem for path in GOLDEN.glob("*.wav")))
def test_partial_texts_converge_to_the_final_one(recognizer: Recognizer, name: str) -> None:
    samples = read_clip(GOLDEN / f"{name}.wav")
    final = recognizer.recognize(samples).best.text.split()
    stabilizer, shown, words = Stabilizer(), (), []
    ends = [*np.arange(FIRST_S, len(samples) / SAMPLE_RATE_HZ, STEP_S), len(samples) / SAMPLE_RATE_HZ]
    for end_s in ends:
        heard = np.ascontiguousarray(samples[: round(end_s * SAMPLE_RATE_HZ)])
        words = recognizer.recognize(heard, Effort.PARTIAL).best.text.split()
        stable, _ = stabilizer.push(words)
        assert stable[: len(shown)] == shown, "a word that was shown as stable vanished"
        shown = stable
    assert words == final
    assert list(shown) == final[: len(shown)]
    assert len(shown) >= len(final) // 2
