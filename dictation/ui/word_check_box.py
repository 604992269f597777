"""Say it three times: asks for the word, then for a text without it, and shows what was counted."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from dictation.core.hotwords import split_hint
from dictation.core.word_check import SAYINGS, CheckPhase, WordCheckReport

INTRODUCTION = (
    "Say a word three times, then read a short text that does not contain it. What you say is recognised with the "
    "word on your list and without it. Nothing of it enters your text."
)
_ANY_TEXT = "any text that does not contain the word, for about half a minute"


class WordCheckBox(QFrame):
    """The steps of a check. It counts nothing itself."""

    check_wanted = Signal(str)
    finish_wanted = Signal()
    cancel_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._word = ""
        self._is_running = False
        self.start_button = self._button("Start")
        self.start_button.setAccessibleName("Start the check")
        self.done_button = self._button("I have read it")
        self.cancel_button = self._button("Stop")
        self.cancel_button.setAccessibleName("Stop the check")
        self.heading = QLabel("Say it three times")
        self.heading.setProperty("kind", "section")
        self.instruction, self.reading, self.result = QLabel(), QLabel(), QLabel()
        for label in (self.instruction, self.reading, self.result):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
        self.instruction.setProperty("kind", "muted")
        self.reading.setObjectName("readingText")
        self.start_button.clicked.connect(lambda: self.check_wanted.emit(self._word))
        self.done_button.clicked.connect(self.finish_wanted)
        self.cancel_button.clicked.connect(self.cancel_wanted)
        self._lay_out()
        self.set_word("")

    def set_word(self, word: str) -> None:
        """Take over which word would be checked; a running check goes on with its own."""
        self._word = word
        if not self._is_running:
            self._show_idle()

    def show_report(self, report: WordCheckReport, text_to_read: str) -> None:
        """Show where a check stands; ``text_to_read`` is empty where there is none in the model's language."""
        self._is_running = report.phase is not CheckPhase.DONE
        is_reading = report.phase is CheckPhase.READING
        self.heading.setText(f"Say it three times: {report.phrase}")
        if report.phase is CheckPhase.SAYING:
            turn = len(report.heard) + 1
            self.instruction.setText(f"Say “{report.phrase}” now, then pause ({turn} of {SAYINGS}).")
        elif is_reading:
            self.instruction.setText(f"Now read aloud{':' if text_to_read else f' {_ANY_TEXT}.'}")
        else:
            self.instruction.setText(report.advice)
        self.reading.setText(text_to_read)
        self.reading.setVisible(is_reading and bool(text_to_read))
        self.result.setText("\n".join(_result_lines(report)))
        self.result.setVisible(bool(report.heard) or not self._is_running)
        self._show_buttons(is_reading=is_reading)

    def show_stopped(self, message: str) -> None:
        """A check ended before its end: say why; what was counted stays on show."""
        self._is_running = False
        self.reading.hide()
        self.instruction.setText(message)
        self._show_buttons(is_reading=False)

    @staticmethod
    def _button(words: str) -> QPushButton:
        button = QPushButton(words, autoDefault=False)
        button.setProperty("outlined", True)
        button.setAccessibleName(words)
        return button

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(8)
        for button in (self.start_button, self.done_button, self.cancel_button):
            row.addWidget(button)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        for widget in (self.heading, self.instruction, self.reading, self.result):
            column.addWidget(widget)
        column.addLayout(row)
        column.addStretch(1)

    def _show_idle(self) -> None:
        """Nothing runs: say what a check is."""
        self.heading.setText("Say it three times")
        self.instruction.setText(INTRODUCTION)
        self.reading.hide()
        self.result.hide()
        self._show_buttons(is_reading=False)

    def _show_buttons(self, *, is_reading: bool) -> None:
        had_focus = any(button.hasFocus() for button in (self.start_button, self.done_button, self.cancel_button))
        self.start_button.setVisible(not self._is_running)
        self.start_button.setEnabled(bool(self._word))
        phrase = split_hint(self._word)[0]
        shown = phrase if len(phrase) <= 24 else f"{phrase[:23]}…"  # noqa: PLR2004 - what fits
        self.start_button.setText(f"Check “{shown}”".replace("&", "&&") if self._word else "Select a word to check")
        self.done_button.setVisible(is_reading)
        self.cancel_button.setVisible(self._is_running)
        if had_focus:  # or else a hidden button hands the keyboard to the next control somewhere
            target = self.done_button if is_reading else self.cancel_button if self._is_running else self.start_button
            target.setFocus()


def _result_lines(report: WordCheckReport) -> list[str]:
    """What was understood, and the counts once there are some."""
    lines = [f"{turn}. {text or '(nothing)'}" for turn, text in enumerate(report.heard, start=1)]
    if report.phase is not CheckPhase.SAYING:
        lines += ["", report.hits_text]
    if report.phase is CheckPhase.DONE or report.words_read:
        lines.append(report.false_triggers_text)
    return lines
