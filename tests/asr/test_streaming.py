"""What is shown while an utterance grows comes to what is written when it ends."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dictation.asr.recognizer import Effort, Recognizer
from dictation.asr.self_test import read_clip
from dictation.core.edit_distance import edit_distance
from dictation.core.records import SAMPLE_RATE_HZ, Samples
from dictation.core.stabilizer import Stabilizer
from tests.support.real_speech import read_clips

pytestmark = pytest.mark.model

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
FIRST_S, STEP_S = 0.5, 0.3
"""Sooner and in longer steps than the window's partial texts, so that the test stays short."""


def grow(recognizer: Recognizer, samples: Samples) -> tuple[list[list[str]], tuple[str, ...]]:
    """The partial texts of a growing utterance, the last one of all of it, and the words shown as stable."""
    stabilizer, shown, partials = Stabilizer(), (), []
    for end_s in [*np.arange(FIRST_S, len(samples) / SAMPLE_RATE_HZ, STEP_S), len(samples) / SAMPLE_RATE_HZ]:
        heard = np.ascontiguousarray(samples[: round(end_s * SAMPLE_RATE_HZ)])
        partials.append(recognizer.recognize(heard, Effort.PARTIAL).best.text.split())
        stable, _ = stabilizer.push(partials[-1])
        assert stable[: len(shown)] == shown, "a word that was shown as stable vanished"
        shown = stable
    return partials, shown


@pytest.mark.parametrize("name", sorted(path.stem for path in GOLDEN.glob("*.wav")))
def test_partial_texts_converge_to_the_final_one(recognizer: Recognizer, name: str) -> None:
    samples = read_clip(GOLDEN / f"{name}.wav")
    final = recognizer.recognize(samples).best.text.split()
    partials, shown = grow(recognizer, samples)
    assert partials[-1] == final
    assert list(shown) == final[: len(shown)]
    assert len(shown) >= len(final) // 2


@pytest.mark.parametrize(
    ("name", "most_changed", "most_taken_back", "least_stable"),
    [
        ("grid-s1", 0.05, 0.25, 0.6),
        ("numbers-weak", 0.05, 0.25, 0.6),
        ("ljspeech-part1", 0.1, 0.35, 0.4),
        ("common-voice-a", 0.2, 0.55, 0.4),
    ],
)
def test_partial_texts_of_real_speech_converge_to_the_final_one(
    recognizer: Recognizer,
    shared_corpus: Path,
    name: str,
    most_changed: float,
    most_taken_back: float,
    least_stable: float,
) -> None:
    """Every quarter of the utterances brings the texts nearer; how near depends on how well they are understood.

    Generous bounds on shares of words: what the final text changes in the last partial one and in the stable words,
    and how many of its words were shown as stable.
    """
    apart, words, taken_back, stable = np.zeros(4), 0, 0, 0
    for samples, _ in read_clips(shared_corpus / name, 4):
        final = recognizer.recognize(samples).best.text.split()
        partials, shown = grow(recognizer, samples)
        at = [len(partials) * quarter // 4 - 1 for quarter in (1, 2, 3, 4)]
        apart += [edit_distance(partials[place], final) for place in at]
        words += len(final)
        taken_back += edit_distance(shown, final[: len(shown)])
        stable += len(shown)
    assert (np.diff(apart) < 0).all()
    assert apart[-1] <= most_changed * words
    assert taken_back <= most_taken_back * stable
    assert stable >= least_stable * words
