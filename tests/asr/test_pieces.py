"""Labels that are pieces of words: what they spell, and the words that the search makes of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dictation.asr.confidence import likeliest_pieces
from dictation.asr.decoder import BeamDecoder
from dictation.asr.labels import Arc, Labels
from dictation.asr.ngrams import load_ngrams
from dictation.core.records import Hypothesis
from dictation.core.settings import RecognizerSettings
from tests.support.arpa import arpa
from tests.support.log_probs import between

PIECES = ("▁", "▁the", "▁t", "h", "e", "▁cat", "▁c", "at", "s", "▁s", "a", "t", "▁mat", "▁m", "'", "c", "m", "<blk>")
LABELS = Labels(PIECES, "<blk>", "", "▁")
BLANK_FIRST = Labels(("<blk>", *PIECES[:-1]), "<blk>", "", "▁")
FRAME_S = 0.08
ARPA = arpa(
    {
        "</s>": (-1.0,),
        "<s>": (-99, -0.3),
        "<unk>": (-3.0,),
        "the": (-1.0, -0.3),
        "cat": (-1.0, -0.3),
        "cats": (-1.2, -0.3),
    },
    {"<s> the": -0.2, "the cats": -0.1},
)


def write(pieces: str, labels: Labels = LABELS, sure: float = 0.9, blanks: int = 1) -> np.ndarray:
    """One frame per piece (separated by spaces; ``a=b`` are as likely as each other), blanks in between."""
    rows = []
    for choice in pieces.split():
        wanted = choice.split("=")
        row = np.full(len(labels), (1 - sure) / (len(labels) - len(wanted)))
        row[[labels.symbols.index(piece) for piece in wanted]] = sure / len(wanted)
        blank = np.full(len(labels), (1 - sure) / (len(labels) - 1))
        blank[labels.blank_index] = sure
        rows += [row, *[blank] * blanks]
    return np.log(np.array(rows).reshape(-1, len(labels))).astype(np.float32)


def decode(
    log_probs: np.ndarray, labels: Labels = LABELS, arpa: Path | None = None, n_best: int = 1, **settings: object
) -> tuple[Hypothesis, ...]:
    decoder = BeamDecoder(labels, FRAME_S, load_ngrams(arpa, None) if arpa else None)
    decoder.configure(RecognizerSettings(**{"lm_weight": 0.5, "word_score": 0.0, **settings}))  # type: ignore[arg-type]
    found = decoder.decode(log_probs, 60.0, 20, n_best)
    decoder.close()
    return found


@pytest.fixture
def arpa(tmp_path: Path) -> Path:
    path = tmp_path / "lm.arpa"
    path.write_text(ARPA, encoding="utf-8")
    return path


@pytest.mark.parametrize("labels", [LABELS, BLANK_FIRST])
@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        ("▁the ▁cat s ▁s at", "the cats sat"),
        ("▁t h e ▁c at", "the cat"),
        ("h e ▁cat", "he cat"),  # audio that starts in a word
        ("▁ m at ▁ ▁ a t", "mat at"),  # the mark alone, also twice
        ("▁ ▁the", "the"),
        ("▁the ▁", "the"),
        ("▁", ""),
        ("▁t h e s e", "these"),
    ],
)
def test_pieces_become_words(labels: Labels, pieces: str, text: str) -> None:
    for blanks in (0, 1, 2):
        if blanks or len(set(pieces.split())) == len(pieces.split()):
            assert decode(write(pieces, labels, blanks=blanks), labels)[0].text == text


def test_a_mark_alone_begins_no_other_word() -> None:
    """pyctcdecode 0.5.0 lets a lone mark break the word of whichever hypothesis comes next."""
    found = decode(write("▁the ▁=s", sure=0.99), n_best=5)
    assert {one.text for one in found[:2]} == {"thes", "the"}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(PIECES[:-1]), min_size=1, max_size=12), st.integers(0, 2))
def test_what_is_clearly_written_is_read(pieces: list[str], blanks: int) -> None:
    """Greedy reading and the search agree where every frame is clear."""
    log_probs = write(" ".join(pieces), sure=0.9999, blanks=blanks)
    said = [one for index, one in enumerate(pieces) if blanks or index == 0 or one != pieces[index - 1]]
    assert decode(log_probs)[0].text == " ".join("".join(said).replace("▁", " ").split())


def test_times_and_confidence_are_those_of_the_pieces() -> None:
    words = decode(write("▁t h e ▁ c at s", sure=0.9))[0].words
    assert [word.text for word in words] == ["the", "cats"]
    assert words[0].start_s == 0.0  # pieces on frames 0, 2, 4
    assert words[0].end_s == pytest.approx((5 - 0.5) * FRAME_S)
    assert words[1].start_s == pytest.approx((6 - 0.5) * FRAME_S)  # with the mark
    assert words[1].end_s == pytest.approx((13 - 0.5) * FRAME_S)
    assert [word.confidence for word in words] == [pytest.approx(0.9, abs=0.01)] * 2
    (unmarked,) = decode(write("h e", sure=0.8))[0].words
    assert unmarked.confidence == pytest.approx(0.8, abs=0.01)


def test_the_language_model_scores_words_and_not_pieces(arpa: Path) -> None:
    log_probs = between(write("▁the ▁mat s"), write("▁the ▁cat s"), 0.6)
    assert decode(log_probs)[0].text == "the mats"
    assert decode(log_probs, arpa=arpa)[0].text == "the cats"


def test_a_hotword_changes_a_confusable_word(arpa: Path) -> None:
    unsure = write("▁the ▁mat=▁cat", sure=0.9)
    assert decode(unsure, arpa=arpa)[0].text == "the cat"
    assert decode(unsure, arpa=arpa, hotwords=("Mat",), hotword_weight=12.0)[0].text == "the mat"
    assert decode(unsure, hotwords=("mat",), hotword_weight=12.0)[0].text == "the mat"


def test_hotwords_that_pieces_cannot_spell_are_said() -> None:
    decoder = BeamDecoder(LABELS, FRAME_S)
    decoder.configure(RecognizerSettings(hotwords=("the Cats", "zebra", "hat")))
    assert decoder.unspellable_hotwords == ("zebra",)
    narrow = Labels(("▁the", "cat", "<blk>"), "<blk>", "", "▁")
    assert narrow.spellable("The") == "the"
    assert narrow.spellable("thecat") == "thecat"
    assert narrow.spellable("cat") is None  # all letters are there, but no piece begins with c
    assert narrow.spellable("") is None
    assert narrow.letters == set("thecat")


def test_every_way_to_write_a_word() -> None:
    labels = Labels(("▁", "▁a", "a", "ab", "<blk>"), "<blk>", "", "▁")
    assert labels.arcs("ab") == [Arc(0, 1, 0), Arc(0, 2, 1), Arc(1, 2, 2), Arc(1, 3, 3)]
    heard = np.log(np.array([[0.7, 0.2, 0.02, 0.03, 0.05], [0.1, 0.1, 0.1, 0.6, 0.1]]))
    assert likeliest_pieces(heard, labels.arcs("ab")) == [3]
    assert list(labels.for_search()) == ["▁", "▁a", "a", "ab", ""]


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ((("▁a", "b", "_"), "_", "", "#"), "word_start must be '▁' or empty, not '#'"),
        ((("▁a", " ", "_"), "_", " ", "▁"), "symbol '▁a' is not a single character"),
        ((("▁", " ", "_"), "_", " ", "▁"), "exclude each other"),
        ((("a", "b", "_"), "_", "", "▁"), "no symbol begins with '▁'"),
        ((("▁a", "a▁", "_"), "_", "", "▁"), "symbol 'a▁' is no piece"),
        ((("▁a", "a b", "_"), "_", "", "▁"), "symbol 'a b' is no piece"),
        ((("▁a", "", "_"), "_", "", "▁"), "symbol '' is no piece"),
    ],
)
def test_labels_that_are_no_pieces_are_refused(labels: tuple[tuple[str, ...], str, str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Labels(*labels)
