from __future__ import annotations

import numpy as np
import pytest

from dictation.asr.decoding import DecodingParameters
from dictation.core.settings import RecognizerSettings

DEFAULT = RecognizerSettings()


def test_a_model_without_advice_takes_the_settings_as_they_are() -> None:
    for settings in (DEFAULT, RecognizerSettings(lm_weight=0.0, word_score=-10.0), RecognizerSettings(lm_weight=5.0)):
        adapted = DecodingParameters().adapt(settings)
        assert adapted.lm_weight == pytest.approx(settings.lm_weight)
        assert adapted.word_score == pytest.approx(settings.word_score)


def test_default_settings_stand_for_the_models_weights() -> None:
    adapted = DecodingParameters(lm_weight=0.6, word_score=-0.5).adapt(DEFAULT)
    assert (adapted.lm_weight, adapted.word_score) == (pytest.approx(0.6), pytest.approx(-0.5))


def test_other_settings_move_the_models_weights() -> None:
    settings = RecognizerSettings(
        lm_weight=DEFAULT.lm_weight / 2, word_score=DEFAULT.word_score + 1, beam_prune_logp=-12.0, beam_width=7
    )
    adapted = DecodingParameters(lm_weight=0.6, word_score=-0.5, beam_prune_logp=-13.0).adapt(settings)
    assert (adapted.lm_weight, adapted.word_score) == (pytest.approx(0.3), pytest.approx(0.5))
    assert adapted.beam_prune_logp == pytest.approx(-15.0)
    assert adapted.beam_width == 7


def test_what_comes_out_stays_within_the_settings_ranges() -> None:
    adapted = DecodingParameters(lm_weight=3.0, word_score=9.0).adapt(RecognizerSettings(lm_weight=5.0, word_score=9.0))
    assert (adapted.lm_weight, adapted.word_score) == (5.0, 10.0)


def test_the_blank_score_counts_in_every_frame_and_for_no_other_label() -> None:
    log_probs = np.log(np.full((3, 4), 0.25, dtype=np.float32))
    shifted = DecodingParameters(blank_score=-1.5).shift_blank(log_probs, 2)
    np.testing.assert_allclose(shifted - log_probs, np.tile([0, 0, -1.5, 0], (3, 1)), atol=1e-6)
    assert DecodingParameters().shift_blank(log_probs, 2) is log_probs


def test_unsure_letters_must_gain_three_times_as_much() -> None:
    rules = DecodingParameters(min_gain_over_silence=4.0, sure_letter_confidence=0.6)
    assert (rules.least_gain(0.6), rules.least_gain(0.59)) == (4.0, 12.0)
    assert DecodingParameters(min_gain_over_silence=4.0).least_gain(0.0) == 4.0
    assert DecodingParameters(sure_letter_confidence=0.6).least_gain(0.0) == 0.0
