"""Which of several readings is trusted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dictation.asr.lexicon_readings import Reading
from dictation.asr.lexicon_search import Said
from dictation.asr.lexicon_vote import put_safest_first

SENTENCES = st.lists(st.integers(0, 3), max_size=6)


def reading(words: list[int], score: float) -> Reading:
    return Reading(tuple(Said(place - 1, word, 0, place, place) for place, word in enumerate(words)), score)


def test_three_readings_that_agree_in_a_word_outvote_a_likelier_one() -> None:
    alone = reading([1, 2, 3], 0.0)
    agreed = [reading([4, 2, 5], -0.1), reading([4, 2, 6], -0.2), reading([4, 2], -0.2)]
    assert put_safest_first([alone, *agreed]) == [agreed[0], alone, *agreed[1:]]


def test_a_reading_far_likelier_than_all_others_stays_first() -> None:
    readings = [reading([1, 2, 3], 0.0), *(reading([4, 2, last], -20.0) for last in range(3))]
    assert put_safest_first(readings) == readings


@given(st.lists(st.tuples(SENTENCES, st.floats(-1000, 0)), min_size=1, max_size=8))
def test_no_reading_is_lost_and_only_one_moves(drawn: list[tuple[list[int], float]]) -> None:
    readings = sorted((reading(words, score) for words, score in drawn), key=lambda one: -one.score)
    voted = put_safest_first(readings)
    assert len(voted) == len(readings)
    rest = list(readings)
    rest.pop(next(place for place, one in enumerate(readings) if one is voted[0]))
    assert voted[1:] == rest
