"""The documents of the window: the dictation, and one per file, behind tabs that appear with the first file."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout, QStackedWidget, QTabBar, QToolButton, QVBoxLayout, QWidget

from dictation.core.status import FileJob, FileJobState
from dictation.ui.empty_state import EmptyState
from dictation.ui.icons import set_icon
from dictation.ui.transcript_view import TranscriptView

HEADER_PX = 48
TAB_TEXT_PX = 200
"""A longer file name is shortened in the middle; tabs that then do not fit are reached by the arrows beside them."""
MOST_CLOSED = 10
"""Closed documents that can be opened again."""
_HEADER_ACTIONS = ("open", "save", "clear", "copy")


class FileDocument(TranscriptView):
    """The text of one file; it grows with the job and may be edited meanwhile."""

    def __init__(self, job: FileJob, parent: QWidget | None = None) -> None:
        super().__init__(f"Text of {Path(job.path).name}", parent)
        self.job_id = job.job_id
        self.path = job.path
        self.is_ended = self.is_whole = False
        self._taken = 0

    def show_job(self, job: FileJob) -> None:
        """Append what is new in the job's text; say in the empty document how the job stands."""
        fresh = job.text[self._taken :].strip("\n")
        self._taken = len(job.text)
        for line in fresh.split("\n"):
            if line:
                self.append_text(line, new_paragraph=True)
        self.is_ended = job.state in {FileJobState.DONE, FileJobState.FAILED, FileJobState.CANCELLED}
        self.is_whole = job.state is FileJobState.DONE
        self.setPlaceholderText(" ".join(words for words in (job.message, job.remedy) if words) or job.state.value)


