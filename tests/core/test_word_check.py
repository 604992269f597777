from __future__ import annotations

import pytest

from dictation.core.reading_texts import reading_text
from dictation.core.word_check import CheckPhase, WordCheck, count_phrase

SAYING, READING = CheckPhase.SAYING, CheckPhase.READING


@pytest.mark.parametrize(
    ("text", "phrase", "count"),
    [
        ("meet quandt and quandt again", "Quandt", 2),
        ("quandts are not counted", "Quandt", 0),
        ("in new york new york", "new york", 2),
        ("new jersey and york", "new york", 0),
        ("a a a", "a a", 1),
        ("", "word", 0),
        ("anything", "", 0),
    ],
)
def test_whole_words_in_order_are_counted(text: str, phrase: str, count: int) -> None:
    assert count_phrase(text, phrase) == count


def checked(sayings: list[tuple[str, str]], readings: list[tuple[str, str]]) -> WordCheck:
    check = WordCheck("quandt")
    for texts in sayings:
        check.answer(SAYING, *texts)
    for texts in readings:
        check.answer(READING, *texts)
    return check


def test_a_check_counts_hits_and_false_triggers_with_and_without_the_word() -> None:
    check = checked(
        [("quandt", "once"), ("mister quandt", "mister can"), ("want", "want")],
        [("we walked to quandt", "we walked to town"), ("until it began", "until it began")],
    )
    report = check.report
    assert (report.hits, report.hits_without, report.heard) == (2, 0, ("quandt", "mister quandt", "want"))
    assert (report.false_triggers, report.false_triggers_without, report.words_read) == (1, 0, 7)
    assert "2 of 3" in report.hits_text
    assert "1 in 7" in report.false_triggers_text
    assert "little text" in report.false_triggers_text
    assert "lower the weight" in report.advice


def test_three_sayings_lead_to_the_reading_and_noise_is_none() -> None:
    check = WordCheck("quandt")
    for texts in [("quandt", ""), ("", ""), ("", "can"), ("quandt", "quandt")]:
        assert check.report.phase is SAYING
        check.answer(SAYING, *texts)
    assert check.report.phase is READING
    assert check.report.heard == ("quandt", "", "quandt")


def test_a_fourth_saying_and_what_comes_after_the_end_count_for_nothing() -> None:
    check = checked([("quandt", "")] * 4, [])
    assert check.report.hits == 3
    check.finish()
    check.answer(CheckPhase.DONE, "quandt", "quandt")
    assert check.report.phase is CheckPhase.DONE
    assert (check.report.hits, check.report.words_read) == (3, 0)
    assert "nothing was read" in check.report.false_triggers_text


@pytest.mark.parametrize(
    ("sayings", "advice"),
    [
        ([("quandt", "")] * 3, "It works."),
        ([("quandt", "quandt")] * 3, "without help"),
        ([("quandt", "want"), ("want", "want"), ("want", "want")], "helps, but not always"),
        ([("want", "want")] * 3, "does not help yet"),
    ],
)
def test_the_advice_follows_the_counts(sayings: list[tuple[str, str]], advice: str) -> None:
    assert advice in checked(sayings, []).report.advice


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "it", "en-GB"])
def test_the_text_to_read_is_long_enough_and_never_contains_the_word(language: str) -> None:
    text = reading_text(language, "zebra")
    words = [word.strip(".,") for word in text.split()]
    assert len(words) >= 35
    for word in words:
        assert count_phrase(" ".join(part.strip(".,") for part in reading_text(language, word).split()), word) == 0
    assert len(reading_text(language, words[-1].upper()).split()) < len(words)


def test_a_language_without_a_text_has_none() -> None:
    assert reading_text("sw", "zebra") == ""
