"""Transcribes dropped files one after the other, in a thread of its own, beside a running recording.

The worker runs one step at a time from a zero timer, so that adding and cancelling are ordinary queued calls
between two steps: no locks, no flags. Recognition itself happens in the one recogniser thread.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import CancelledError
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QThread, QTimer, Signal

from dictation.audio.media_files import expand_path
from dictation.core.errors import DictationError
from dictation.core.settings import SegmenterSettings
from dictation.core.status import FileJob, FileJobState
from dictation.runtime.file_transcription import FileStep, Recognise, no_look_ahead, remark, transcribe_file

REPORT_INTERVAL_S = 0.1
"""Progress is announced ten times a second at most; changes of state and new text at once."""

_log = logging.getLogger(__name__)


class FileQueue(QObject):
    """The list of files to transcribe. Thread: GUI; every method returns at once.

    Signals:
        job_changed: A ``core.status.FileJob``, new or changed; the last one of a job has its final state.
        stopped: After ``close``: the thread has ended.
    """

    job_changed = Signal(object)
    stopped = Signal()

    _add_requested = Signal(object)
    _cancel_requested = Signal(int)
    _close_requested = Signal()

    def __init__(
        self,
        recognise: Recognise,
        read_settings: Callable[[], SegmenterSettings],
        parent: QObject | None = None,
        look_ahead: Callable[[], int] = no_look_ahead,
    ) -> None:
        """Make an idle queue; the thread starts with the first file.

        Args:
            recognise: Hands a segment to the recogniser (``Session.submit_segment``); called in the queue's thread.
            read_settings: Gives the segmenter settings when files are added; called in the GUI thread.
            parent: Qt parent.
            look_ahead: How many segments the recogniser wants beyond the one it works on (``Session.look_ahead``);
                called in the queue's thread.
        """
        super().__init__(parent)
        self._read_settings = read_settings
        self._jobs: dict[int, FileJob] = {}
        self._is_closed = False
        self._thread = QThread(self)
        self._worker = _FileWorker(recognise, self._thread.quit, look_ahead)
        self._worker.moveToThread(self._thread)
        self._thread.finished.connect(self.stopped)
        self._worker.job_changed.connect(self._keep)
        queued = Qt.ConnectionType.QueuedConnection
        self._add_requested.connect(self._worker.add, queued)
        self._cancel_requested.connect(self._worker.cancel, queued)
        self._close_requested.connect(self._worker.close, queued)

    @property
    def jobs(self) -> tuple[FileJob, ...]:
        """All jobs as last announced, in the order in which they were added."""
        return tuple(self._jobs.values())

    def add(self, paths: Sequence[Path]) -> None:
        """Queue files; folders become their audio and video files, at any depth, sorted."""
        if self._is_closed:
            return
        if not self._thread.isRunning():
            self._thread.start()
        self._add_requested.emit((tuple(Path(path) for path in paths), self._read_settings()))

    def cancel(self, job_id: int) -> None:
        """Stop a job within a block of audio; its text so far stays. Nothing happens if it has ended."""
        self._cancel_requested.emit(job_id)

    def close(self) -> None:
        """Cancel everything and end the thread; ``stopped`` follows. Idempotent."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._thread.isRunning():
            self._close_requested.emit()
        else:
            QTimer.singleShot(0, self, self.stopped.emit)

    def _keep(self, job: FileJob) -> None:
        self._jobs[job.job_id] = job
        self.job_changed.emit(job)


