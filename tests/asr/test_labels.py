from __future__ import annotations

import pytest

from dictation.asr.labels import Labels
from tests.support.log_probs import ENGLISH


@pytest.mark.parametrize(
    ("phrase", "spelled"),
    [
        ("Ada Lovelace", "ada lovelace"),
        ("  o'clock ", "o'clock"),
        ("B12", None),
        ("naïve", None),
        ("", None),
        (" ", None),
    ],
)
def test_spelling_with_lower_case_letters(phrase: str, spelled: str | None) -> None:
    assert ENGLISH.spellable(phrase) == spelled


def test_spelling_keeps_upper_case_where_the_model_has_it() -> None:
    labels = Labels(("_", "|", "A", "a"), "_", "|")
    assert labels.spellable("Aa") == "Aa"
    assert labels.spellable("a|a") is None


def test_search_symbols() -> None:
    labels = Labels(("|", "a", "_"), "_", "|")
    assert list(labels.for_search()) == [" ", "a", ""]
    assert labels.blank_index == 2
    assert labels.indices("aa") == [1, 1]
