"""A field onto which documents are dropped; a button does the same by keyboard."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from dictation.ui.drop_overlay import local_paths

FILTER = "Documents (*.txt *.md *.docx *.odt *.pdf);;All files (*)"


class DocumentDrop(QFrame):
    """Announces the files and folders that were dropped or chosen."""

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("documentDrop")
        self.setAcceptDrops(True)
        words = QLabel("Drop documents or folders here: txt, md, docx, odt, pdf", wordWrap=True)
        words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.files_button = self._button("Choose files…", "Choose documents", self._choose_files)
        self.folder_button = self._button("Choose a folder…", "Choose a folder of documents", self._choose_folder)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addStretch(1)
        row.addWidget(self.files_button)
        row.addWidget(self.folder_button)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addWidget(words)
        column.addLayout(row)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Show that a drop would be taken."""
        if local_paths(event.mimeData()) and self.isEnabled():
            event.acceptProposedAction()
            self._mark(is_target=True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """The files went elsewhere."""
        self._mark(is_target=False)
        super().dragLeaveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Announce what was dropped."""
        self._mark(is_target=False)
        paths = local_paths(event.mimeData())
        if paths:
            event.acceptProposedAction()
            self.chosen.emit(tuple(paths))

    @staticmethod
    def _button(words: str, name: str, slot: object) -> QPushButton:
        button = QPushButton(words, autoDefault=False)
        button.setProperty("outlined", True)
        button.setAccessibleName(name)
        button.clicked.connect(slot)
        return button

    def _choose_files(self) -> None:
        names, _ = QFileDialog.getOpenFileNames(self, "Choose documents", "", FILTER)
        if names:
            self.chosen.emit(tuple(Path(name) for name in names))

    def _choose_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Choose a folder of documents")
        if folder:
            self.chosen.emit((Path(folder),))

    def _mark(self, *, is_target: bool) -> None:
        self.setProperty("target", is_target)
        self.style().unpolish(self)
        self.style().polish(self)
