from __future__ import annotations

from pathlib import Path

import pytest

from dictation.asr.labels import Labels
from dictation.asr.lexicon import read_lexicon
from dictation.core.errors import ModelDamaged
from tests.support.phones import LABELS, small_lexicon, write_lexicon


def test_a_word_is_listed_once_with_all_its_pronunciations(tmp_path: Path) -> None:
    lexicon = small_lexicon(tmp_path)
    assert lexicon.words[:3] == ("sun", "son", "us")
    assert lexicon.spoken[:3] == (0, 0, 1)
    assert [list(sounds) for sounds in lexicon.sounds[:2]] == [[2, 1, 4], [2, 5, 4]]


@pytest.mark.parametrize("end", ["", "\n"])
def test_the_last_line_may_or_may_not_end(tmp_path: Path, end: str) -> None:
    assert small_lexicon(tmp_path, f"a AA{end}").words == ("a",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", r"lexicon.txt is empty"),
        ("\n", r"Line 1 of the lexicon lexicon.txt is empty"),
        ("a AA\n\nus AA S\n", r"Line 2 of the lexicon lexicon.txt is empty"),
        ("a AA\nus AA ZH\n", r"Line 2 of the lexicon lexicon.txt has the sound 'ZH', which the labels do not have"),
        ("a <blank>\n", r"Line 1 .* has the sound '<blank>'"),
        ("a AA\nus\n", r"Line 2 of the lexicon lexicon.txt: 'us' has no sounds"),
        (f"a AA\nus{' AA' * 65}\n", r"Line 2 of the lexicon lexicon.txt: 'us' has more than 64 sounds"),
    ],
)
def test_a_damaged_lexicon_names_the_line_and_why(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ModelDamaged, match=words):
        small_lexicon(tmp_path, text)


def test_what_is_no_text_or_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lexicon.txt").write_bytes(b"a AA\n\xff\xfe")
    with pytest.raises(ModelDamaged, match=r"lexicon.txt is not UTF-8"):
        read_lexicon(tmp_path / "lexicon.txt", LABELS)
    with pytest.raises(ModelDamaged, match=r"other.txt cannot be read"):
        read_lexicon(tmp_path / "other.txt", LABELS)


def test_too_many_labels_for_the_tree_are_refused(tmp_path: Path) -> None:
    many = Labels(("_", *(f"S{count}" for count in range(63))), "_", "")
    with pytest.raises(ModelDamaged, match="64 labels; a lexicon works with 63"):
        read_lexicon(write_lexicon(tmp_path), many)


def test_further_words_stand_behind_the_others(tmp_path: Path) -> None:
    lexicon = small_lexicon(tmp_path, "a AA\n").with_words({"noon": [b"\x04\x05\x04", b"\x04\x05"]})
    assert lexicon.words == ("a", "noon")
    assert lexicon.spoken == (0, 1, 1)
