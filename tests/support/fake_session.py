"""Stand-ins for what a window is made with: the same signals and methods, and nothing behind them."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, Signal

from dictation.core.library_status import LibraryJob
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

    def keep_sound(self, settings: Any) -> None:
        self.calls.append(("keep_sound", settings))

    def reload_model(self) -> None:
        self.calls.append(("reload_model", None))

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


class FakeRecovery(QObject):
    """Notes what is asked of it."""

    status_changed = Signal(object)
    utterance_recovered = Signal(object)
    exported = Signal(int, str)
    failed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, ...]] = []

    def retry(self) -> None:
        self.calls.append(("retry",))

    def export(self, folder: Any) -> None:
        self.calls.append(("export", folder))

    def discard(self) -> None:
        self.calls.append(("discard",))


class FakeModelLibrary(QObject):
    """Notes what is asked of it; what is dropped is a model if the test says so."""

    listing_changed = Signal(object)
    job_changed = Signal(object)
    dropped_media = Signal(object)
    failed = Signal(object)
    stopped = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, ...]] = []
        self.jobs: tuple[LibraryJob, ...] = ()
        self.models_on_disk: set[Any] = set()

    def refresh(self) -> None:
        self.calls.append(("refresh",))

    def download(self, key: str, name: str) -> None:
        self.calls.append(("download", key, name))

    def pause(self, key: str) -> None:
        self.calls.append(("pause", key))

    def cancel(self, key: str) -> None:
        self.calls.append(("cancel", key))

    def discard_kept(self, key: str) -> None:
        self.calls.append(("discard_kept", key))

    def import_from(self, path: Any) -> None:
        self.calls.append(("import_from", path))

    def retry(self, key: str) -> None:
        self.calls.append(("retry", key))

    def download_language_model(self, key: str, name: str, path: str) -> None:
        self.calls.append(("download_language_model", key, name, path))

    def remove(self, path: str) -> None:
        self.calls.append(("remove", path))

    def take_dropped(self, paths: Any) -> None:
        for path in paths:
            if path in self.models_on_disk:
                self.import_from(path)
        media = tuple(path for path in paths if path not in self.models_on_disk)
        if media:
            self.dropped_media.emit(media)

    def close(self) -> None:
        self.calls.append(("close",))


class FakePersonalLibrary(QObject):
    """Notes what is asked of it."""

    listing_changed = Signal(object)
    progress_changed = Signal(object)
    built = Signal(object)
    build_failed = Signal(object)
    failed = Signal(object)
    stopped = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, ...]] = []

    def refresh(self) -> None:
        self.calls.append(("refresh",))

    def build(self, paths: Any, name: str) -> None:
        self.calls.append(("build", paths, name))

    def cancel(self) -> None:
        self.calls.append(("cancel",))

    def remove(self, name: str) -> None:
        self.calls.append(("remove", name))

    def close(self) -> None:
        self.calls.append(("close",))


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
