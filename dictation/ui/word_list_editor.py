"""The editor of the hotword list: type, paste, correct, remove, and take any of it back."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QToolButton,
    QWidget,
)

from dictation.core.hotwords import HotwordList, phrases_of
from dictation.ui.icons import set_icon


class _PhraseEntry(QLineEdit):
    """A line for one phrase; several pasted lines are several phrases and go to the list at once."""

    lines_pasted = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Pass pasted lines on; Qt would join them to one."""
        is_paste = event.matches(QKeySequence.StandardKey.Paste)
        if is_paste and len(phrases_of(QGuiApplication.clipboard().text())) > 1:
            self.lines_pasted.emit()
        else:
            super().keyPressEvent(event)


class _PhraseList(QListWidget):
    """The list; keys remove, paste and undo."""

    remove_wanted = Signal()
    paste_wanted = Signal()
    undo_wanted = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Del, Ctrl+V and Ctrl+Z; F2 is Qt's own key to edit."""
        if event.key() in {Qt.Key.Key_Delete, Qt.Key.Key_Backspace}:
            self.remove_wanted.emit()
        elif event.matches(QKeySequence.StandardKey.Paste):
            self.paste_wanted.emit()
        elif event.matches(QKeySequence.StandardKey.Undo):
            self.undo_wanted.emit()
        else:
            super().keyPressEvent(event)


class WordListEditor(QWidget):
    """Entry line above, list in the middle, buttons and a remark below."""

    words_changed = Signal(object)
    current_changed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words = HotwordList()
        self.entry = _PhraseEntry(placeholderText="A name or term to listen for")
        self.entry.setAccessibleName("New word or phrase")
        self.entry.setToolTip("Models with a pronunciation lexicon also take how it sounds: Quandt = kwant")
        self.add_button = QPushButton("Add", autoDefault=False)
        self.add_button.setProperty("outlined", True)
        self.add_button.setAccessibleName("Add the word")
        self.list = _PhraseList()
        self.list.setAccessibleName("Your words")
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.edit_button = self._button("edit", "Correct the selected word", "F2")
        self.remove_button = self._button("clear", "Remove the selected words", "Del")
        self.paste_button = self._button("paste", "Paste words, one per line", "Ctrl+V in the list")
        self.undo_button = self._button("undo", "Take back the last change of the list", "Ctrl+Z in the list")
        self.remark = QLabel()
        self.remark.setProperty("kind", "muted")
        self._lay_out()
        self._connect()
        self._show()

    @property
    def words(self) -> tuple[str, ...]:
        """The list as it stands."""
        return self._words.words

    @property
    def current_word(self) -> str:
        """The phrase under the cursor, or an empty text."""
        row = self.list.currentRow()
        return self.words[row] if 0 <= row < len(self.words) else ""

    def set_words(self, words: tuple[str, ...]) -> None:
        """Show a list that was changed elsewhere; it begins a new history."""
        if words != self._words.words:
            self._words = HotwordList(words)
            self._show()

    def _connect(self) -> None:
        self.entry.returnPressed.connect(self._on_add)
        self.entry.lines_pasted.connect(self._on_paste)
        self.add_button.clicked.connect(self._on_add)
        self.list.remove_wanted.connect(self._on_remove)
        self.list.paste_wanted.connect(self._on_paste)
        self.list.undo_wanted.connect(self._on_undo)
        self.list.itemChanged.connect(self._on_edited)
        self.list.currentRowChanged.connect(lambda _row: self._on_current())
        self.edit_button.clicked.connect(lambda: self.list.editItem(self.list.currentItem()))
        self.remove_button.clicked.connect(self._on_remove)
        self.paste_button.clicked.connect(self._on_paste)
        self.undo_button.clicked.connect(self._on_undo)

    def _lay_out(self) -> None:
        grid = QGridLayout(self, horizontalSpacing=8, verticalSpacing=8)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(0, 1)
        grid.addWidget(self.entry, 0, 0)
        grid.addWidget(self.add_button, 0, 1)
        grid.addWidget(self.list, 1, 0, 1, 2)
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.remark, 1)
        for button in (self.edit_button, self.remove_button, self.paste_button, self.undo_button):
            row.addWidget(button)
        grid.addLayout(row, 2, 0, 1, 2)

    @staticmethod
    def _button(icon: str, words: str, keys: str) -> QToolButton:
        button = QToolButton()
        button.setProperty("compact", True)
        button.setIconSize(QSize(16, 16))
        button.setFixedSize(32, 32)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.setAccessibleName(words)
        button.setToolTip(f"{words} ({keys})")
        set_icon(button, icon)
        return button

    def _on_add(self) -> None:
        """Add what is in the entry line."""
        phrases = phrases_of(self.entry.text())
        if phrases and not self._words.add(phrases):
            self.remark.setText(f"{phrases[0]} is in the list already")
            return
        self.entry.clear()
        self._announce()
        self.list.setCurrentRow(len(self.words) - 1)

    def _on_paste(self) -> None:
        """Add the clipboard's lines."""
        phrases = phrases_of(QGuiApplication.clipboard().text())
        count = self._words.add(phrases)
        self._announce()
        known = len(phrases) - count
        self.remark.setText(f"{count} added" + (f", {known} known already" if known else ""))

    def _on_remove(self) -> None:
        """Remove the selected phrases; the cursor stays at the place."""
        row = self.list.currentRow()
        if self._words.remove(index.row() for index in self.list.selectedIndexes()):
            self._announce()
            self.list.setCurrentRow(min(row, len(self.words) - 1), QItemSelectionModel.SelectionFlag.ClearAndSelect)

    def _on_undo(self) -> None:
        """Take back the last change."""
        if self._words.undo():
            self._announce()

    def _on_edited(self, item: QListWidgetItem) -> None:
        """Take over a corrected phrase, or return to the old one."""
        row = self.list.row(item)
        if self._words.edit(row, item.text()):
            self._announce()
            self.list.setCurrentRow(row)
        else:
            self._show()

    def _announce(self) -> None:
        self._show()
        self.words_changed.emit(self.words)

    def _show(self) -> None:
        """Write the list anew, without announcing anything but another current word."""
        row = self.list.currentRow()
        self.list.blockSignals(True)
        self.list.clear()
        for word in self.words:
            item = QListWidgetItem(word)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
            self.list.addItem(item)
        self.list.setCurrentRow(min(row, len(self.words) - 1))
        self.list.blockSignals(False)
        count = len(self.words)
        self.remark.setText(f"{count} word or phrase" if count == 1 else f"{count} words and phrases")
        self.undo_button.setEnabled(self._words.can_undo)
        self._on_current()

    def _on_current(self) -> None:
        for button in (self.edit_button, self.remove_button):
            button.setEnabled(bool(self.current_word))
        self.current_changed.emit(self.current_word)
