"""Connects the documents of files with the store that keeps their texts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from dictation.core.status import FileJob, FileJobState
from dictation.runtime.document_store import DocumentStore, KeptDocument

if TYPE_CHECKING:
    from dictation.ui.main_window import MainWindow

PART_WORDS = "only a part of this file is in its text; open the file again to have all of it"


class DocumentsLink(QObject):
    """Brings the texts of the last run back, and has every change of the open ones kept."""

    def __init__(self, window: MainWindow, folder: Path) -> None:
        super().__init__(window)
        self._documents = window.documents
        self.store = DocumentStore(folder, self._read, self)
        for number, kept in self.store.load():
            state = FileJobState.DONE if kept.is_whole else FileJobState.CANCELLED
            job = FileJob(number, kept.path, state, 1.0, message="" if kept.is_whole else PART_WORDS)
            self._documents.restore(job, kept.text)
            if not kept.is_whole:
                window.file_jobs.show_job(job)
        self._documents.document_changed.connect(self.store.note_change)
        self._documents.document_closed.connect(self.store.forget)
        self.store.failed.connect(lambda error: window.banner.tell(str(error), error.remedy))

    def _read(self, number: int) -> KeptDocument | None:
        document = self._documents.file_document(number)
        if document is None:
            return None
        return KeptDocument(str(document.path), document.toPlainText(), document.is_whole)
