"""One dictation session: owns the input, the segmenter, the recogniser and their threads.

Data flows one way: input → segmenter thread → ``JobBox`` → recogniser thread → here → window. Shutdown goes the
same way, so that nothing is posted to what has ended (docs/architecture.md, "Stopping").
"""

from __future__ import annotations

import logging
from concurrent.futures import Future

from PySide6.QtCore import QObject, Qt, QThread, QTimer, Signal, Slot

from dictation.core.errors import ModelMissing
from dictation.core.job_box import JobBox
from dictation.core.records import Health, Recognition, Segment
from dictation.core.settings import AudioSettings, RecognizerSettings, RecoverySettings, SegmenterSettings, Settings
from dictation.core.status import (
    BROKEN_INPUT,
    InputState,
    InputStatus,
    ModelChoice,
    ModelState,
    ModelStatus,
    SessionState,
    session_state,
)
from dictation.core.transcript import Transcript
from dictation.runtime.backends import Backends
from dictation.runtime.file_segments import queue_segment
from dictation.runtime.recognizer_worker import RecognizerWorker
from dictation.runtime.segmenter_worker import SegmenterWorker
from dictation.runtime.session_text import SessionText
from dictation.runtime.sound_journal import SoundJournal

_log = logging.getLogger(__name__)

HEALTH_EVERY_MS = 500
CLOSE_WITHIN_MS = 5000
"""Finals still waiting when the program closes get this long; then the window's patience ends."""

_NO_MODEL = frozenset({ModelState.MISSING, ModelState.FAILED})


