"""The recogniser's thread: loads the model, then answers jobs until the box is closed and empty."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from queue import SimpleQueue

from PySide6.QtCore import QObject, Signal, Slot

from dictation.core.errors import DictationError, ModelError, ModelMissing
from dictation.core.job_box import SMALL_BEAM_BEHIND_S, Job, JobBox, JobKind, RecogniserClosed
from dictation.core.records import Recognition
from dictation.core.settings import RecognizerSettings
from dictation.core.status import ModelFallback, ModelState, ModelStatus
from dictation.runtime.backends import HearsUtterancesGrow, RecognizerLike, UtteranceLike
from dictation.runtime.freed_memory import give_back_freed_memory

_log = logging.getLogger(__name__)

TEND_EVERY_S = 5.0
"""How soon after its test a GPU is taken over if nobody speaks; an idle one is given back at most so much late. After
so long a silence the memory that loading and searching left behind is given back too."""
_RELOADING_KEYS = ("model_path", "processor", "personal_model")


class _Order(Enum):
    """Requests that are no settings."""

    FINISH = "finish"
    RELOAD = "reload"


class RecognizerWorker(QObject):
    """Thread: ``run`` and everything it calls in the recogniser's own thread; ``request`` and ``finish`` in any.

    Signals:
        model_changed(ModelStatus): What became of the model.
        partial_ready(Job, Recognition): Words of an utterance that is still open.
        final_ready(Job, Recognition): Words of a closed segment.
        final_failed(Job, DictationError): A closed segment that could not be recognised.
        gap_reached(Gap): All speech before this gap has been answered.
        finished(): ``run`` has returned.
    """

    model_changed = Signal(object)
    partial_ready = Signal(object, object)
    final_ready = Signal(object, object)
    final_failed = Signal(object, object)
    gap_reached = Signal(object)
    finished = Signal()

    def __init__(
        self,
        box: JobBox,
        settings: RecognizerSettings,
        make_recognizer: Callable[[RecognizerSettings], RecognizerLike],
    ) -> None:
        super().__init__()
        self._box = box
        self._settings = settings
        self._make_recognizer = make_recognizer
        self._recognizer: RecognizerLike | None = None
        self._requests: SimpleQueue[RecognizerSettings | _Order] = SimpleQueue()
        self._is_finishing = False
        self._note = ""
        self._status = ModelStatus(ModelState.LOADING)
        self._speculation: tuple[tuple[int, int], Recognition] | None = None
        self._utterance: tuple[tuple[int, int], UtteranceLike] | None = None

    def request(self, settings: RecognizerSettings) -> None:
        """Use other settings as soon as the running job is done; no audio is lost meanwhile."""
        self._requests.put(settings)
        self._box.nudge()

    def reload(self) -> None:
        """Load the model anew with the same settings: its files have changed."""
        self._requests.put(_Order.RELOAD)
        self._box.nudge()

    def finish(self) -> None:
        """Return from ``run`` once the box is empty; call after ``JobBox.close``."""
        self._requests.put(_Order.FINISH)
        self._box.nudge()

    @property
    def look_ahead(self) -> int:
        """How many segments of a file the recogniser would like to know of beyond the one it works on. Thread: any."""
        recognizer = self._recognizer
        return recognizer.look_ahead if recognizer is not None else 0

    @Slot()
    def run(self) -> None:
        """Load, then work until finished; a bug that nothing else caught ends the recogniser, not the program."""
        try:
            self._load()
            self._work()
        except Exception as error:  # noqa: BLE001 - else the thread would idle for ever and the program never end
            known = _as_dictation_error(error)
            self._show(ModelStatus(ModelState.FAILED, note=str(known), remedy=known.remedy))
        finally:
            recognizer, self._recognizer = self._recognizer, None
            if recognizer is not None:
                recognizer.close()  # its processes, which the program would wait for, and its GPU
            self.finished.emit()

    def _work(self) -> None:
        """Answer jobs and requests until there is nothing left to do."""
        has_garbage = True  # of loading
        while not (self._is_finishing and (self._recognizer is None or self._box.is_exhausted)):
            # Without a model there is nothing to do but wait for another request; the box keeps the audio.
            if self._recognizer is None or not self._requests.empty():
                self._answer_requests()
                has_garbage = True
                continue
            job = self._box.take(TEND_EVERY_S)
            if job is not None:
                self._process(job, self._recognizer)
            elif has_garbage:
                give_back_freed_memory()
            has_garbage = job is not None
            self._recognizer.tend()
            self._show_changes(self._recognizer)

    def _answer_requests(self) -> None:
        """Wait for a request. Of several, as a dragged slider or a changed mind leaves them, the newest counts."""
        requests = [self._requests.get()]
        while not self._requests.empty():
            requests.append(self._requests.get())
        self._is_finishing = self._is_finishing or _Order.FINISH in requests
        is_reload = _Order.RELOAD in requests
        wanted = [request for request in requests if isinstance(request, RecognizerSettings)]
        if wanted or is_reload:
            self._apply(wanted[-1] if wanted else self._settings, is_reload=is_reload)

    def _apply(self, settings: RecognizerSettings, *, is_reload: bool) -> None:
        """Take over new settings; reload if asked to, if a reloading key changed, or if nothing is loaded."""
        old, self._settings = self._settings, settings
        is_same = all(getattr(old, key) == getattr(settings, key) for key in _RELOADING_KEYS)
        if self._recognizer is not None and is_same and not is_reload:
            self._recognizer.configure(settings)
            self._show_changes(self._recognizer)  # such as a hotword that the model has no letters for
            return
        if not self._load(old.model_path):
            # The old model stays; choosing the new one again is then a change, and tries again.
            self._settings = replace(settings, **{key: getattr(old, key) for key in _RELOADING_KEYS})
            if self._recognizer is not None:
                self._recognizer.configure(self._settings)

    def _load(self, previous_path: str = "") -> bool:
        """Load the model; a failure leaves the previous recogniser working, if there was one.

        Jobs wait in the box meanwhile. Both models are in memory for a moment, so that there is one to fall back to.
        """
        self._show(ModelStatus(ModelState.LOADING, self._status.name))
        try:
            recognizer = self._make_recognizer(self._settings)
            report = recognizer.load()
        except Exception as error:  # noqa: BLE001 - whatever goes wrong while loading, the window must go on
            self._show_load_failure(error, previous_path)
            return False
        if self._recognizer is not None:
            self._recognizer.close()
        self._recognizer, self._speculation, self._note = recognizer, None, report.note
        self._utterance = None
        times_ms = ", ".join(f"{run.seconds * 1000:.0f}" for run in report.runs)
        _log.info("%s on %s, self-test in %s ms", report.model_name, report.device_name, times_ms)
        note, remedy = report.note, ""
        if not report.is_ok:
            note = f"{note} The model misread its own test clip; its words may be wrong.".strip()
            remedy = "Copy the model again, or choose another one. dictation doctor shows what it read."
        self._show(ModelStatus(ModelState.READY, report.model_name, report.device_name, note, remedy))
        return True

    def _show_load_failure(self, error: Exception, previous_path: str) -> None:
        """Say why there is no (new) model, and which one is used instead."""
        known = _as_dictation_error(error)
        state = ModelState.MISSING if isinstance(known, ModelMissing) else ModelState.FAILED
        if self._recognizer is not None:
            self._show(ModelStatus(
                ModelState.READY, self._status.name, self._recognizer.device_name,
                f"{known} The previous model stays in use.", known.remedy,
                ModelFallback(self._settings.model_path, previous_path),
            ))  # fmt: skip
            return
        self._show(ModelStatus(state, note=str(known), remedy=known.remedy))

    def _show(self, status: ModelStatus) -> None:
        self._status = status
        self.model_changed.emit(status)

    def _process(self, job: Job, recognizer: RecognizerLike) -> None:
        """Answer one job; an error concerns that job only."""
        if job.gap is not None:
            self.gap_reached.emit(job.gap)
            return
        try:
            recognition = self._recognize(job, recognizer)
        except Exception as error:  # noqa: BLE001 - a bug in one segment must not end the thread
            if not self._box.is_void(job):
                self._report_failure(job, _as_dictation_error(error))
            elif job.deliver is not None:  # only the end of the program voids a file's job, and somebody waits for it
                job.deliver(RecogniserClosed())
            return
        self._show_changes(recognizer)
        self._report(job, recognition)

    def _show_changes(self, recognizer: RecognizerLike) -> None:
        """Say when the recogniser has moved to another processor, or has another remark."""
        if recognizer.note != self._note or recognizer.device_name != self._status.device:
            self._note = recognizer.note
            self._show(ModelStatus(ModelState.READY, self._status.name, recognizer.device_name, recognizer.note))

    def _recognize(self, job: Job, recognizer: RecognizerLike) -> Recognition:
        """Recognise, or reuse the speculation if it was over exactly this audio."""
        from dictation.asr.recognizer import Effort

        if job.kind is JobKind.FINAL and self._speculation is not None and self._speculation[0] == job.audio_key:
            return self._speculation[1]
        is_hurried = job.kind is JobKind.FINAL and self._box.behind_s > SMALL_BEAM_BEHIND_S
        effort = Effort.PARTIAL if job.kind is JobKind.PARTIAL or is_hurried else Effort.FINAL
        if job.kind is JobKind.FILE and job.hotwords is None:
            upcoming = self._box.waiting_files(recognizer.look_ahead)
            return recognizer.recognize(job.samples, effort, lambda: self._box.is_void(job), upcoming)
        if job.hotwords is None:
            return self._listener(job, recognizer).recognize(job.samples, effort, lambda: self._box.is_void(job))
        recognizer.configure(replace(self._settings, hotwords=job.hotwords))
        try:
            return recognizer.recognize(job.samples, effort, lambda: self._box.is_void(job))
        finally:
            recognizer.configure(self._settings)

    def _listener(self, job: Job, recognizer: RecognizerLike) -> RecognizerLike | UtteranceLike:
        """Who hears a job: what was made of its utterance so far, if the recogniser can go on from there."""
        if job.kind is JobKind.FILE or not isinstance(recognizer, HearsUtterancesGrow):
            return recognizer
        key = (job.segment_id, job.start_frame)
        if self._utterance is None or self._utterance[0] != key:
            self._utterance = (key, recognizer.begin_utterance())
        return self._utterance[1]

    def _report(self, job: Job, recognition: Recognition) -> None:
        """Hand the answer to whoever asked."""
        if job.kind is JobKind.FINAL:
            self._speculation = self._utterance = None
            self.final_ready.emit(job, recognition)
        elif job.deliver is not None:
            job.deliver(recognition)
        elif not self._box.is_void(job):
            if job.kind is JobKind.SPECULATIVE:
                self._speculation = (job.audio_key, recognition)
            self.partial_ready.emit(job, recognition)

    def _report_failure(self, job: Job, error: DictationError) -> None:
        """Say that a job failed; failed partials are silent, their final will say it."""
        if job.kind is JobKind.FINAL:
            self.final_failed.emit(job, error)
        elif job.deliver is not None:
            job.deliver(error)


def _as_dictation_error(error: Exception) -> DictationError:
    """Turn a bug into an error with a user message; the traceback goes to the log, never what was said."""
    if isinstance(error, DictationError):
        return error
    _log.error("unexpected failure in the recogniser", exc_info=error)
    return ModelError(f"The recogniser failed unexpectedly ({type(error).__name__}).", "See the log for details.")
