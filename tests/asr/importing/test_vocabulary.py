from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from dictation.asr.importing.vocabulary import lowered

characters = st.characters(exclude_categories=["Cs"])


@given(st.lists(characters, unique=True, max_size=30))
@example(["K", "\u212a"])  # the Kelvin sign has the same lower case as K
@example(["\u1e9e", "S"])  # the capital sharp s
def test_letters_in_lower_case_stay_letters_and_stay_apart(letters: list[str]) -> None:
    spelled = lowered(letters)
    symbols = [spelled.get(letter, letter) for letter in letters]
    assert len(set(symbols)) == len(symbols)
    assert all(len(symbol) == 1 for symbol in symbols)


@given(st.lists(characters, min_size=1, unique=True), st.sampled_from("abcäßжλ"))
def test_an_alphabet_with_a_lower_case_letter_stays_as_it_is(letters: list[str], lower: str) -> None:
    assert lowered({*letters, lower}) == {}
