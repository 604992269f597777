"""Your words: the hotword list, its weight and the check. It may stay open while dictating."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from dictation.core.settings import RecognizerSettings
from dictation.ui.setting_slider import SettingSlider
from dictation.ui.word_check_box import WordCheckBox
from dictation.ui.word_list_editor import WordListEditor

FIRST_SIZE_PX = (760, 520)
_WEIGHT = RecognizerSettings.__dataclass_fields__["hotword_weight"]
INTRODUCTION = "Names and terms the program should listen for. A change counts from the next thing you say."


class WordsWindow(QDialog):
    """Shows and announces; it knows neither session nor settings file."""

    words_changed = Signal(object)
    weight_changed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Your words")
        self.setModal(False)
        self.editor = WordListEditor()
        self.weight = SettingSlider(_WEIGHT)
        self.check = WordCheckBox()
        self.editor.words_changed.connect(self.words_changed)
        self.editor.current_changed.connect(self.check.set_word)
        self.weight.value_changed.connect(lambda _name, value: self.weight_changed.emit(value))
        self._lay_out()
        self.resize(*FIRST_SIZE_PX)
        self.editor.entry.setFocus()

    def set_recognizer(self, settings: RecognizerSettings) -> None:
        """Show words and weight that were changed elsewhere."""
        self.editor.set_words(settings.hotwords)
        self.weight.set_value(settings.hotword_weight)

    def open_in_front(self) -> None:
        """Show the window, or bring it forward."""
        self.show()
        self.raise_()
        self.activateWindow()

    def done(self, result: int) -> None:
        """Closing, also by Escape, stops a check."""
        self.check.cancel_wanted.emit()
        super().done(result)

    def _lay_out(self) -> None:
        introduction = QLabel(INTRODUCTION, wordWrap=True)
        introduction.setProperty("kind", "muted")
        side = QVBoxLayout()
        side.setSpacing(16)
        side.addWidget(self.weight)
        side.addWidget(self.check, 1)
        panes = QHBoxLayout()
        panes.setSpacing(24)
        panes.addWidget(self.editor, 1)
        panes.addLayout(side, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 16, 24, 16)
        column.setSpacing(16)
        column.addWidget(introduction, 0, Qt.AlignmentFlag.AlignTop)
        column.addLayout(panes, 1)
