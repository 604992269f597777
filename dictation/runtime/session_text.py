"""What a session has understood so far: the recogniser's answers become transcript, latency and losses."""

from __future__ import annotations

import time

from PySide6.QtCore import QObject, Signal, Slot

from dictation.core.errors import DictationError
from dictation.core.job_box import Job
from dictation.core.latency import LatencyStatistics
from dictation.core.records import (
    SAMPLE_RATE_HZ,
    Gap,
    LossCause,
    Recognition,
    SegmentMark,
    SegmentState,
    Utterance,
)
from dictation.core.transcript import Transcript


class SessionText(QObject):
    """Takes the answers of the recogniser's thread. Thread: the session's.

    Signals:
        tentative_changed, utterance_ready, gap_found, segment_changed, failed: As ``Session`` passes them on.
        outcome_known(): A final was answered or a loss counted; the numbers of the health line may have changed.
    """

    tentative_changed = Signal(object)
    utterance_ready = Signal(object)
    gap_found = Signal(object)
    segment_changed = Signal(object)
    failed = Signal(object)
    outcome_known = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.transcript = Transcript()
        self.latency = LatencyStatistics()
        self.lost_s = 0.0

    @Slot(object, object)
    def hear(self, job: Job, recognition: Recognition) -> None:
        """Show the words of an utterance that is still open."""
        words = [word.text for word in recognition.best.words]
        tentative = self.transcript.hear(job.segment_id, job.revision, words)
        if tentative is not None:
            self.tentative_changed.emit(tentative)

    @Slot(object, object)
    def commit(self, job: Job, recognition: Recognition) -> None:
        """Commit an utterance; latency is taken here, where the text reaches the window."""
        now_s = time.perf_counter()
        utterance = Utterance(
            job.segment_id,
            job.start_frame / SAMPLE_RATE_HZ,
            job.end_frame / SAMPLE_RATE_HZ,
            recognition,
            None if job.speech_end_s is None else (now_s - job.speech_end_s) * 1000,
            None if job.closed_s is None else (now_s - job.closed_s) * 1000,
        )
        self.reject(job.segment_id)
        self.transcript.commit(utterance)
        if utterance.text and utterance.latency_ms is not None:
            self.latency.add(utterance.latency_ms)
        self._mark(job, SegmentState.RECOGNISED if utterance.text else SegmentState.REJECTED)
        self.utterance_ready.emit(utterance)
        self.outcome_known.emit()

    @Slot(object, object)
    def fail(self, job: Job, error: DictationError) -> None:
        """A segment could not be recognised: its place stays visible, the text around it is untouched."""
        self.reject(job.segment_id)
        self._mark(job, SegmentState.FAILED)
        gap = Gap(job.start_frame / SAMPLE_RATE_HZ, job.length_s, LossCause.RECOGNISER)
        self.lost_s += gap.length_s
        self.add_gap(gap)
        self.failed.emit(error)
        self.outcome_known.emit()

    @Slot(int)
    def reject(self, segment_id: int) -> None:
        """Take back the tentative text of a segment that was noise, or whose final outcome is known."""
        if self.transcript.reject(segment_id):
            self.tentative_changed.emit(None)

    @Slot(object)
    def count_loss(self, gap: Gap) -> None:
        """Count a loss at once; its gap reaches the transcript when all text before it has."""
        self.lost_s += gap.length_s
        self.outcome_known.emit()

    @Slot(object)
    def add_gap(self, gap: Gap) -> None:
        """Put a gap into its place in the transcript."""
        self.transcript.add_gap(gap)
        self.gap_found.emit(gap)

    def _mark(self, job: Job, state: SegmentState) -> None:
        self.segment_changed.emit(SegmentMark(job.segment_id, job.start_frame, job.onset_frame, job.end_frame, state))
