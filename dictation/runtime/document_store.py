"""Keeps the texts of files on the disk while they grow and are edited, until their documents are closed."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from dictation.core.errors import DictationError
from dictation.runtime.settings_file import write_atomically

FOLDER_NAME = "documents"
SAVE_DELAY_MS = 400
"""As for the dictation: with the writing itself, less than a second is ever at risk."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class KeptDocument:
    """The text of one file: the file's path, its text as edited, and whether all of the file is in it."""

    path: str
    text: str
    is_whole: bool


class DocumentStore(QObject):
    """One JSON file for each document, written atomically in a thread of its own. Thread: GUI.

    Made only by the program that holds the draft (``DraftStore.is_ours``), so that two never write the same.

    Signals:
        failed(DictationError): A text could not be kept; told once until it works again.
    """

    failed = Signal(object)

    def __init__(self, folder: Path, read: Callable[[int], KeptDocument | None], parent: QObject | None = None) -> None:
        """Remember where to keep texts, and how to ask for one by its document's number (in the GUI thread)."""
        super().__init__(parent)
        self._folder = folder
        self._read = read
        self._paths: dict[int, Path] = {}
        self._changed: set[int] = set()
        self._has_failed = False
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="documents")
        self._timer = QTimer(self, singleShot=True, interval=SAVE_DELAY_MS)
        self._timer.timeout.connect(self._save)

    def load(self) -> list[tuple[int, KeptDocument]]:
        """Return what the last run left, oldest first, with a negative number for each; never raises."""
        found: list[tuple[int, KeptDocument]] = []
        for path in sorted(self._folder.glob("*.json")):
            try:
                fields = json.loads(path.read_bytes())
                document = KeptDocument(str(fields["path"]), str(fields["text"]), bool(fields["is_whole"]))
            except (OSError, ValueError, KeyError, TypeError) as error:
                _log.warning("kept text not read: %s", type(error).__name__)
                continue
            number = -1 - len(found)
            self._paths[number] = path
            found.append((number, document))
        return found

    def note_change(self, number: int) -> None:
        """A document's text has changed: write it soon."""
        self._changed.add(number)
        if not self._timer.isActive():
            self._timer.start()

    def forget(self, number: int) -> None:
        """A document was closed: its text is not wanted any more."""
        self._changed.discard(number)
        path = self._paths.pop(number, None)
        if path is not None:
            self._writer.submit(_remove, path)

    def close(self) -> None:
        """Write what is not written yet, and wait for it."""
        self._timer.stop()
        self._save()
        self._writer.shutdown(wait=True)

    def _save(self) -> None:
        numbers, self._changed = sorted(self._changed), set()
        for number in numbers:
            document = self._read(number)
            if document is None or not document.text:
                self.forget(number)
                continue
            path = self._paths.setdefault(number, self._folder / f"{time.time_ns()}.json")
            self._writer.submit(self._write, path, document)

    def _write(self, path: Path, document: KeptDocument) -> None:
        """Thread: the writer's; the signal reaches the GUI queued."""
        try:
            write_atomically(path, json.dumps(asdict(document)).encode())
        except OSError as error:
            if not self._has_failed:
                self._has_failed = True
                remedy = "Save the text elsewhere with Ctrl+S, or free space on the disk."
                self.failed.emit(DictationError(f"A file's text is not being kept safe: {error.strerror}.", remedy))
        else:
            self._has_failed = False


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)
