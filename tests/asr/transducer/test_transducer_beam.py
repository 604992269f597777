"""The search against torchaudio's; torch and torchaudio are imported inside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dictation.asr.labels import Labels
from dictation.core.records import Hypothesis
from tests.support.emformer import BANDS, TINY, make_ours
from tests.support.tiny_transducer import make_network

if TYPE_CHECKING:
    from torch import Tensor

LABELS = 12
PIECES = Labels(("<unk>", "▁the", "▁ca", "t", "▁", "s", "<b>"), "<b>", "", "▁")


def encodings(frames: int, seed: int) -> Tensor:
    import torch

    return torch.randn(frames, TINY.encoding_width, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("width", [1, 4, 10])
def test_readings_and_scores_equal_torchaudios(width: int) -> None:
    import torch
    from torchaudio.models import RNNTBeamSearch

    from dictation.asr.transducer.beam import MOST_PER_FRAME, TransducerSearch

    lengths = set()
    for seed in range(8):
        theirs = make_network(LABELS, seed)
        search = TransducerSearch(make_ours(theirs, TINY, BANDS, LABELS), LABELS - 1)
        heard = encodings(10, seed)
        with torch.inference_mode():
            wanted = RNNTBeamSearch(theirs, LABELS - 1, step_max_tokens=MOST_PER_FRAME)._search(
                heard[None], None, width
            )
            beam = search.hear(heard, search.start(), 0, width, lambda: None)
        assert [reading.symbols for reading in beam] == [tuple(tokens[1:]) for tokens, *_ in wanted]
        assert [reading.score for reading in beam] == pytest.approx([score for *_, score in wanted], abs=1e-3)
        lengths.add(len(beam[0].symbols))
    assert len(lengths) > 2, "the networks say too much the same for a comparison"


def test_a_search_goes_on_from_any_earlier_beam() -> None:
    import torch

    from dictation.asr.transducer.beam import TransducerSearch

    search = TransducerSearch(make_ours(make_network(LABELS), TINY, BANDS, LABELS), LABELS - 1)
    heard = encodings(9, 0)
    with torch.inference_mode():
        whole = search.hear(heard, search.start(), 0, 4, lambda: None)
        half = search.hear(heard[:5], search.start(), 0, 4, lambda: None)
        search.hear(-heard, half, 5, 4, lambda: None)
        parted = search.hear(heard[5:], half, 5, 4, lambda: None)
    assert [(one.symbols, one.frames) for one in parted] == [(one.symbols, one.frames) for one in whole]
    assert all(one.score == pytest.approx(other.score, abs=1e-4) for one, other in zip(parted, whole, strict=True))
    assert all(len(one.frames) == len(one.log_probs) == len(one.symbols) for one in whole)
    assert list(whole[0].frames) == sorted(whole[0].frames)


def reading(symbols: str, score: float, frames: tuple[int, ...] | None = None) -> Any:
    from dictation.asr.transducer.beam import Reading

    outputs = tuple(PIECES.symbols.index(piece) for piece in symbols.split())
    sure = tuple(-0.1 * (turn + 1) for turn in range(len(outputs)))
    return Reading(outputs, frames or tuple(range(len(outputs))), sure, score, None, None)  # type: ignore[arg-type]


def words_of(*readings: Any, audio_s: float = 9.0, most: int = 5) -> tuple[Hypothesis, ...]:
    from dictation.asr.transducer.words import WordMaker

    return WordMaker(PIECES, 0.04).hypotheses(readings, audio_s, most)


def test_pieces_become_words_with_times_and_confidence() -> None:
    (found,) = words_of(reading("▁the ▁ca t s", -6.0, (2, 5, 6, 9)))
    assert found.text == "the cats"
    assert found.score == -1.0
    first, second = found.words
    assert (first.start_s, first.end_s) == pytest.approx((0.08, 0.12))
    assert (second.start_s, second.end_s) == pytest.approx((0.20, 0.40))
    assert first.confidence == pytest.approx(2.718281828**-0.1)
    assert second.confidence == pytest.approx(2.718281828**-0.3)


def test_times_end_with_the_audio() -> None:
    (found,) = words_of(reading("▁the", -1.0, (9,)), audio_s=0.38)
    assert (found.words[0].start_s, found.words[0].end_s) == pytest.approx((0.36, 0.38))


def test_pieces_without_text_say_nothing() -> None:
    (found,) = words_of(reading("<unk> ▁the ▁ ▁ t <unk> s ▁", -1.0))
    assert found.text == "the ts"


def test_a_piece_that_continues_nothing_begins_a_word() -> None:
    assert words_of(reading("t s ▁the", -1.0))[0].text == "ts the"


def test_alternatives_have_other_texts() -> None:
    cats, same, cat = reading("▁ca t s", -1.0), reading("<unk> ▁ca t s", -2.0), reading("▁ca t", -3.0)
    assert [found.text for found in words_of(cats, same, cat)] == ["cats", "cat"]
    assert [found.text for found in words_of(cats, same, cat, most=1)] == ["cats"]
    assert words_of(reading("", 0.0)) == (Hypothesis((), 0.0),)
