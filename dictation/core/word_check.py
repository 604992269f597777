"""Say it three times: does a hotword help, and does it appear where nobody said it? Pure counting, no audio.

Every utterance of the check is recognised twice, with the hotword and without it, so that the report says what the
hotword changes and not only how good the model is. Hits are counted over three utterances of the word; false triggers
over a text read aloud that does not contain it.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from enum import Enum

SAYINGS = 3
FEW_WORDS = 15
"""False triggers counted over fewer words than this say little; the built-in texts have about forty."""


class CheckPhase(Enum):
    """What the user is asked to do."""

    SAYING = "say the word"
    READING = "read the text"
    DONE = "done"


@dataclass(frozen=True)
class WordCheckReport:
    """Where a check stands, or how it ended.

    Attributes:
        phrase: The hotword.
        phase: What the user does now.
        heard: What was understood of each saying so far, with the hotword; at most ``SAYINGS``.
        hits: Sayings whose text contains the word.
        hits_without: The same with the word taken off the list.
        words_read: Words understood of the text read aloud, without the hotword.
        false_triggers: How often the word appears in it.
        false_triggers_without: The same with the word taken off the list.
    """

    phrase: str
    phase: CheckPhase
    heard: tuple[str, ...] = ()
    hits: int = 0
    hits_without: int = 0
    words_read: int = 0
    false_triggers: int = 0
    false_triggers_without: int = 0

    @property
    def hits_text(self) -> str:
        """The hits in a sentence."""
        return (
            f"Heard {self.hits} of {len(self.heard)} times with the hotword, "
            f"{self.hits_without} of {len(self.heard)} without it."
        )

    @property
    def false_triggers_text(self) -> str:
        """The false triggers in a sentence, with what they were counted over."""
        if not self.words_read:
            return "False triggers were not counted: nothing was read."
        few = " That is little text to judge by." if self.words_read < FEW_WORDS else ""
        return (
            f"False triggers: {self.false_triggers} in {self.words_read} other words with the hotword, "
            f"{self.false_triggers_without} without it.{few}"
        )

    @property
    def advice(self) -> str:
        """What to do next, in a sentence."""
        if self.false_triggers > self.false_triggers_without:
            return "It appears where nobody said it: lower the weight, or write a longer phrase."
        if self.hits < len(self.heard):
            is_helpful = self.hits > self.hits_without
            return f"{'It helps, but not always' if is_helpful else 'It does not help yet'}: raise the weight."
        if self.heard and self.hits_without == len(self.heard):
            return "The model knows this word without help."
        return "It works."


class WordCheck:
    """Counts one check. Thread: one owner."""

    def __init__(self, phrase: str) -> None:
        self._report = WordCheckReport(phrase, CheckPhase.SAYING)

    @property
    def report(self) -> WordCheckReport:
        """Where the check stands."""
        return self._report

    def answer(self, spoken_in: CheckPhase, with_hotword: str, without_hotword: str) -> None:
        """Count one utterance.

        Args:
            spoken_in: The phase in which it was spoken; its text may arrive later.
            with_hotword: What was understood with the word on the list.
            without_hotword: The same audio with the word off the list.

        An utterance without any words is noise and not counted; a fourth saying is not counted either.
        """
        if not with_hotword and not without_hotword:
            return
        if spoken_in is CheckPhase.SAYING:
            self._count_saying(with_hotword, without_hotword)
        elif spoken_in is CheckPhase.READING:
            self._count_reading(with_hotword, without_hotword)

    def finish(self) -> None:
        """Nothing more will be said."""
        self._change(phase=CheckPhase.DONE)

    def _count_saying(self, with_hotword: str, without_hotword: str) -> None:
        report = self._report
        if report.phase is not CheckPhase.SAYING:
            return
        heard = (*report.heard, with_hotword)
        self._change(
            heard=heard,
            hits=report.hits + bool(count_phrase(with_hotword, report.phrase)),
            hits_without=report.hits_without + bool(count_phrase(without_hotword, report.phrase)),
            phase=CheckPhase.READING if len(heard) == SAYINGS else CheckPhase.SAYING,
        )

    def _count_reading(self, with_hotword: str, without_hotword: str) -> None:
        report = self._report
        self._change(
            words_read=report.words_read + len(without_hotword.split()),
            false_triggers=report.false_triggers + count_phrase(with_hotword, report.phrase),
            false_triggers_without=report.false_triggers_without + count_phrase(without_hotword, report.phrase),
        )

    def _change(self, **changes: object) -> None:
        self._report = replace(self._report, **changes)  # type: ignore[arg-type]  # names and types are the record's


def count_phrase(text: str, phrase: str) -> int:
    """How often the words of ``phrase`` follow each other in ``text``, without overlap; case does not count."""
    words, wanted = _words(text), _words(phrase)
    count = place = 0
    while wanted and place + len(wanted) <= len(words):
        is_here = words[place : place + len(wanted)] == wanted
        count += is_here
        place += len(wanted) if is_here else 1
    return count


def _words(text: str) -> list[str]:
    return unicodedata.normalize("NFC", text).casefold().split()
