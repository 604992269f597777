from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dictation.core.hotwords import HotwordList, clean_phrase, is_same_phrase, phrases_of, split_hint

words = st.text(alphabet="abä AB\t=", max_size=6)


def test_a_phrase_is_kept_composed_and_with_single_spaces() -> None:
    assert clean_phrase("  Cafe\u0301 \t Zoe\u0308 ") == "Café Zoë"


def test_a_hint_of_how_it_sounds_stays_behind_the_word_and_makes_no_other_word() -> None:
    assert clean_phrase(" Quandt=kwant ") == "Quandt = kwant"
    assert clean_phrase("Quandt = ") == "Quandt"
    assert clean_phrase(" = kwant") == ""
    assert split_hint("New  York =  noo york") == ("New York", "noo york")
    words = HotwordList(["Quandt"])
    assert words.add(["quandt = kwant"]) == 0
    assert words.edit(0, "Quandt = kwant")
    assert words.words == ("Quandt = kwant",)
    assert is_same_phrase(words.words[0], "QUANDT")


def test_pasted_lines_become_phrases() -> None:
    assert phrases_of("Quandt\n\n  New   York \r\nquandt\nZoë") == ("Quandt", "New York", "Zoë")


def test_adding_tells_how_many_were_new_and_keeps_the_first_spelling() -> None:
    words = HotwordList(["Quandt"])
    assert words.add(["quandt", "Zoë", "", "  "]) == 1
    assert words.words == ("Quandt", "Zoë")
    assert words.add(["ZOË"]) == 0


def test_editing_refuses_what_is_empty_or_there_already_but_may_change_case() -> None:
    words = HotwordList(["Quandt", "Zoë"])
    assert not words.edit(0, "  ")
    assert not words.edit(0, "zoë")
    assert not words.edit(0, "Quandt")
    assert words.edit(0, "QUANDT")
    assert words.words == ("QUANDT", "Zoë")
    with pytest.raises(IndexError):
        words.edit(2, "new")


def test_several_removed_at_once_come_back_at_once() -> None:
    words = HotwordList(["a", "b", "c"])
    assert words.remove([0, 2, 7]) == 2
    assert words.words == ("b",)
    assert words.undo()
    assert words.words == ("a", "b", "c")
    assert not words.can_undo
    assert not words.undo()


def test_what_changed_nothing_is_not_undone() -> None:
    words = HotwordList(["a"])
    words.add(["A"])
    words.remove([5])
    assert not words.can_undo


@given(st.lists(words), st.lists(st.tuples(st.sampled_from("aer"), st.integers(0, 3), words)))
def test_undoing_everything_brings_back_the_beginning(start: list[str], steps: list[tuple[str, int, str]]) -> None:
    words = HotwordList(start)
    first = words.words
    for kind, index, text in steps:
        if kind == "a":
            words.add([text])
        elif kind == "r":
            words.remove([index])
        elif index < len(words.words):
            words.edit(index, text)
        folded = [word.casefold() for word in words.words]
        assert len(set(folded)) == len(folded)
        assert all(word == clean_phrase(word) != "" for word in words.words)
    while words.undo():
        pass
    assert words.words == first
