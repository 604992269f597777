"""The mailbox between segmenter and recogniser: what may wait, what may be overtaken, what may be dropped.

Thread: any. A lock is held for microseconds; ``take`` is the only call that waits.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice

import numpy as np

from dictation.core.records import SAMPLE_RATE_HZ, Gap, LossCause, Recognition, Samples, Segment

BACKLOG_LIMIT_S = 600.0
"""Beyond ten minutes of waiting audio (38 MB) the oldest final is dropped, and its place shown as a gap."""
NO_PARTIALS_BEHIND_S = 2.0
"""A recogniser this far behind gets no more partials: they would only make it later."""
SMALL_BEAM_BEHIND_S = 10.0
"""A recogniser this far behind decodes finals with the small beam until it has caught up."""


class JobKind(Enum):
    """What a job is for. Gaps queue with the finals, so that they reach the transcript in their place."""

    FINAL = "final"
    GAP = "gap"
    SPECULATIVE = "speculative"
    PARTIAL = "partial"
    FILE = "file"


@dataclass(frozen=True)
class Job:
    """Audio to recognise.

    Attributes:
        kind: What for.
        segment_id: Which segment; file jobs count their own.
        start_frame: Where the audio starts in its stream.
        end_frame: Where it ends.
        revision: Counts the partials of one segment.
        samples: The audio, read-only.
        onset_frame: Where the threshold was crossed.
        speech_end_s: When speech ended on the caller's monotonic clock; None if that means nothing.
        closed_s: When the segment was closed, likewise.
        deliver: For file jobs: called with the outcome, on whichever thread knows it.
        gap: For gap jobs: the gap; ``samples`` is empty then.
        hotwords: Recognise with these instead of the user's; None for the user's.
        is_unwanted: For file jobs: whether whoever asked has given up; such a job is passed over.
    """

    kind: JobKind
    segment_id: int
    start_frame: int
    end_frame: int
    samples: Samples = field(repr=False)
    revision: int = 0
    onset_frame: int = 0
    speech_end_s: float | None = None
    closed_s: float | None = None
    deliver: Callable[[Recognition | Exception], None] | None = field(default=None, repr=False)
    gap: Gap | None = None
    hotwords: tuple[str, ...] | None = None
    is_unwanted: Callable[[], bool] = field(default=lambda: False, repr=False)

    @property
    def length_s(self) -> float:
        """Seconds of audio."""
        return self.samples.size / SAMPLE_RATE_HZ

    @property
    def audio_key(self) -> tuple[int, int]:
        """Equal for two jobs over the same audio of the same stream."""
        return self.segment_id, self.end_frame


def job_for(
    kind: JobKind,
    segment: Segment,
    *,
    revision: int = 0,
    speech_end_s: float | None = None,
    closed_s: float | None = None,
    deliver: Callable[[Recognition | Exception], None] | None = None,
    hotwords: tuple[str, ...] | None = None,
    is_unwanted: Callable[[], bool] = lambda: False,
) -> Job:
    """Make the job that recognises a whole segment."""
    return Job(
        kind,
        segment.segment_id,
        segment.start_frame,
        segment.end_frame,
        segment.samples,
        revision,
        segment.onset_frame,
        speech_end_s,
        closed_s,
        deliver,
        hotwords=hotwords,
        is_unwanted=is_unwanted,
    )


def gap_job(gap: Gap) -> Job:
    """Make the job that carries a gap to its place between the finals."""
    frame = round(gap.at_s * SAMPLE_RATE_HZ)
    return Job(JobKind.GAP, -1, frame, frame, np.empty(0, dtype=np.float32), gap=gap)


class JobBox:
    """Finals first in, first out; one newest partial or speculative job; files when nobody is speaking."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._finals: deque[Job] = deque()
        self._unsettled_finals = 0
        self._files: deque[Job] = deque()
        self._newest: Job | None = None
        self._running: Job | None = None
        self._running_is_void = False
        self._holds_files = False
        self._is_nudged = False
        self._is_closed = False
        self._is_abandoned = False

    def put_final(self, job: Job) -> list[Job]:
        """Queue a closed segment or a gap; return the finals given up for the backlog's limit (normally none).

        A final that is given up leaves a gap in its place.
        """
        with self._changed:
            if self._newest is not None and self._newest.segment_id <= job.segment_id:
                self._newest = None
            running = self._running
            if running is not None and running.kind in _OVERTAKABLE and running.audio_key != job.audio_key:
                self._running_is_void = True
            self._finals.append(job)
            dropped = self._trim_backlog()
            self._unsettled_finals += (job.kind is JobKind.FINAL) - len(dropped)
            self._changed.notify_all()
            return dropped

    def settle(self) -> None:
        """Count one final as answered: its text, or why there is none, has reached whoever shows it."""
        with self._changed:
            self._unsettled_finals = max(0, self._unsettled_finals - 1)  # none are left once the box was abandoned

    def put_newest(self, job: Job) -> bool:
        """Offer a partial or speculative job in place of the one waiting; False if the recogniser is too far behind."""
        with self._changed:
            if job.kind is JobKind.PARTIAL and self._behind_s() > NO_PARTIALS_BEHIND_S:
                return False
            self._newest = job
            self._changed.notify_all()
            return True

    def withdraw(self, segment_id: int) -> None:
        """Speech resumed or was rejected: forget the segment's partial or speculative job, running or not."""
        with self._changed:
            if self._newest is not None and self._newest.segment_id == segment_id:
                self._newest = None
            running = self._running
            if running is not None and running.kind in _OVERTAKABLE and running.segment_id == segment_id:
                self._running_is_void = True

    def put_file(self, job: Job) -> None:
        """Queue a file's segment; it waits while someone speaks."""
        with self._changed:
            is_closed = self._is_closed
            if not is_closed:
                self._files.append(job)
                self._changed.notify_all()
        if is_closed and job.deliver is not None:
            job.deliver(RecogniserClosed())

    def refuse_files(self, error: Exception) -> None:
        """Answer every waiting file job with an error: there is no recogniser that could take them."""
        with self._changed:
            refused, self._files = self._files, deque()
        for job in refused:
            if job.deliver is not None:
                job.deliver(error)

    def hold_files(self, is_held: bool) -> None:
        """Keep file jobs back while an utterance is open, so that its text does not wait for theirs."""
        with self._changed:
            self._holds_files = is_held
            self._changed.notify_all()

    def take(self, timeout_s: float | None = None) -> Job | None:
        """Wait for the most urgent job; None after the timeout, a nudge, or once there is none but unwanted ones."""
        with self._changed:
            self._running, self._running_is_void = None, False
            self._changed.wait_for(self._has_work, timeout_s)
            self._is_nudged = False
            self._running = self._pop()
            return self._running

    def waiting_files(self, most: int) -> tuple[Samples, ...]:
        """The audio of the file jobs that are next, as far as it is wanted."""
        with self._changed:
            return tuple(job.samples for job in islice(self._files, most) if not job.is_unwanted())

    def nudge(self) -> None:
        """Let a waiting ``take`` return, because its caller has something else to do."""
        with self._changed:
            self._is_nudged = True
            self._changed.notify_all()

    def is_void(self, job: Job) -> bool:
        """Whether the running job's answer is no longer wanted; asked between the stages of recognition."""
        with self._changed:
            return self._is_abandoned or (self._running is job and self._running_is_void)

    def close(self) -> None:
        """Let the recogniser finish the finals and then end; nothing else is taken any more."""
        with self._changed:
            self._is_closed = True
            self._newest = None
            self._changed.notify_all()
        self.refuse_files(RecogniserClosed())

    def abandon(self) -> None:
        """Close, and drop the finals too, the running one included: nobody is left to wait for them."""
        with self._changed:
            self._is_abandoned = True
            self._finals.clear()
            self._unsettled_finals = 0
        self.close()

    @property
    def is_exhausted(self) -> bool:
        """Whether the box is closed and all finals have been taken."""
        with self._changed:
            return self._is_closed and not self._finals

    @property
    def behind_s(self) -> float:
        """Seconds of closed, not yet recognised live audio, the running job included."""
        with self._changed:
            return self._behind_s()

    @property
    def pending_finals(self) -> int:
        """Closed segments whose text is not there yet: those that nobody has called ``settle`` for."""
        with self._changed:
            return self._unsettled_finals

    def _has_work(self) -> bool:
        is_wanted = self._is_closed or self._is_nudged
        return bool(is_wanted or self._finals or self._newest or (self._files and not self._holds_files))

    def _pop(self) -> Job | None:
        if self._finals:
            return self._finals.popleft()
        if self._newest is not None:
            job, self._newest = self._newest, None
            return job
        while self._files and not self._holds_files:
            job = self._files.popleft()
            if not job.is_unwanted():
                return job
        return None

    def _trim_backlog(self) -> list[Job]:
        """Turn the oldest finals into gaps until the rest is within the limit; return them."""
        dropped = []
        excess_s = self._waiting_s() - BACKLOG_LIMIT_S
        for turn, job in enumerate(self._finals):
            if excess_s <= 0 or turn == len(self._finals) - 1:
                break
            if job.kind is JobKind.FINAL:
                gap = Gap(job.start_frame / SAMPLE_RATE_HZ, job.length_s, LossCause.BACKLOG)
                self._finals[turn] = gap_job(gap)
                excess_s -= job.length_s
                dropped.append(job)
        return dropped

    def _waiting_s(self) -> float:
        return sum(job.length_s for job in self._finals)

    def _behind_s(self) -> float:
        running = self._running
        running_s = running.length_s if running is not None and running.kind is JobKind.FINAL else 0.0
        return self._waiting_s() + running_s


class RecogniserClosed(Exception):
    """Delivered to file jobs that were still waiting when the program ended."""


_OVERTAKABLE = frozenset({JobKind.PARTIAL, JobKind.SPECULATIVE})
