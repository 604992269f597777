"""Keeps the dictated text on disk while it grows, so that a crash or a power cut costs less than a second of it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PySide6.QtCore import QLockFile, QObject, QTimer, Signal

from dictation.core.errors import DictationError
from dictation.runtime.kept_sounds import KeptSound, digest
from dictation.runtime.settings_file import write_atomically
from dictation.runtime.sound_release import SoundRelease

FILE_NAME = "draft.txt"
SAVE_DELAY_MS = 400
"""After the first change; later ones ride along. With the writing itself, less than a second is ever at risk."""

_log = logging.getLogger(__name__)


class DraftStore(QObject):
    """One text file, written atomically in a thread of its own. Thread: GUI.

    A second program running at the same time neither reads nor writes the draft: it belongs to the first.

    Signals:
        failed(DictationError): The text could not be kept; told once until it works again.
    """

    failed = Signal(object)

    def __init__(
        self, folder: Path, read_text: Callable[[], str], release: SoundRelease | None = None,
        parent: QObject | None = None,
    ) -> None:  # fmt: skip
        """Remember where to keep the draft, and how to ask for the text (called in the GUI thread).

        Args:
            folder: Where the file lies.
            read_text: Gives the text.
            release: What to tell of each writing, so that the sound of the words may go.
            parent: Qt parent.
        """
        super().__init__(parent)
        self._path = folder / FILE_NAME
        self._read_text = read_text
        self._release = release
        self.found_digest = digest(b"")
        """Names the text that ``load`` has found."""
        self._lock = QLockFile(str(folder / f"{FILE_NAME}.lock"))
        self._lock.setStaleLockTime(0)  # a lock is stale when its program is gone, however old it is
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="draft")
        self._is_ours = self._has_failed = False
        self._timer = QTimer(self, singleShot=True, interval=SAVE_DELAY_MS)
        self._timer.timeout.connect(self._save)

    @property
    def is_ours(self) -> bool:
        """Whether the draft belongs to this program; known after ``load``."""
        return self._is_ours

    def load(self) -> str:
        """Return what the last run left, and claim the draft; empty if another program holds it."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._is_ours = self._lock.tryLock(0)
            data = self._path.read_bytes() if self._is_ours else b""
        except FileNotFoundError:
            return ""
        except OSError as error:
            _log.warning("draft not read: %s", type(error).__name__)
            return ""
        self.found_digest = digest(data)
        # "replace": what a bad disk left legible is kept, since the next change overwrites the file.
        return data.decode("utf-8", errors="replace")

    def note_change(self) -> None:
        """The text has changed: write it soon."""
        if self._is_ours and not self._timer.isActive():
            self._timer.start()

    def close(self) -> None:
        """Write what is not written yet, wait for it, and give the draft free."""
        if self._timer.isActive():
            self._timer.stop()
            self._save()
        self._writer.shutdown(wait=True)
        self._lock.unlock()

    def _save(self) -> None:
        sounds = [] if self._release is None else self._release.take_waiting()
        self._writer.submit(self._write, self._read_text().encode(), sounds)

    def _write(self, data: bytes, sounds: list[KeptSound]) -> None:
        """Thread: the writer's; the signal reaches the GUI queued."""
        try:
            if self._release is not None:
                self._release.before_writing(data, sounds)
            write_atomically(self._path, data)
        except OSError as error:
            if self._release is not None:
                self._release.put_back(sounds)
            if not self._has_failed:
                self._has_failed = True
                remedy = "Save the text elsewhere with Ctrl+S, or free space on the disk."
                self.failed.emit(DictationError(f"The text is not being kept safe: {error.strerror}.", remedy))
        else:
            self._has_failed = False
            if self._release is not None:
                self._release.after_writing(sounds)
