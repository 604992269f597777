"""Personal language models behind their window: built, listed and removed in a thread of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QObject, Signal

from dictation.core.personal import BuildProgress, PersonalModelChoice, PersonalModelReport
from dictation.runtime.background import Background, Newest, as_dictation_error


class BuildStopped(Exception):
    """A backend broke off because it was asked to; nothing is left."""


class PersonalBackend(Protocol):
    """What the library needs from the disk; every call may take long and raise ``DictationError``."""

    def list_models(self) -> tuple[PersonalModelChoice, ...]:
        """List what is installed."""

    def build(
        self,
        paths: tuple[Path, ...],
        name: str,
        model_path: str,
        progress: Callable[[BuildProgress], None],
        is_cancelled: Callable[[], bool],
    ) -> PersonalModelReport:
        """Build and install a personal model for a recognition model; may raise ``BuildStopped``."""

    def remove(self, name: str) -> None:
        """Delete an installed model."""


class PersonalLibrary(QObject):
    """One build at a time, and the list. Thread: the GUI's; no call here waits.

    Signals:
        listing_changed(tuple of PersonalModelChoice): What is installed.
        progress_changed(BuildProgress): How far the build is.
        built(PersonalModelReport): The build is done and the model installed.
        build_failed(DictationError, or None when it was cancelled): The build ended without a model.
        failed(DictationError): Listing or removing went wrong.
        stopped: After ``close``.
    """

    listing_changed = Signal(object)
    progress_changed = Signal(object)
    built = Signal(object)
    build_failed = Signal(object)
    failed = Signal(object)
    stopped = Signal()

    def __init__(
        self, backend: PersonalBackend, read_model_path: Callable[[], str], parent: QObject | None = None
    ) -> None:
        """Make an idle library; ``read_model_path`` gives the recognition model in use, asked in the GUI thread."""
        super().__init__(parent)
        self._backend = backend
        self._read_model_path = read_model_path
        self._cancelled = threading.Event()
        self._is_building = False
        self._background = Background("personal-models", 1, self)
        self._background.stopped.connect(self.stopped)

    @property
    def is_building(self) -> bool:
        """Whether a build is under way."""
        return self._is_building

    def refresh(self) -> None:
        """Read the list anew, then emit ``listing_changed``."""
        self._background.run(self._backend.list_models, self._on_listing)

    def build(self, paths: tuple[Path, ...], name: str) -> None:
        """Build a model from documents and folders of documents; ignored while another build runs."""
        if self._is_building:
            return
        self._is_building = True
        cancelled = self._cancelled = threading.Event()
        model_path = self._read_model_path()
        newest: Newest[BuildProgress] = Newest(self._background, self.progress_changed.emit)
        self._background.run(
            lambda: self._backend.build(paths, name, model_path, newest.put, cancelled.is_set), self._on_build_ended
        )

    def cancel(self) -> None:
        """Break the build off; nothing of it is left."""
        self._cancelled.set()

    def remove(self, name: str) -> None:
        """Delete an installed model, then list anew."""
        self._background.run(lambda: self._backend.remove(name), self._on_removed)

    def close(self) -> None:
        """Cancel and end the thread; ``stopped`` follows."""
        self.cancel()
        self._background.close()

    def _on_build_ended(self, outcome: object) -> None:
        self._is_building = False
        if isinstance(outcome, PersonalModelReport):
            self.built.emit(outcome)
        elif isinstance(outcome, BuildStopped):
            self.build_failed.emit(None)
        elif isinstance(outcome, Exception):
            self.build_failed.emit(as_dictation_error(outcome, "Personal language model"))
        self.refresh()

    def _on_listing(self, outcome: object) -> None:
        if isinstance(outcome, tuple):
            self.listing_changed.emit(outcome)
        elif isinstance(outcome, Exception):
            self.failed.emit(as_dictation_error(outcome, "Personal language model"))

    def _on_removed(self, outcome: object) -> None:
        if isinstance(outcome, Exception):
            self.failed.emit(as_dictation_error(outcome, "Personal language model"))
        self.refresh()
