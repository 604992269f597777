"""Order and finality of the recognised text, the stabiliser, and the latency percentiles."""

from __future__ import annotations

import pytest

from dictation.core.latency import KEPT_UTTERANCES, LatencyStatistics
from dictation.core.records import Gap, Hypothesis, LossCause, Recognition, Utterance, Word
from dictation.core.stabilizer import Stabilizer
from dictation.core.transcript import Transcript


def utterance(segment_id: int, text: str) -> Utterance:
    words = tuple(Word(word, turn, turn + 1, 1.0) for turn, word in enumerate(text.split()))
    return Utterance(segment_id, 0.0, 1.0, Recognition((Hypothesis(words),), 1.0, 0.0, 0.0, "cpu"))


def test_words_become_stable_when_three_hypotheses_agree_and_the_last_never() -> None:
    stabilizer = Stabilizer()
    assert stabilizer.push(["the", "cat"]) == ((), ("the", "cat"))
    assert stabilizer.push(["the", "cat", "sat"]) == ((), ("the", "cat", "sat"))
    assert stabilizer.push(["the", "cat", "sat", "on"]) == (("the",), ("cat", "sat", "on"))
    assert stabilizer.push(["the", "cat", "sat", "upon", "it"]) == (("the", "cat"), ("sat", "upon", "it"))
    assert stabilizer.push(["the", "cat", "set", "upon", "it"])[0] == ("the", "cat")
    assert stabilizer.push(["the", "cat", "set", "upon", "it"])[0] == ("the", "cat")
    assert stabilizer.push(["the", "cat", "set", "upon"]) == (("the", "cat", "set"), ("upon",))


def test_stable_words_stay_when_a_later_hypothesis_disagrees() -> None:
    stabilizer = Stabilizer()
    for _ in range(3):
        stabilizer.push(["a", "b", "c"])
    for _ in range(3):
        assert stabilizer.push(["x", "y"]) == (("a", "b"), ())
    assert stabilizer.push(["x", "y", "z"])[0] == ("a", "b")


def test_finals_replace_the_tentative_text() -> None:
    transcript = Transcript()
    shown = transcript.hear(0, 0, ["hello"])
    assert shown is not None
    assert shown.tail_text == "hello"
    transcript.commit(utterance(0, "hello world"))
    assert transcript.tentative is None
    assert transcript.text == "hello world"


def test_late_and_older_partials_are_refused() -> None:
    transcript = Transcript()
    assert transcript.hear(1, 3, ["new"]) is not None
    assert transcript.hear(1, 2, ["old"]) is None
    assert transcript.hear(0, 9, ["older segment"]) is None
    transcript.commit(utterance(1, "done"))
    assert transcript.hear(1, 4, ["too late"]) is None


def test_the_tentative_text_of_a_later_segment_survives_an_earlier_final() -> None:
    transcript = Transcript()
    transcript.hear(2, 0, ["next"])
    transcript.commit(utterance(1, "before"))
    assert transcript.tentative is not None
    assert transcript.tentative.tail_text == "next"


def test_a_new_segment_starts_with_nothing_stable() -> None:
    transcript = Transcript()
    transcript.hear(0, 0, ["same", "words"])
    assert transcript.hear(1, 0, ["same", "words"]).stable_text == ""


def test_a_rejected_segment_takes_its_tentative_text_with_it() -> None:
    transcript = Transcript()
    transcript.hear(3, 0, ["hm"])
    assert not transcript.reject(2)
    assert transcript.reject(3)
    assert transcript.tentative is None


def test_a_partial_that_was_under_way_when_its_segment_was_rejected_comes_too_late() -> None:
    """The recogniser's answer and the segmenter's rejection reach the window from two threads, in either order."""
    transcript = Transcript()
    assert not transcript.reject(3)
    assert transcript.hear(3, 1, ["hm"]) is None
    assert transcript.tentative is None
    assert transcript.hear(4, 0, ["next"]) is not None


def test_finals_out_of_order_are_a_bug() -> None:
    transcript = Transcript()
    transcript.commit(utterance(1, "b"))
    with pytest.raises(ValueError, match="after segment 1"):
        transcript.commit(utterance(1, "again"))


def test_gaps_and_wordless_utterances_leave_no_line() -> None:
    transcript = Transcript()
    transcript.commit(utterance(0, "one"))
    transcript.commit(utterance(1, ""))
    transcript.add_gap(Gap(1.0, 0.5, LossCause.DEVICE))
    transcript.commit(utterance(2, "two"))
    assert transcript.text == "one\ntwo"
    assert len(transcript.entries) == 4


def test_percentiles_cover_the_last_hundred_utterances() -> None:
    statistics = LatencyStatistics()
    assert statistics.percentile_ms(50) is None
    for _ in range(50):
        statistics.add(10_000)
    for latency_ms in range(KEPT_UTTERANCES):
        statistics.add(latency_ms)
    assert statistics.percentile_ms(50) == pytest.approx(49.5)
    assert statistics.percentile_ms(95) == pytest.approx(94.05)
