"""Says what became of the speech of a run that ended too soon, and offers what can be done with it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from dictation.core.recovery import RecoveryState, RecoveryStatus
from dictation.ui.notice_frame import NoticeFrame
from dictation.ui.recovered_text import time_words

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


class RecoveryNotice(NoticeFrame):
    """Above the text; hidden while there is nothing to tell."""

    retry_wanted = Signal()
    export_wanted = Signal()
    discard_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("recoveryNotice", parent)
        self.retry_button = self._button("Try again", "Recognise the kept speech now")
        self.export_button = self._button("Save as WAV…", "Save the kept speech as files that any player opens")
        self.discard_button = self._button("Delete", "Delete the kept speech without recognising it")
        self.retry_button.clicked.connect(self.retry_wanted)
        self.export_button.clicked.connect(self.export_wanted)
        self.discard_button.clicked.connect(self._on_discard)
        self.dismiss_button.setAccessibleName("Dismiss the notice")
        self.dismiss_button.setToolTip("Dismiss; what is kept stays, and the next start tells of it again")
        self.dismiss_button.clicked.connect(self.hide)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for button in (self.retry_button, self.export_button, self.discard_button):
            buttons.addWidget(button)
        buttons.addStretch(1)
        self.words.addLayout(buttons)

    def show_status(self, status: RecoveryStatus) -> None:
        """Show what became of it; buttons appear where there is something to decide."""
        self.say(*notice_words(status), _LOOKS[status.state])
        self.discard_button.setText("Delete")
        for button in (self.retry_button, self.export_button, self.discard_button):
            button.setVisible(status.state is RecoveryState.KEPT)
        self.show()

    def _on_discard(self) -> None:
        """Ask once more in place: nothing brings deleted sound back."""
        if self.discard_button.text() == "Delete":
            self.discard_button.setText("Really delete?")
        else:
            self.discard_wanted.emit()
            self.hide()

    @staticmethod
    def _button(words: str, tip: str) -> QPushButton:
        button = QPushButton(words)
        button.setProperty("outlined", True)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        return button