class _FileWorker(QObject):
    """Owns the jobs. Thread: the queue's, except for the constructor."""

    job_changed = Signal(object)

    def __init__(self, recognise: Recognise, quit_thread: Callable[[], None], look_ahead: Callable[[], int]) -> None:
        super().__init__()
        self._recognise = recognise
        self._look_ahead = look_ahead
        self._quit_thread = quit_thread
        self._jobs: dict[int, FileJob] = {}
        self._settings: dict[int, SegmenterSettings] = {}
        self._current: _Transcription | None = None
        self._timer = QTimer(self, interval=0)
        self._timer.timeout.connect(self._advance)

    def add(self, request: tuple[tuple[Path, ...], SegmenterSettings]) -> None:
        """Make jobs of the paths and wake up."""
        paths, settings = request
        for path in paths:
            try:
                for file in expand_path(path):
                    self._make_job(file, settings)
            except DictationError as error:  # noqa: PERF203  # one empty folder must not stop the others
                self._make_job(path, settings, error)
        self._timer.start()

    def cancel(self, job_id: int) -> None:
        """Cancel one job if it has not ended."""
        job = self._jobs.get(job_id)
        if job is None or job.state not in (FileJobState.WAITING, FileJobState.RUNNING):
            return
        if self._current is not None and self._current.job.job_id == job_id:
            self._current.close()
            job, self._current = self._current.job, None
        self._announce(replace(job, state=FileJobState.CANCELLED))

    def close(self) -> None:
        """Cancel everything and end the thread. ``quit`` is called here, not by a signal to the GUI thread."""
        self._timer.stop()
        for job_id in list(self._jobs):
            self.cancel(job_id)
        self._quit_thread()

    def _make_job(self, path: Path, settings: SegmenterSettings, error: DictationError | None = None) -> None:
        job = FileJob(len(self._jobs), str(path))
        if error is not None:
            job = replace(job, state=FileJobState.FAILED, message=str(error), remedy=error.remedy)
        self._settings[job.job_id] = settings
        self._announce(job)

    def _announce(self, job: FileJob) -> None:
        self._jobs[job.job_id] = job
        self.job_changed.emit(job)

    def _advance(self) -> None:
        """Do one step of the current file, or start the next one, or rest."""
        if self._current is None:
            waiting = (job for job in self._jobs.values() if job.state is FileJobState.WAITING)
            job = next(waiting, None)
            if job is None:
                self._timer.stop()
                return
            steps = transcribe_file(Path(job.path), self._settings[job.job_id], self._recognise, self._look_ahead)
            self._current = _Transcription(job, steps)
            self._announce(self._current.job)
            return
        if self._current.advance():
            self._announce(self._current.job)
        if self._current.job.state is not FileJobState.RUNNING:
            self._current = None


class _Transcription:
    """One running job: turns steps into snapshots. Thread: the queue's."""

    def __init__(self, job: FileJob, steps: Generator[FileStep, None, None]) -> None:
        self.job = replace(job, state=FileJobState.RUNNING)
        self._steps = steps
        self._last = FileStep(0.0, None)
        self._started_s = time.monotonic()
        self._reported_s = self._started_s

    def advance(self) -> bool:
        """Do one step; return whether the snapshot is worth announcing."""
        try:
            step = next(self._steps, None)
        except DictationError as error:
            self.job = replace(self.job, state=FileJobState.FAILED, message=str(error), remedy=error.remedy)
            return True
        except CancelledError:  # the recogniser has closed: the program is ending
            self.job = replace(self.job, state=FileJobState.CANCELLED)
            return True
        except Exception as error:  # noqa: BLE001  # a bug met in one file must not stop the queue
            _log.exception("file job %d failed", self.job.job_id)
            message = f"The file could not be transcribed: {type(error).__name__}: {error}"
            self.job = replace(self.job, state=FileJobState.FAILED, message=message, remedy="Please report this.")
            return True
        if step is None:
            message = remark(self._last, self.job.text)
            self.job = replace(self.job, state=FileJobState.DONE, progress=1.0, message=message)
            return True
        return self._note(step)

    def close(self) -> None:
        """Stop; what the recogniser has not begun is cancelled."""
        self._steps.close()

    def _note(self, step: FileStep) -> bool:
        """Take over a step; return whether it is worth announcing."""
        now_s = time.monotonic()
        self._last = step
        has_text = step.utterance is not None and bool(step.utterance.text)
        if not has_text and now_s - self._reported_s < REPORT_INTERVAL_S:
            return False
        self._reported_s = now_s
        lines = [self.job.text, step.utterance.text] if step.utterance is not None else [self.job.text]
        self.job = replace(
            self.job,
            progress=step.progress,
            audio_s=step.audio_s,
            speed=step.audio_s / max(now_s - self._started_s, 1e-3) if step.segments else 0.0,
            text="\n".join(line for line in lines if line),
        )
        return True
