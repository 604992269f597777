"""Keeps the dictated text on disk while it grows, so that a crash or a power cut costs less than a second of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QLockFile, QObject, QTimer, Signal

from dictation.core.errors import DictationError
from dictation.runtime.kept_sounds import KeptSound, digest
from dictation.runtime.settings_file import write_atomically
from dictation.runtime.sound_release import SoundRelease

FILE_NAME = "draft.txt"
SAVE_DELAY_MS = 400
"""After the first change; later ones ride along. With the writing itself, less than a second is ever at risk."""

_REMEDY = "Save the text elsewhere with Ctrl+S, or free space on the disk."


class DraftStore(QObject):
    """One text file, written atomically in a thread of its own. Thread: GUI.

    A second program running at the same time neither reads nor writes the draft: it belongs to the first.

    Signals:
        failed(DictationError): The text could not be kept (told once until it works again), the last run's could not be
            read, or the draft belongs to another program.
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
        """Return what the last run left, and claim the draft; empty, and ``failed`` says so, if that cannot be done."""
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
        self._is_ours = self._lock.tryLock(0)
        if not self._is_ours:
            self._tell_not_ours()
            return ""
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return ""
        except OSError as error:
            self._set_aside(error)
            return ""
        self.found_digest = digest(data)
        # "replace": what a bad disk left legible is kept, since the next change overwrites the file.
        return data.decode("utf-8", errors="replace")

    def _tell_not_ours(self) -> None:
        """The window works all the same, and its user knows what a crash would cost."""
        if self._lock.error() == QLockFile.LockError.LockFailedError:
            why = "another window of this program is open"
            remedy = "Save this text with Ctrl+S, or go on in the other window."
        else:
            why, remedy = f"{self._path.parent} cannot be written", _REMEDY
        self.failed.emit(DictationError(f"The text of this window is not being kept safe: {why}.", remedy))

    def _set_aside(self, error: OSError) -> None:
        """Give a draft that cannot be read another name, so that the new text does not overwrite it."""
        aside = self._path.with_name(f"draft-{time.strftime('%Y%m%dT%H%M%S')}.txt")
        try:
            self._path.rename(aside)
        except OSError:
            self._is_ours = False
            where, remedy = f"{self._path}, and that of this window is not being kept safe", _REMEDY
        else:
            where = f"{aside}"
            remedy = "Open that file with another program; what you dictate now is kept as usual."
        message = f"The text of the last run cannot be read ({error.strerror}). It lies in {where}."
        self.failed.emit(DictationError(message, remedy))

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
                self.failed.emit(DictationError(f"The text is not being kept safe: {error.strerror}.", _REMEDY))
        else:
            self._has_failed = False
            if self._release is not None:
                self._release.after_writing(sounds)
