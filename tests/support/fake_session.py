"""Stand-ins for the session, the file queue and the settings store, with the same signals and methods."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, Signal

from dictation.core.records import Health, Recognition, Segment
from dictation.core.settings import Settings
from dictation.core.status import FileJob, InputState, InputStatus, ModelChoice, ModelState, ModelStatus, SessionState


class FakeSession(QObject):
    """Notes what is asked of it in ``calls``; the test emits what it should answer."""

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

    def __init__(self) -> None:
        super().__init__()
        self.submitted: list[tuple[Segment, tuple[str, ...] | None, Future[Recognition]]] = []
        self.calls: list[tuple[str, Any]] = []
        self.state = SessionState.READY
        self.input_status = InputStatus(InputState.DELIVERING, "Desk microphone", 48_000)
        self.model_status = ModelStatus(ModelState.READY, "Starter English", "CPU")
        self.health = Health()
        self.is_recording = False
        self.models: tuple[ModelChoice, ...] = ()

    def asked(self, name: str) -> list[Any]:
        """The arguments of every call of one method."""
        return [argument for called, argument in self.calls if called == name]

    def set_state(self, state: SessionState, *, is_recording: bool) -> None:
        """Change the state as the real session does: first the properties, then the signal."""
        self.state, self.is_recording = state, is_recording
        self.state_changed.emit(state)

    def open(self) -> None:
        self.calls.append(("open", None))

    def record(self) -> None:
        self.calls.append(("record", None))
        self.set_state(SessionState.LISTENING, is_recording=True)

    def stop(self) -> None:
        self.calls.append(("stop", None))
        self.set_state(SessionState.READY, is_recording=False)

    def configure_segmenter(self, settings: Any) -> None:
        self.calls.append(("configure_segmenter", settings))

    def choose_input(self, settings: Any) -> None:
        self.calls.append(("choose_input", settings))

    def configure_recognizer(self, settings: Any) -> None:
        self.calls.append(("configure_recognizer", settings))

    def calibrate(self) -> None:
        self.calls.append(("calibrate", None))

    def begin_check(self, check_id: int) -> None:
        self.calls.append(("begin_check", check_id))

    def end_check(self) -> None:
        """As the real session does: the end is told for a check that runs, and only then."""
        self.calls.append(("end_check", None))
        self.check_ended.emit(self.asked("begin_check")[-1])

    def submit_segment(self, segment: Segment, hotwords: tuple[str, ...] | None = None) -> Future[Recognition]:
        future: Future[Recognition] = Future()
        self.submitted.append((segment, hotwords, future))
        return future

    def refresh_devices(self) -> None:
        self.calls.append(("refresh_devices", None))

    def list_models(self) -> tuple[ModelChoice, ...]:
        return self.models

    def close(self) -> None:
        self.calls.append(("close", None))


class FakeFileQueue(QObject):
    """Notes what is asked of it."""

    job_changed = Signal(object)
    stopped = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.added: list[Any] = []
        self.cancelled: list[int] = []
        self.jobs: tuple[FileJob, ...] = ()
        self.is_closed = False

    def add(self, paths: list[Any]) -> None:
        self.added.extend(paths)

    def cancel(self, job_id: int) -> None:
        self.cancelled.append(job_id)

    def close(self) -> None:
        self.is_closed = True


class FakeSettingsStore(QObject):
    """Keeps settings in memory."""

    changed = Signal(object)
    failed = Signal(object)

    def __init__(self, settings: Settings | None = None, problems: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.settings = settings or Settings()
        self.problems = problems
        self.is_flushed = False

    def update(self, section: Any) -> None:
        if getattr(self.settings, section.SECTION) != section:
            self.settings = replace(self.settings, **{section.SECTION: section})
            self.changed.emit(section)

    def flush(self) -> None:
        self.is_flushed = True
