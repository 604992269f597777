from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dictation.language.mixture import LEAST_WEIGHT, MOST_WEIGHT, perplexity, tune

PROBABILITIES = arrays(np.float64, 12, elements=st.just(0.0) | st.floats(1e-6, 1))


@given(personal=PROBABILITIES, general=PROBABILITIES)
def test_no_other_weight_makes_the_text_likelier(personal: np.ndarray, general: np.ndarray) -> None:
    found = tune(personal, general)
    known = (personal > 0) | (general > 0)

    def likelihood(weight: float) -> float:
        return float(np.log(weight * personal[known] + (1 - weight) * general[known]).sum())

    best = max(likelihood(weight) for weight in np.linspace(LEAST_WEIGHT, MOST_WEIGHT, 99))
    assert likelihood(found.weight) >= best - 0.02
    assert LEAST_WEIGHT <= found.weight <= MOST_WEIGHT


def test_perplexities_are_over_the_words_of_the_general_model() -> None:
    personal, general = np.array([0.5, 0.25, 0.0, 1.0]), np.array([0.1, 0.1, 0.1, 0.0])
    found = tune(personal, general)
    mixed = found.weight * personal[:3] + (1 - found.weight) * general[:3]
    assert found.perplexity_before == pytest.approx(10.0)
    assert found.perplexity_after == pytest.approx(np.prod(mixed) ** (-1 / 3))


def test_nothing_known_says_nothing() -> None:
    found = tune(np.zeros(3), np.zeros(3))
    assert found.weight == 0.5
    assert math.isnan(found.perplexity_before)
    assert math.isnan(perplexity(np.zeros(0)))