class Session(QObject):
    """The door between the window and everything behind it. Thread: the GUI's; no call here waits.

    Signals (the record type in brackets):
        state_changed (SessionState), input_changed (InputStatus), model_changed (ModelStatus),
        devices_changed (tuple of InputDevice), levels_ready (LevelBatch), segment_changed (SegmentMark),
        tentative_changed (Tentative, or None when it is gone), utterance_ready (Utterance), gap_found (Gap),
        health_changed (Health), calibrated (Calibration), failed (DictationError),
        check_heard (int, Segment): an utterance of that check; check_ended (int),
        stopped: after ``close``, when both threads have ended and everything they said has been delivered.
    """

    state_changed = Signal(object)
    input_changed = Signal(object)
    model_changed = Signal(object)
    devices_changed = Signal(object)
    levels_ready = Signal(object)
    segment_changed = Signal(object)
    tentative_changed = Signal(object)
    utterance_ready = Signal(object)
    gap_found = Signal(object)
    health_changed = Signal(object)
    calibrated = Signal(object)
    check_heard = Signal(int, object)
    check_ended = Signal(int)
    failed = Signal(object)
    stopped = Signal()

    _record_requested = Signal()
    _stop_requested = Signal()
    _segmenter_configured = Signal(object)
    _input_chosen = Signal(object)
    _keeping_chosen = Signal(object)
    _devices_wanted = Signal()
    _calibration_requested = Signal()
    _check_requested = Signal(int)
    _check_end_requested = Signal()
    _finish_requested = Signal()

    def __init__(
        self, settings: Settings, backends: Backends, journal: SoundJournal | None = None,
        parent: QObject | None = None,
    ) -> None:  # fmt: skip
        """Make a session that has not begun; ``journal`` keeps what is said on the disk until it has words."""
        super().__init__(parent)
        self._backends = backends
        self._box = JobBox()
        self._text = SessionText(self)
        self._is_recording = self._is_hearing = self._is_closing = False
        self._is_draining = self._is_stopping = False
        self._state = SessionState.LOADING
        self._input_status = InputStatus(InputState.CLOSED)
        self._model_status = ModelStatus(ModelState.LOADING)
        self._health = Health()
        self._segmenter_worker = SegmenterWorker(self._box, backends, settings.audio, settings.segmenter, journal)
        self._recognizer_worker = RecognizerWorker(self._box, settings.recognizer, backends.make_recognizer)
        self._segmenter_thread, self._recognizer_thread = QThread(self), QThread(self)
        self._running_threads = 0
        self._health_timer = QTimer(self)
        self._health_timer.timeout.connect(self._show_health)
        self._connect_text()
        self._connect_segmenter()
        self._connect_recognizer()

    @property
    def state(self) -> SessionState:
        """What the record button shows."""
        return self._state

    @property
    def input_status(self) -> InputStatus:
        """The input device."""
        return self._input_status

    @property
    def model_status(self) -> ModelStatus:
        """The recogniser."""
        return self._model_status

    @property
    def health(self) -> Health:
        """The numbers of the health line."""
        return self._health

    @property
    def is_recording(self) -> bool:
        """Whether sound becomes text now."""
        return self._is_recording

    @property
    def transcript(self) -> Transcript:
        """What has been recognised since the program started, unedited."""
        return self._text.transcript

    def open(self) -> None:
        """Open the input for the live meter and start loading the model."""
        self._running_threads = 2
        self._segmenter_thread.start()
        self._recognizer_thread.start()
        self._health_timer.start(HEALTH_EVERY_MS)

    def record(self) -> None:
        """Start turning sound into text; allowed before the model is ready and while the last words are finished."""
        if not self._is_recording:
            if not self._is_draining:
                self._text.lost_s = 0.0
            self._is_recording, self._is_draining, self._is_stopping = True, False, False
            self._record_requested.emit()
            self._show_state()

    def stop(self) -> None:
        """End the recording; what was said is still recognised."""
        if self._is_recording:
            self._is_recording, self._is_draining, self._is_stopping = False, True, True
            self._stop_requested.emit()
            self._show_state()

    def configure_segmenter(self, settings: SegmenterSettings) -> None:
        """Use other segmenter settings within one tick (80 ms)."""
        self._segmenter_configured.emit(settings)

    def configure_recognizer(self, settings: RecognizerSettings) -> None:
        """Use other beam settings, or load another model; audio waits meanwhile and is not lost."""
        self._recognizer_worker.request(settings)

    def reload_model(self) -> None:
        """Load the model in use anew, because its files have changed; audio waits meanwhile."""
        self._recognizer_worker.reload()

    def choose_input(self, settings: AudioSettings) -> None:
        """Switch to another input; a recording goes on."""
        self._input_chosen.emit(settings)

    def keep_sound(self, settings: RecoverySettings) -> None:
        """Begin or cease to keep on the disk what is said and has no words yet."""
        self._keeping_chosen.emit(settings)

    def calibrate(self) -> None:
        """Listen to the room for two seconds, then emit ``calibrated``."""
        self._calibration_requested.emit()

    def begin_check(self, check_id: int) -> None:
        """Emit ``check_heard`` for what is said from now on, instead of writing it; a recording waits meanwhile."""
        self._check_requested.emit(check_id)

    def end_check(self) -> None:
        """End the check, then emit ``check_ended``; ``record`` and ``stop`` end one as well."""
        self._check_end_requested.emit()

    def refresh_devices(self) -> None:
        """Look for input devices, then emit ``devices_changed``."""
        self._devices_wanted.emit()

    def list_models(self) -> tuple[ModelChoice, ...]:
        """Return the installed models."""
        return self._backends.list_models()

    def look_ahead(self) -> int:
        """How many segments of a file to submit beyond the one that is recognised. Thread: any."""
        return self._recognizer_worker.look_ahead

    def submit_segment(self, segment: Segment, hotwords: tuple[str, ...] | None = None) -> Future[Recognition]:
        """Queue a segment of a file or a check behind live speech, with other hotwords if given. Thread: any.

        The future is cancelled if the session closes first; it raises the ``DictationError`` if recognition fails.
        """
        future = queue_segment(self._box, segment, hotwords)
        status = self._model_status  # asked after queueing: a failure to load between the two would be missed
        if status.state in _NO_MODEL:
            self._box.refuse_files(ModelMissing(status.note, status.remedy))
        return future

    def close(self) -> None:
        """Finish what was said, end both threads, then emit ``stopped``; may be called more than once."""
        if self._is_closing:
            return
        self._is_closing = True
        self._is_recording = False
        if not self._running_threads:
            QTimer.singleShot(0, self.stopped.emit)
            return
        if self._model_status.state in _NO_MODEL:
            self._box.abandon()
        QTimer.singleShot(CLOSE_WITHIN_MS, self._give_up)
        self._finish_requested.emit()

    def _give_up(self) -> None:
        """The program has waited long enough for its last words."""
        if not self._running_threads:
            return
        behind_s = self._box.behind_s
        self._box.abandon()
        if behind_s:
            _log.warning("closed with %.1f s of speech not recognised", behind_s)

    def _connect_text(self) -> None:
        """Pass on what was understood."""
        for name in ("tentative_changed", "utterance_ready", "gap_found", "segment_changed", "failed"):
            getattr(self._text, name).connect(getattr(self, name))
        self._text.outcome_known.connect(self._show_health)

    def _connect_segmenter(self) -> None:
        """Wire the segmenter's worker: requests go there queued, facts come back queued."""
        worker, thread = self._segmenter_worker, self._segmenter_thread
        thread.setObjectName("segmenter")
        worker.moveToThread(thread)
        thread.started.connect(worker.begin)
        self._record_requested.connect(worker.record)
        self._stop_requested.connect(worker.stop)
        self._segmenter_configured.connect(worker.configure)
        self._input_chosen.connect(worker.choose_input)
        self._keeping_chosen.connect(worker.keep_sound)
        self._devices_wanted.connect(worker.refresh_devices)
        self._calibration_requested.connect(worker.begin_calibration)
        self._check_requested.connect(worker.begin_check)
        self._check_end_requested.connect(worker.end_check)
        self._finish_requested.connect(worker.finish)
        passed_on = ("levels_ready", "segment_changed", "devices_changed", "calibrated", "check_heard", "check_ended")
        for name in (*passed_on, "failed"):
            getattr(worker, name).connect(getattr(self, name))
        worker.input_changed.connect(self._on_input_changed)
        worker.hearing_changed.connect(self._on_hearing_changed)
        worker.recording_changed.connect(self._on_recording_changed)
        worker.segment_rejected.connect(self._text.reject)
        worker.loss_found.connect(self._text.count_loss)
        worker.finished.connect(self._on_segmenter_finished)
        # quit() is thread-safe, and queueing it to a GUI that is closing would wait for ever.
        worker.finished.connect(thread.quit, Qt.ConnectionType.DirectConnection)
        thread.finished.connect(self._on_thread_finished)

    def _connect_recognizer(self) -> None:
        """Wire the recogniser's worker; it has no event loop, so requests go through thread-safe calls."""
        worker, thread = self._recognizer_worker, self._recognizer_thread
        thread.setObjectName("recogniser")
        worker.moveToThread(thread)
        thread.started.connect(worker.run)
        worker.model_changed.connect(self._on_model_changed)
        worker.partial_ready.connect(self._text.hear)
        worker.final_ready.connect(self._text.commit)
        worker.final_failed.connect(self._text.fail)
        worker.final_ready.connect(self._on_final_answered)  # connected behind the text, so called behind it
        worker.final_failed.connect(self._on_final_answered)
        worker.gap_reached.connect(self._text.add_gap)
        worker.finished.connect(thread.quit, Qt.ConnectionType.DirectConnection)
        thread.finished.connect(self._on_thread_finished)

    @Slot(object)
    def _on_input_changed(self, status: InputStatus) -> None:
        self._input_status = status
        self.input_changed.emit(status)
        self._show_state()

    @Slot(object)
    def _on_model_changed(self, status: ModelStatus) -> None:
        self._model_status = status
        self.model_changed.emit(status)
        if status.state in _NO_MODEL:
            self._box.refuse_files(ModelMissing(status.note, status.remedy))
            if self._is_closing:
                self._box.abandon()
        self._show_state()

    @Slot(bool)
    def _on_hearing_changed(self, is_hearing: bool) -> None:
        self._is_hearing = is_hearing
        self._show_state()

    @Slot(bool)
    def _on_recording_changed(self, is_recording: bool) -> None:
        """The segmenter has really stopped (or started): from now on draining ends with the last final."""
        self._is_stopping = self._is_stopping and is_recording
        self._end_draining()

    @Slot()
    def _on_final_answered(self) -> None:
        """A closed segment's words have reached the transcript; before that no recording counts as finished."""
        self._box.settle()
        self._end_draining()

    def _end_draining(self) -> None:
        """Leave DRAINING once the last final of a stopped recording is there."""
        if self._is_draining and not self._is_stopping and not self._box.pending_finals:
            self._is_draining = False
        self._show_state()

    def _show_state(self) -> None:
        """Fold the facts into the one state that is shown."""
        can_drain = self._model_status.state not in _NO_MODEL
        state = session_state(
            model=self._model_status.state,
            recording=self._is_recording,
            hearing=self._is_hearing,
            draining=self._is_draining and can_drain,
            queued=self._box.pending_finals,
            input_failed=self._input_status.state in BROKEN_INPUT,
        )
        if state is not self._state:
            self._state = state
            self.state_changed.emit(state)

    @Slot()
    def _show_health(self) -> None:
        health = Health(
            round(self._box.behind_s, 1),
            self._text.lost_s,
            self._text.latency.percentile_ms(50),
            self._text.latency.percentile_ms(95),
        )
        if health != self._health:
            self._health = health
            self.health_changed.emit(health)
        self._end_draining()

    @Slot()
    def _on_segmenter_finished(self) -> None:
        """The box is closed: the recogniser may end once it is empty."""
        self._recognizer_worker.finish()

    @Slot()
    def _on_thread_finished(self) -> None:
        """Count both ends; polling ``isFinished`` would announce the end before the last words are delivered."""
        self._running_threads -= 1
        if self._running_threads == 0:
            self._health_timer.stop()
            self.stopped.emit()
