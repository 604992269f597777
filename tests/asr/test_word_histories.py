from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dictation.asr.word_histories import PhraseMatcher, WordHistories, WordWeights


def credit(phrases: list[str], text: str, weight: float = 2.0) -> float:
    """What the words of a text gain in all."""
    matcher = PhraseMatcher([tuple(phrase.split()) for phrase in phrases], weight)
    state, total = (), 0.0
    for word in text.split():
        state, gain = matcher.follow(state, word)
        total += gain
    return total + matcher.end(state)


@pytest.mark.parametrize(
    ("phrases", "text", "words"),
    [
        (["york"], "we love york", 1),
        (["new york"], "we love new york now", 2),
        (["new york"], "a new yorker", 0),
        (["new york"], "new", 0),
        (["new york"], "new new york", 2),
        (["new york", "new york city"], "new york city", 3),
        (["new york", "new york city"], "new york pity", 2),
        (["a b c", "b d"], "a b d", 2),
        (["go"], "go go go", 3),
    ],
)
def test_only_phrases_said_in_full_count(phrases: list[str], text: str, words: int) -> None:
    assert credit(phrases, text) == pytest.approx(2.0 * words)


PHRASES = st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(" ".join), max_size=4)


@given(phrases=PHRASES, text=st.lists(st.sampled_from("abcd"), max_size=8).map(" ".join))
def test_a_phrase_never_lowers_a_score(phrases: list[str], text: str) -> None:
    assert credit(phrases, text) >= -1e-9


def test_histories_that_mean_the_same_have_one_number() -> None:
    weights = WordWeights(lm_weight=0.5, word_score=-0.25, hotword_weight=2.0)
    histories = WordHistories(("a", "b"), None, PhraseMatcher([("b", "a")], 2.0), weights)
    (_, after_a, score_a), (_, after_b, score_b) = histories.follow(0, [0, 1])
    assert (after_a, score_a) == (0, -0.25)
    assert after_b != 0
    assert score_b == pytest.approx(1.75)
    assert histories.end(after_b) == pytest.approx(-2.0)
    ((_, after_both, score),) = histories.follow(after_b, [0])
    assert score == pytest.approx(1.75)
    assert histories.end(after_both) == pytest.approx(0.0)