class Documents(QWidget):
    """Tab bar, actions and the stack of transcripts.

    Signals:
        current_changed(): Another document is in front.
        close_wanted(int): The cross of a file's document was clicked; the number is its job's.
        document_changed(int): A file's document has another text, or its job has come to an end.
        document_closed(int): It is gone.
    """

    current_changed = Signal()
    close_wanted = Signal(int)
    document_changed = Signal(int)
    document_closed = Signal(int)

    def __init__(self, actions: dict[str, QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.dictation = TranscriptView("Transcript")
        self.empty_state = EmptyState(self.dictation)
        self.tabs = QTabBar(expanding=False, drawBase=False, usesScrollButtons=True)
        self.tabs.setAccessibleName("Documents")
        self.tabs.setElideMode(Qt.TextElideMode.ElideNone)
        self.tabs.addTab("Dictation")
        self.tabs.hide()
        self._stack = QStackedWidget()
        self._stack.addWidget(self.dictation)
        self._closed: list[FileDocument] = []
        self._font_px = 17
        self.buttons = {name: self._button(actions[name]) for name in _HEADER_ACTIONS}
        self.header = self._make_header()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.header)
        column.addWidget(self._stack, 1)
        self.tabs.currentChanged.connect(self._on_tab)

    @property
    def current(self) -> TranscriptView:
        """The document that copy, save and clear act on."""
        widget = self._stack.currentWidget()
        return widget if isinstance(widget, TranscriptView) else self.dictation

    def file_document(self, job_id: int) -> FileDocument | None:
        """The document of a job, if it is open."""
        index = self._index_of(job_id)
        widget = self._stack.widget(index) if index else None
        return widget if isinstance(widget, FileDocument) else None

    def show_job(self, job: FileJob) -> None:
        """Bring a job's document up to date, opening it when it first has text or comes to an end."""
        document = self.file_document(job.job_id)
        if document is None:
            if job.state is not FileJobState.RUNNING and not job.text:
                return
            document = self._open(job)
        was_whole = document.is_whole
        document.show_job(job)
        self._show_close_button(self._index_of(job.job_id), document)
        if document.is_whole and not was_whole:
            self.document_changed.emit(job.job_id)

    def restore(self, job: FileJob, text: str) -> None:
        """Open a document that an earlier run has left, with its text as it was."""
        document = self._open(job)
        document.show_job(job)
        document.restore_text(text)
        self._show_close_button(self._index_of(job.job_id), document)

    def show_document(self, job_id: int) -> None:
        """Bring a job's document to the front."""
        index = self._index_of(job_id)
        if index:
            self.tabs.setCurrentIndex(index)

    def close_document(self, job_id: int) -> None:
        """Close a file's document; ``reopen`` brings it back."""
        index = self._index_of(job_id)
        document = self.file_document(job_id)
        if document is not None:
            self._stack.removeWidget(document)
            self.tabs.removeTab(index)
            self._closed.append(document)
            for forgotten in self._closed[:-MOST_CLOSED]:
                forgotten.deleteLater()
            self._closed = self._closed[-MOST_CLOSED:]
            self.tabs.setVisible(self.tabs.count() > 1)
            self.document_closed.emit(job_id)

    def reopen(self) -> FileDocument | None:
        """Bring the document that was closed last back to the front, with its history of edits."""
        if not self._closed:
            return None
        document = self._closed.pop()
        self._add(document)
        self.show_document(document.job_id)
        self.document_changed.emit(document.job_id)
        return document

    def set_font_px(self, font_px: int) -> None:
        """Set the size of the text in all documents."""
        self._font_px = font_px
        for index in range(self._stack.count()):
            widget = self._stack.widget(index)
            if isinstance(widget, TranscriptView):
                widget.set_font_px(font_px)

    def _open(self, job: FileJob) -> FileDocument:
        """Make a job's document."""
        document = FileDocument(job)
        document.textChanged.connect(lambda: self.document_changed.emit(document.job_id))
        self._add(document)
        return document

    def _add(self, document: FileDocument) -> None:
        """Put a document and its tab behind the others."""
        document.set_font_px(self._font_px)
        self._stack.addWidget(document)
        name = self.tabs.fontMetrics().elidedText(Path(document.path).name, Qt.TextElideMode.ElideMiddle, TAB_TEXT_PX)
        index = self.tabs.addTab(name.replace("&", "&&"))
        self.tabs.setTabToolTip(index, document.path)
        self._show_close_button(index, document)
        self.tabs.show()

    def _show_close_button(self, index: int, document: FileDocument) -> None:
        """Let a document be closed once its job has ended."""
        side = QTabBar.ButtonPosition.RightSide
        if not document.is_ended or self.tabs.tabButton(index, side) is not None:
            return
        button = QToolButton()
        button.setProperty("compact", True)
        button.setIconSize(QSize(12, 12))
        button.setFixedSize(24, 24)
        button.setAccessibleName(f"Close {Path(document.path).name}")
        button.setToolTip("Close this document (Ctrl+W in front); Ctrl+Shift+T brings it back")
        set_icon(button, "close", "muted")
        button.clicked.connect(lambda: self.close_wanted.emit(document.job_id))
        self.tabs.setTabButton(index, side, button)

    def _index_of(self, job_id: int) -> int:
        """Where a job's document is; 0, the dictation, if nowhere."""
        for index in range(1, self._stack.count()):
            widget = self._stack.widget(index)
            if isinstance(widget, FileDocument) and widget.job_id == job_id:
                return index
        return 0

    def _make_header(self) -> QFrame:
        """Tabs at the left, actions at the right."""
        header = QFrame()
        header.setObjectName("documentHeader")
        header.setFixedHeight(HEADER_PX)
        row = QHBoxLayout(header)
        row.setContentsMargins(8, 0, 8, 1)
        row.setSpacing(8)
        row.addWidget(self.tabs, 1)
        row.addStretch()
        for button in self.buttons.values():
            row.addWidget(button)
        return header

    @staticmethod
    def _button(action: QAction) -> QToolButton:
        """A button for one of the table's actions."""
        button = QToolButton()
        button.setDefaultAction(action)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.setIconSize(QSize(16, 16))
        button.setAccessibleName(action.text().replace("&", "").rstrip("…"))
        return button

    def _on_tab(self, index: int) -> None:
        """Show the document of the tab."""
        self._stack.setCurrentIndex(index)
        self.current_changed.emit()
