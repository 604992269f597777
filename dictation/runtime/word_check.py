"""Runs "say it three times": what is said goes through the recogniser twice, with the hotword and without it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from PySide6.QtCore import QObject, Signal

from dictation.core.errors import DictationError
from dictation.core.hotwords import is_same_phrase, split_hint
from dictation.core.records import Recognition, Segment, SegmentMark, SegmentState
from dictation.core.word_check import CheckPhase, WordCheck


class CheckEnd(Enum):
    """How a check came to its end."""

    FINISHED = "finished"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted by the record button"
    FAILED = "failed"


class CheckSession(Protocol):
    """The part of ``Session`` that a check uses; its documentation is there."""

    check_heard: Any
    check_ended: Any

    def begin_check(self, check_id: int) -> None:
        """Send utterances here."""

    def end_check(self) -> None:
        """Send them to the transcript again."""

    def submit_segment(self, segment: Segment, hotwords: tuple[str, ...] | None = None) -> Future[Recognition]:
        """Recognise a segment."""


@dataclass(eq=False)
class _Pair:
    """One utterance on its way through both recognitions."""

    check_id: int
    phase: CheckPhase
    segment: Segment
    with_hotword: Future[Recognition]
    without_hotword: Future[Recognition]


class WordCheckRunner(QObject):
    """One check at a time. Thread: the GUI's; nothing here waits.

    Signals:
        report_changed(WordCheckReport): Something was counted, or the phase has changed.
        ended(CheckEnd, DictationError or None): No check runs any more; the report before it is the last one.
        segment_changed(SegmentMark): What became of an utterance of the check, for the level strip.
    """

    report_changed = Signal(object)
    ended = Signal(object, object)
    segment_changed = Signal(object)

    _answered = Signal(object)

    def __init__(
        self, session: CheckSession, read_hotwords: Callable[[], tuple[str, ...]], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._read_hotwords = read_hotwords
        self._check_id = 0
        self._hotword = ""
        self._check: WordCheck | None = None
        self._pending: list[_Pair] = []
        self._is_finishing = self._has_ended = False
        session.check_heard.connect(self._on_heard)
        session.check_ended.connect(self._on_check_ended)
        self._answered.connect(self._on_answered)

    @property
    def is_running(self) -> bool:
        """Whether a check is under way."""
        return self._check is not None

    def start(self, hotword: str) -> None:
        """Begin to listen for three sayings of a hotword; a check under way is given up."""
        self.cancel()
        self._check_id += 1
        self._hotword = hotword
        self._check, self._pending = WordCheck(split_hint(hotword)[0]), []
        self._is_finishing = self._has_ended = False
        self._session.begin_check(self._check_id)
        self.report_changed.emit(self._check.report)

    def finish(self) -> None:
        """The text has been read: the check ends when what was said is understood."""
        if self._check is not None and not self._is_finishing:
            self._is_finishing = True
            self._session.end_check()

    def cancel(self) -> None:
        """Give up; what has been counted so far is in the last report."""
        if self._check is not None:
            self._session.end_check()
            self._end(CheckEnd.CANCELLED)

    def _on_heard(self, check_id: int, segment: Segment) -> None:
        """Recognise an utterance with the hotword and without it."""
        if self._check is None or check_id != self._check_id:
            return
        others = tuple(word for word in self._read_hotwords() if not is_same_phrase(word, self._hotword))
        pair = _Pair(
            check_id,
            self._check.report.phase,
            segment,
            self._session.submit_segment(segment, (*others, self._hotword)),
            self._session.submit_segment(segment, others),
        )
        self._pending.append(pair)

        def tell(_: Future[Recognition]) -> None:
            self._answered.emit(pair)  # in the recogniser's thread; it arrives here queued

        pair.with_hotword.add_done_callback(tell)
        pair.without_hotword.add_done_callback(tell)

    def _on_answered(self, pair: _Pair) -> None:
        """Count an utterance when both its texts are there."""
        if pair not in self._pending or not (pair.with_hotword.done() and pair.without_hotword.done()):
            return
        self._pending.remove(pair)
        if self._check is None:
            return
        try:
            texts = pair.with_hotword.result().best.text, pair.without_hotword.result().best.text
        except CancelledError:  # the program is ending
            self.cancel()
            return
        except DictationError as error:
            self._mark(pair.segment, SegmentState.FAILED)
            self._session.end_check()
            self._end(CheckEnd.FAILED, error)
            return
        self._mark(pair.segment, SegmentState.RECOGNISED if any(texts) else SegmentState.REJECTED)
        self._check.answer(pair.phase, *texts)
        self.report_changed.emit(self._check.report)
        self._end_if_done()

    def _on_check_ended(self, check_id: int) -> None:
        """Nothing more will be heard: by ``finish``, or because recording was started or stopped."""
        if self._check is None or check_id != self._check_id:
            return
        self._has_ended = True
        if self._is_finishing:
            self._end_if_done()
        else:
            self._end(CheckEnd.INTERRUPTED)

    def _end_if_done(self) -> None:
        """Finish once everything that was said has been counted."""
        if self._check is not None and self._is_finishing and self._has_ended and not self._pending:
            self._check.finish()
            self.report_changed.emit(self._check.report)
            self._end(CheckEnd.FINISHED)

    def _end(self, how: CheckEnd, error: DictationError | None = None) -> None:
        self._check, self._pending = None, []
        self.ended.emit(how, error)

    def _mark(self, segment: Segment, state: SegmentState) -> None:
        self.segment_changed.emit(
            SegmentMark(segment.segment_id, segment.start_frame, segment.onset_frame, segment.end_frame, state)
        )
