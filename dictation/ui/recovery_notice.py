"""Says what became of the speech of a run that ended too soon, and offers what can be done with it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from dictation.core.recovery import RecoveryState, RecoveryStatus
from dictation.ui import icons
from dictation.ui.recovered_text import time_words
from dictation.ui.theme import colour, current_tokens

_LOOKS = {
    RecoveryState.RUNNING: ("clock", "accent"),
    RecoveryState.DONE: ("check", "good"),
    RecoveryState.KEPT: ("warning", "warning"),
}


def notice_words(status: RecoveryStatus) -> tuple[str, str]:
    """Title and explanation of a status."""
    speech = f"{status.length_s:.1f} s of speech, spoken {time_words(status.said_at_s)}"
    if status.state is RecoveryState.RUNNING:
        return f"Recovering {speech}…", "The program ended before it became text. Go on with your work meanwhile."
    if status.state is RecoveryState.DONE and status.word_count:
        words = "1 word stands" if status.word_count == 1 else f"{status.word_count} words stand"
        return f"Recovered: {speech}.", f"The program had ended before it became text. {words} in the text now, marked."
    if status.state is RecoveryState.DONE:
        return f"No words were found in {speech}.", "The program had ended before it was recognised."
    why = " ".join(words for words in (status.message, status.remedy) if words)
    return f"Not yet text: {speech}.", f"{why} The sound is kept in {status.folder}."


class RecoveryNotice(QFrame):
    """Above the text; hidden while there is nothing to tell."""

    retry_wanted = Signal()
    export_wanted = Signal()
    discard_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("recoveryNotice")
        self._state = RecoveryState.RUNNING
        self._symbol = QLabel()
        self._symbol.setFixedSize(24, 24)
        self.title, self.details = QLabel(wordWrap=True), QLabel(wordWrap=True)
        self.title.setProperty("kind", "title")
        for label in (self.title, self.details):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        self.retry_button = self._button("Try again", "Recognise the kept speech now")
        self.export_button = self._button("Save as WAV…", "Save the kept speech as files that any player opens")
        self.discard_button = self._button("Delete", "Delete the kept speech without recognising it")
        self.retry_button.clicked.connect(self.retry_wanted)
        self.export_button.clicked.connect(self.export_wanted)
        self.discard_button.clicked.connect(self._on_discard)
        self.dismiss_button = QToolButton()
        self.dismiss_button.setProperty("compact", True)
        self.dismiss_button.setAccessibleName("Dismiss the notice")
        self.dismiss_button.setToolTip("Dismiss; what is kept stays, and the next start tells of it again")
        icons.set_icon(self.dismiss_button, "close")
        self.dismiss_button.clicked.connect(self.hide)
        self._lay_out()
        self.hide()

    def show_status(self, status: RecoveryStatus) -> None:
        """Show what became of it; buttons appear where there is something to decide."""
        self._state = status.state
        title, details = notice_words(status)
        self.title.setText(title)
        self.details.setText(details)
        self.setAccessibleName(f"{title} {details}")
        self.discard_button.setText("Delete")
        for button in (self.retry_button, self.export_button, self.discard_button):
            button.setVisible(status.state is RecoveryState.KEPT)
        self._draw_symbol()
        self.show()

    def changeEvent(self, event: QEvent) -> None:
        """Redraw the symbol in the new colours."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_symbol"):
            self._draw_symbol()

    def _on_discard(self) -> None:
        """Ask once more in place: nothing brings deleted sound back."""
        if self.discard_button.text() == "Delete":
            self.discard_button.setText("Really delete?")
        else:
            self.discard_wanted.emit()
            self.hide()

    def _draw_symbol(self) -> None:
        icon, role = _LOOKS[self._state]
        tint = colour(current_tokens(), role).name()
        self._symbol.setPixmap(icons.pixmap(icon, tint, 24, self.devicePixelRatioF()))

    def _lay_out(self) -> None:
        """Symbol, words with the buttons below them, and the cross."""
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for button in (self.retry_button, self.export_button, self.discard_button):
            buttons.addWidget(button)
        buttons.addStretch(1)
        words = QVBoxLayout()
        words.setSpacing(4)
        words.addWidget(self.title)
        words.addWidget(self.details)
        words.addLayout(buttons)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 8, 8, 8)
        row.setSpacing(16)
        row.addWidget(self._symbol, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        row.addWidget(self.dismiss_button, 0, Qt.AlignmentFlag.AlignTop)

    @staticmethod
    def _button(words: str, tip: str) -> QPushButton:
        button = QPushButton(words)
        button.setProperty("outlined", True)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        return button
