"""A transcript: an ordinary editable document in which each utterance is one undo step."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QMimeData, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFontMetricsF,
    QInputMethodEvent,
    QMouseEvent,
    QResizeEvent,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
)
from PySide6.QtWidgets import QFrame, QPushButton, QTextEdit, QWidget

from dictation.core.records import Gap
from dictation.ui.icons import set_icon
from dictation.ui.tentative_text import TentativeText
from dictation.ui.text_marks import GAP, restore_marks
from dictation.ui.theme import current_tokens

LINE_CHARACTERS = 70
"""The mean; the longest lines of English come to about 77 then."""
LINE_HEIGHT_PERCENT = 150
_SAMPLE = "the quick brown fox jumps over the lazy dog and reads the morning paper at home"
_MARGIN_PX = 24
_BOTTOM_SLACK_PX = 4


class TranscriptView(QTextEdit):
    """Committed text, the tentative text after it, and a reader who is never scrolled away from their place."""

    emptiness_changed = Signal(bool)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setAccessibleDescription("Recognised text; it can be edited")
        self.setAcceptRichText(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTabChangesFocus(True)
        self.setAcceptDrops(False)
        self.viewport().setAcceptDrops(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._was_empty = True
        self._follows = True
        self._tentative = TentativeText(self.document())
        self._jump = self._make_jump_button()
        self._prepare_document()
        self._take_inks()
        bar = self.verticalScrollBar()
        bar.rangeChanged.connect(self._on_range_changed)
        bar.valueChanged.connect(self._on_scrolled)
        self.textChanged.connect(self._tell_emptiness)

    @property
    def is_empty(self) -> bool:
        """Whether there is neither text nor tentative text."""
        return self.document().isEmpty() and not self.tentative_text

    @property
    def tentative_text(self) -> str:
        """What is shown after the end of the document."""
        return self._tentative.stable + self._tentative.tail

    @property
    def jump_button(self) -> QPushButton:
        """Shown while the newest text is out of sight."""
        return self._jump

    def append_text(self, text: str, *, new_paragraph: bool = False) -> None:
        """Add an utterance at the end as one undo step, set off by a space or a new paragraph."""
        self._append(lambda cursor: cursor.insertText(text, QTextCharFormat()), new_paragraph=new_paragraph)

    def restore_text(self, text: str) -> None:
        """Show what an earlier run has left; Undo does not take it away."""
        self.document().setUndoRedoEnabled(False)
        for paragraph in text.splitlines():
            self.append_text(paragraph, new_paragraph=True)
            restore_marks(self.document().lastBlock())
        self.document().setUndoRedoEnabled(True)

    def append_gap(self, gap: Gap) -> None:
        """Add the visible mark of lost audio."""
        self._append(lambda cursor: GAP.insert(cursor, gap.text), new_paragraph=False)

    def show_tentative(self, stable: str, tail: str) -> None:
        """Show the open utterance after the end of the document, outside it."""
        self._tentative.show(stable, tail)
        self._tell_emptiness()

    def clear_text(self) -> None:
        """Remove all text, as one undo step."""
        cursor = QTextCursor(self.document())
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.removeSelectedText()

    def chosen_text(self) -> str:
        """The selected text, or all of it if nothing is selected."""
        cursor = self.textCursor()
        return cursor.selection().toPlainText() if cursor.hasSelection() else self.toPlainText()

    def set_font_px(self, font_px: int) -> None:
        """Set the size of the text."""
        font = self.font()
        font.setPixelSize(font_px)
        self.setFont(font)
        self.viewport().setFont(font)  # paints the placeholder
        self._limit_line_length()

    def jump_to_newest(self) -> None:
        """Scroll to the end and follow it again."""
        bar = self.verticalScrollBar()
        bar.setValue(bar.maximum())
        self._follows = True
        self._jump.hide()

    def event(self, event: QEvent) -> bool:
        """Set the margins before the frame lays out its inside, which then wraps the text once and rightly."""
        if event.type() == QEvent.Type.Resize:
            self._limit_line_length()
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the button in its place."""
        super().resizeEvent(event)
        self._place_jump_button()

    def changeEvent(self, event: QEvent) -> None:
        """Take over the new colours."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_tentative"):
            self._take_inks()

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        """Let a real input method have the area in which tentative text is shown."""
        self._tentative.set_suspended(bool(event.preeditString()))
        super().inputMethodEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Put the tentative text back, which Qt removes as if it were an input method's."""
        super().mousePressEvent(event)
        self._tentative.refresh()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Likewise after a selection was drawn."""
        super().mouseReleaseEvent(event)
        self._tentative.refresh()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Likewise when the keyboard goes elsewhere."""
        super().focusOutEvent(event)
        self._tentative.refresh()

    def insertFromMimeData(self, source: QMimeData) -> None:
        """Paste text only; files are dropped on the window, never into the text."""
        if not source.hasUrls():
            super().insertFromMimeData(source)

    def _append(self, insert: Callable[[QTextCursor], None], *, new_paragraph: bool) -> None:
        """Insert at the end in one edit block, leaving the user's selection as it is."""
        own = self.textCursor()
        anchor, position = own.anchor(), own.position()
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.beginEditBlock()
        if new_paragraph and not self.document().isEmpty():
            cursor.insertBlock()
        elif not cursor.atBlockStart() and not cursor.block().text()[-1].isspace():
            cursor.insertText(" ", QTextCharFormat())
        insert(cursor)
        # Without a last command of another kind, Qt would merge the insertion with typing right behind it
        # (QTextDocumentPrivate::appendUndoItem), and one Undo would take both. This one changes nothing.
        cursor.mergeBlockFormat(QTextBlockFormat())
        cursor.endEditBlock()
        if own.hasSelection():
            own.setPosition(anchor)
            own.setPosition(position, QTextCursor.MoveMode.KeepAnchor)
            self.setTextCursor(own)

    def _prepare_document(self) -> None:
        """Give the document its leading and margin, before undo begins to count."""
        document = self.document()
        document.setUndoRedoEnabled(False)
        document.setDocumentMargin(_MARGIN_PX)
        spacing = QTextBlockFormat()
        spacing.setLineHeight(LINE_HEIGHT_PERCENT, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        spacing.setBottomMargin(8)
        QTextCursor(document).setBlockFormat(spacing)
        document.setUndoRedoEnabled(True)

    def _take_inks(self) -> None:
        """Use the colour scheme's text colours for the tentative text."""
        tokens = current_tokens()
        self._tentative.set_inks(QColor(tokens.text), QColor(tokens.muted))

    def _limit_line_length(self) -> None:
        """Keep lines to about 75 characters by equal margins at both sides."""
        per_character = QFontMetricsF(self.font()).horizontalAdvance(_SAMPLE) / len(_SAMPLE)
        column = round(per_character * LINE_CHARACTERS) + 2 * _MARGIN_PX
        side = max(0, (self.width() - column) // 2)
        if self.viewportMargins().left() != side:
            self.setViewportMargins(side, 0, side, 0)

    def _make_jump_button(self) -> QPushButton:
        """The button that leads back to the newest text."""
        button = QPushButton("Newest", self)
        button.setObjectName("jumpButton")
        button.setAccessibleName("Jump to the newest text")
        button.setToolTip("Scroll to the newest text")
        button.setIconSize(QSize(16, 16))
        button.setCursor(Qt.CursorShape.PointingHandCursor)
        set_icon(button, "arrow-down", "on_accent")
        button.clicked.connect(self.jump_to_newest)
        button.hide()
        return button

    def _place_jump_button(self) -> None:
        """Keep the button in the middle of the lower edge."""
        self._jump.adjustSize()
        self._jump.move((self.width() - self._jump.width()) // 2, self.height() - self._jump.height() - 16)

    def _on_range_changed(self, _low: int, high: int) -> None:
        """Follow the text if its end was in sight, otherwise offer to go there."""
        if self._follows:
            self.verticalScrollBar().setValue(high)
        self._show_jump_button()

    def _on_scrolled(self, value: int) -> None:
        """Note whether the end is in sight."""
        self._follows = value >= self.verticalScrollBar().maximum() - _BOTTOM_SLACK_PX
        self._show_jump_button()

    def _show_jump_button(self) -> None:
        """Show the button only while it leads somewhere."""
        self._place_jump_button()
        self._jump.setVisible(not self._follows)

    def _tell_emptiness(self) -> None:
        """Announce when the transcript becomes empty or stops being so."""
        if self.is_empty != self._was_empty:
            self._was_empty = self.is_empty
            self.emptiness_changed.emit(self._was_empty)
