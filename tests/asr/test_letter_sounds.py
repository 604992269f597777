from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dictation.asr.letter_sounds import MOST_WAYS, LetterSounds, context, read_letter_sounds
from dictation.core.errors import ModelDamaged
from tests.support.phones import LABELS

RULES = """s S
u AA / UW
n N
t T
e -
#u UW
nut AA
"""


def rules(folder: Path, text: str = RULES) -> LetterSounds:
    (folder / "letter_sounds.txt").write_text(text, encoding="utf-8")
    return read_letter_sounds(folder / "letter_sounds.txt", LABELS)


def said(way: bytes) -> str:
    return " ".join(LABELS.symbols[label] for label in way)


@pytest.mark.parametrize(
    ("width", "expected"), [(1, "i"), (2, "io"), (3, "tio"), (4, "tion"), (5, "#tion"), (8, "##tion##")]
)
def test_a_context_grows_to_both_sides(width: int, expected: str) -> None:
    assert context("tion", 1, width) == expected


@pytest.mark.parametrize(
    ("word", "ways"),
    [
        ("sun", ["S AA N", "S UW N"]),
        ("Tune", ["T AA N", "T UW N"]),
        ("nut", ["N AA T"]),
        ("ünu", ["AA N AA", "UW N AA", "AA N UW"]),
        ("unt", ["AA N T", "UW N T"]),
        ("e", []),
        ("sox", []),
        ("", []),
        ("4", []),
    ],
)
def test_the_longest_known_context_counts(tmp_path: Path, word: str, ways: list[str]) -> None:
    assert [said(way) for way in rules(tmp_path).say(word)] == ways


@given(word=st.text(st.sampled_from("sunteü x"), max_size=12))
def test_guesses_are_few_different_and_never_silent(tmp_path_factory: pytest.TempPathFactory, word: str) -> None:
    ways = rules(tmp_path_factory.mktemp("rules")).say(word)
    assert len(set(ways)) == len(ways) <= MOST_WAYS
    assert all(ways)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("s S\nu ZH\n", "Line 2 of the letter sounds letter_sounds.txt has the sound 'ZH'"),
        ("s S\n\n", "Line 2 of the letter sounds letter_sounds.txt is incomplete"),
        ("s\n", "Line 1 .* is incomplete"),
        ("s S /\n", "Line 1 .* is incomplete"),
        ("s <blank>\n", "Line 1 .* has the sound '<blank>'"),
    ],
)
def test_damaged_rules_name_the_line_and_why(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ModelDamaged, match=words):
        rules(tmp_path, text)


def test_what_is_no_text_or_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letter_sounds.txt").write_bytes(b"s S\n\xff")
    with pytest.raises(ModelDamaged, match=r"letter_sounds.txt are not UTF-8"):
        read_letter_sounds(tmp_path / "letter_sounds.txt", LABELS)
    with pytest.raises(ModelDamaged, match=r"other.txt cannot be read"):
        read_letter_sounds(tmp_path / "other.txt", LABELS)
