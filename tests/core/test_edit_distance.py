"""The distance of two sequences."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dictation.core.edit_distance import edit_distance

SEQUENCES = st.lists(st.integers(0, 3), max_size=6)


def defined(one: list[int], other: list[int]) -> int:
    """Levenshtein's definition as he gave it."""
    if not one or not other:
        return len(one) + len(other)
    return min(
        defined(one[1:], other) + 1,
        defined(one, other[1:]) + 1,
        defined(one[1:], other[1:]) + (one[0] != other[0]),
    )


@given(SEQUENCES, SEQUENCES)
def test_the_distance_is_levenshteins(one: list[int], other: list[int]) -> None:
    assert edit_distance(one, other) == defined(one, other)


def test_words_count_as_wholes() -> None:
    assert edit_distance(["the", "red", "house", "by", "a", "river"], ["the", "read", "house", "by", "river"]) == 2
