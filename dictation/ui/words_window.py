"""Your words: the hotword list with its weight and check, and the personal language model of your documents."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QStackedWidget,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from dictation.core.settings import RecognizerSettings
from dictation.ui.personal_panel import PersonalPanel
from dictation.ui.setting_slider import SettingSlider
from dictation.ui.word_check_box import WordCheckBox
from dictation.ui.word_list_editor import WordListEditor

FIRST_SIZE_PX = (760, 520)
_WEIGHT = RecognizerSettings.__dataclass_fields__["hotword_weight"]
INTRODUCTION = "Names and terms the program should listen for. A change counts from the next thing you say."


class WordsWindow(QDialog):
    """Two pages that show and announce; it knows neither session nor settings file, and may stay open."""

    words_changed = Signal(object)
    weight_changed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Your words")
        self.setModal(False)
        self.editor = WordListEditor()
        self.weight = SettingSlider(_WEIGHT)
        self.check = WordCheckBox()
        self.personal = PersonalPanel()
        self.tabs = QTabBar(expanding=False, drawBase=False)
        self.tabs.setAccessibleName("Words or documents")
        self._pages = QStackedWidget()
        self.model_note = QLabel(wordWrap=True)
        self.model_note.setTextFormat(Qt.TextFormat.PlainText)
        self.model_note.hide()
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

    def set_model_note(self, note: str) -> None:
        """Show a remark of the model in use, such as words it cannot spell; an empty one takes it away."""
        self.model_note.setText(note)
        self.model_note.setVisible(bool(note))

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
        self.tabs.currentChanged.connect(self._pages.setCurrentIndex)
        pages = {"Words and names": self._make_words_page(), "Your documents": self._make_documents_page()}
        for title, page in pages.items():
            self._pages.addWidget(page)
            self.tabs.addTab(title)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 4, 24, 16)
        column.setSpacing(16)
        column.addWidget(self.tabs)
        column.addWidget(self._pages, 1)
        column.addWidget(self.model_note)

    def _make_documents_page(self) -> QWidget:
        """The panel, which scrolls where there is much to say."""
        scroller = QScrollArea(widgetResizable=True)
        scroller.setObjectName("modelScroller")
        scroller.setFrameShape(QFrame.Shape.NoFrame)
        scroller.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroller.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.personal.setObjectName("modelList")
        scroller.setWidget(self.personal)
        return scroller

    def _make_words_page(self) -> QWidget:
        """The list at the left, weight and check at the right."""
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
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(16)
        column.addWidget(introduction, 0, Qt.AlignmentFlag.AlignTop)
        column.addLayout(panes, 1)
        return page
