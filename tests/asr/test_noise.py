from __future__ import annotations

import numpy as np
import pytest

from dictation.asr.noise import gain_over_silence, letter_confidence
from tests.support.log_probs import ENGLISH, between, spell


def test_clear_letters_are_sure_and_blank_frames_do_not_count() -> None:
    assert letter_confidence(spell("hello", sure=0.9, blanks=0), 0) == pytest.approx(0.9, abs=0.001)
    few = letter_confidence(spell("hello", sure=0.999), 0)
    many = letter_confidence(spell("hello", sure=0.999, blanks=9), 0)
    assert many == pytest.approx(few, abs=0.01)


def test_a_spread_over_many_letters_is_unsure() -> None:
    assert letter_confidence(between(spell("aaaa"), spell("bbbb"), 0.5), 0) == pytest.approx(0.5, abs=0.03)
    flat = np.full((9, len(ENGLISH)), -np.log(len(ENGLISH)))
    assert letter_confidence(flat, 0) == pytest.approx(1 / 29)


@pytest.mark.parametrize("frames", [0, 3])
def test_nothing_heard_is_nothing_sure(frames: int) -> None:
    log_probs = np.full((frames, 3), -40.0)
    log_probs[:, 1] = 0.0
    assert letter_confidence(log_probs, 1) == 0.0


def test_a_gain_is_counted_from_the_path_of_blanks() -> None:
    log_probs = np.log(np.array([[0.5, 0.5], [0.25, 0.75]]))
    assert gain_over_silence(np.log(0.375), log_probs, 0) == pytest.approx(np.log(0.375 / 0.125))
    assert gain_over_silence(np.log(0.125), log_probs, 0) == pytest.approx(0.0)
