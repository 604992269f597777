"""The library of models behind its window: lists, downloads, imports and removes, in threads of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QObject, Signal

from dictation.core.library_status import ENDED_JOBS, HELD_JOBS, LibraryJob, LibraryJobState, LibraryListing
from dictation.core.settings import NetworkSettings
from dictation.runtime.background import Background, Newest, as_dictation_error

DOWNLOADS_AT_ONCE = 2
"""Imports are done one at a time, because two of them could claim the same folder."""
IMPORT_PREFIX = "import:"


class JobPaused(Exception):
    """A backend broke off because ``JobControl.is_paused`` said so; what has arrived is kept."""


class JobCancelled(Exception):
    """A backend broke off because ``JobControl.is_cancelled`` said so; nothing is left."""


@dataclass(frozen=True)
class JobControl:
    """The library's side of a running job. Thread: the job's.

    Attributes:
        report: Takes the job with new numbers or another working state, as often as it likes.
        is_cancelled: Whether to break off and leave nothing.
        is_paused: Whether to break off and keep what there is.
    """

    report: Callable[[LibraryJob], None]
    is_cancelled: Callable[[], bool]
    is_paused: Callable[[], bool]


class LibraryBackend(Protocol):
    """What the library needs from the disk and the network; every call may take long and raise ``DictationError``."""

    def list_models(self) -> LibraryListing:
        """List what is installed and what can be downloaded."""

    def is_model(self, path: Path) -> bool:
        """Whether a file or folder can be imported."""

    def download(self, job: LibraryJob, network: NetworkSettings, control: JobControl) -> str:
        """Download and install; returns the folder; may raise ``JobPaused`` or ``JobCancelled``."""

    def download_language_model(
        self, job: LibraryJob, target: Path, network: NetworkSettings, control: JobControl
    ) -> tuple[str, str]:
        """Download one for an installed model; returns what came of it and its folder; may raise as ``download``."""

    def discard(self, key: str) -> None:
        """Delete what a paused or failed download has kept."""

    def import_from(self, job: LibraryJob, path: Path, used_path: str, control: JobControl) -> tuple[str, str]:
        """Install a model from the disk; returns its name and its folder; may raise ``JobCancelled``."""

    def remove(self, path: Path) -> None:
        """Delete an installed model."""


@dataclass
class _Running:
    """The switches of a job under way."""

    cancelled: threading.Event
    paused: threading.Event


class ModelLibrary(QObject):
    """Jobs and the list of models. Thread: the GUI's; no call here waits, no socket is opened unless asked.

    Signals:
        listing_changed(LibraryListing): What there is.
        job_changed(LibraryJob): New or changed; ``ENDED_JOBS`` are told once and then forgotten.
        dropped_media(tuple of Path): What ``take_dropped`` was given and is no model.
        failed(DictationError): Removing or listing went wrong.
        stopped: After ``close``.
    """

    listing_changed = Signal(object)
    job_changed = Signal(object)
    dropped_media = Signal(object)
    failed = Signal(object)
    stopped = Signal()

    def __init__(
        self,
        backend: LibraryBackend,
        read_network: Callable[[], NetworkSettings],
        read_model_path: Callable[[], str],
        parent: QObject | None = None,
    ) -> None:
        """Make an idle library.

        Args:
            backend: The disk and the network.
            read_network: The settings that hold now; called in the GUI thread when a download starts.
            read_model_path: The model in use, for importing a language model; likewise.
            parent: Qt parent.
        """
        super().__init__(parent)
        self._backend = backend
        self._read_network, self._read_model_path = read_network, read_model_path
        self._jobs: dict[str, LibraryJob] = {}
        self._targets: dict[str, Path] = {}
        self._running: dict[str, _Running] = {}
        self._downloads = Background("model-downloads", DOWNLOADS_AT_ONCE, self)
        self._imports = Background("model-imports", 1, self)
        self._quick = Background("model-list", 1, self)
        self._backgrounds = (self._downloads, self._imports, self._quick)
        self._still_open = len(self._backgrounds)
        for background in self._backgrounds:
            background.stopped.connect(self._on_stopped)

    @property
    def jobs(self) -> tuple[LibraryJob, ...]:
        """Jobs that have not ended, as last announced."""
        return tuple(self._jobs.values())

    def refresh(self) -> None:
        """Read the list anew, then emit ``listing_changed``."""
        self._quick.run(self._backend.list_models, self._on_listing)

    def download(self, key: str, name: str) -> None:
        """Download and install a model; goes on where an earlier download stopped."""
        self._download(key, name, lambda job, network, control: (name, self._backend.download(job, network, control)))

    def download_language_model(self, key: str, name: str, path: str) -> None:
        """Download a language model for the installed model in ``path``; goes on where an earlier download stopped."""
        target = Path(path)
        if key not in self._running:
            self._targets[key] = target
        self._download(
            key,
            name,
            lambda job, network, control: self._backend.download_language_model(job, target, network, control),
        )

    def pause(self, key: str) -> None:
        """Break off a download and keep what has arrived."""
        if key in self._running:
            self._running[key].paused.set()

    def cancel(self, key: str) -> None:
        """Give a job up; nothing of it is left."""
        if key in self._running:
            self._running[key].cancelled.set()
        elif key in self._jobs:
            if not key.startswith(IMPORT_PREFIX):
                self.discard_kept(key)
            self._announce(replace(self._jobs[key], state=LibraryJobState.CANCELLED, message="", remedy=""))

    def discard_kept(self, key: str) -> None:
        """Delete what an interrupted download of an earlier run has left."""
        self._quick.run(lambda: self._backend.discard(key), self._on_changed)

    def import_from(self, path: Path) -> None:
        """Install a model, or the language model of the model in use, from a file or folder."""
        key = f"{IMPORT_PREFIX}{path}"
        if key not in self._running:
            used_path = self._read_model_path()
            self._start(
                self._imports,
                LibraryJob(key, path.name),
                lambda job, control: self._backend.import_from(job, path, used_path, control),
            )

    def retry(self, key: str) -> None:
        """Go on with a paused language model, or try a failed one or a failed import again."""
        if key.startswith(IMPORT_PREFIX):
            self.import_from(Path(key.removeprefix(IMPORT_PREFIX)))
        elif key in self._targets and key in self._jobs:
            self.download_language_model(key, self._jobs[key].name, str(self._targets[key]))

    def remove(self, path: str) -> None:
        """Delete an installed model, then list anew; ``failed`` if that is not possible."""
        self._quick.run(lambda: self._backend.remove(Path(path)), self._on_changed)

    def take_dropped(self, paths: Sequence[Path]) -> None:
        """Import the models among what was dropped, and hand the rest back by ``dropped_media``."""
        dropped = tuple(paths)

        def sort() -> tuple[bool, ...]:
            return tuple(self._backend.is_model(path) for path in dropped)

        def deliver(outcome: object) -> None:
            # What cannot even be looked at is no model; the file queue says what is wrong with it.
            flags = outcome if isinstance(outcome, tuple) else (False,) * len(dropped)
            for path, is_model in zip(dropped, flags, strict=True):
                if is_model:
                    self.import_from(path)
            media = tuple(path for path, is_model in zip(dropped, flags, strict=True) if not is_model)
            if media:
                self.dropped_media.emit(media)

        self._quick.run(sort, deliver)

    def close(self) -> None:
        """Pause downloads, cancel imports and end the threads; ``stopped`` follows."""
        for key, running in self._running.items():
            (running.cancelled if key.startswith(IMPORT_PREFIX) else running.paused).set()
        for background in self._backgrounds:
            background.close()

    def _download(
        self,
        key: str,
        name: str,
        work: Callable[[LibraryJob, NetworkSettings, JobControl], tuple[str, str]],
    ) -> None:
        """Start a download that does not run already, with the settings that hold now."""
        if key in self._running:
            return
        network = self._read_network()
        known = self._jobs.get(key, LibraryJob(key, name))
        job = replace(known, name=name, state=LibraryJobState.WAITING, message="", remedy="")
        self._start(self._downloads, job, lambda job, control: work(job, network, control))

    def _start(
        self, background: Background, job: LibraryJob, work: Callable[[LibraryJob, JobControl], tuple[str, str]]
    ) -> None:
        """Announce a job and do its work, which returns name and folder of the model, in a thread."""
        running = _Running(threading.Event(), threading.Event())
        self._running[job.key] = running
        newest = Newest(background, self._announce)
        control = JobControl(newest.put, running.cancelled.is_set, running.paused.is_set)

        def checked() -> tuple[str, str]:
            if running.cancelled.is_set():
                raise JobCancelled
            if running.paused.is_set():
                raise JobPaused
            return work(job, control)

        self._announce(job)
        background.run(checked, lambda outcome: self._on_ended(job.key, outcome))

    def _on_ended(self, key: str, outcome: object) -> None:
        """Turn the way a job ended into its state."""
        running, job = self._running.pop(key), self._jobs[key]
        if isinstance(outcome, JobPaused) and not running.cancelled.is_set():
            self._announce(replace(job, state=LibraryJobState.PAUSED, bytes_per_s=0.0, left_s=None))
        elif isinstance(outcome, JobPaused | JobCancelled):
            self._announce(replace(job, state=LibraryJobState.CANCELLED))
            if not key.startswith(IMPORT_PREFIX):
                self.discard_kept(key)
        elif isinstance(outcome, Exception):
            error = as_dictation_error(outcome, job.name)
            failed = replace(job, state=LibraryJobState.FAILED, message=str(error), remedy=error.remedy)
            self._announce(replace(failed, bytes_per_s=0.0, left_s=None))
        elif isinstance(outcome, tuple):
            name, path = outcome
            self._announce(replace(job, state=LibraryJobState.DONE, fraction=1.0, message=name, path=path))
        self.refresh()

    def _announce(self, job: LibraryJob) -> None:
        """Keep a job and tell of it."""
        if job.state in ENDED_JOBS:
            self._jobs.pop(job.key, None)
        elif job.state in HELD_JOBS or job.key in self._running:
            self._jobs[job.key] = job
        else:
            return  # a number that comes after the end
        self.job_changed.emit(job)

    def _on_listing(self, outcome: object) -> None:
        if isinstance(outcome, LibraryListing):
            self.listing_changed.emit(outcome)
        elif isinstance(outcome, Exception):
            self.failed.emit(as_dictation_error(outcome, "The list of models"))

    def _on_changed(self, outcome: object) -> None:
        """Something was deleted, or could not be."""
        if isinstance(outcome, Exception):
            self.failed.emit(as_dictation_error(outcome, "The model"))
        self.refresh()

    def _on_stopped(self) -> None:
        self._still_open -= 1
        if not self._still_open:
            self.stopped.emit()
