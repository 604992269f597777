"""The side panel: sliders, calibration, record mode and input. It may stay open while dictating."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QRadioButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from dictation.core.settings import RecoverySettings, SegmenterSettings, WindowSettings
from dictation.ui.calibration_box import CalibrationBox
from dictation.ui.input_picker import InputPicker
from dictation.ui.setting_slider import SettingSlider

WIDTH_PX = 320
_MODE_META = WindowSettings.__dataclass_fields__["record_mode"].metadata
_KEEPING_META = RecoverySettings.__dataclass_fields__["keeps_sound"].metadata
_MODE_WORDS = {"toggle": "Press to start, press to stop", "push-to-talk": "Push to talk: hold while you speak"}


class SidePanel(QFrame):
    """Everything that is set while listening; each change is announced at once."""

    segmenter_changed = Signal(object)
    record_mode_changed = Signal(str)
    recovery_changed = Signal(object)

    def __init__(self, shortcuts: Sequence[QAction] = (), parent: QWidget | None = None) -> None:
        """Make the panel; ``shortcuts`` open further windows from its upper end."""
        super().__init__(parent)
        self.setObjectName("sidePanel")
        self.setFixedWidth(WIDTH_PX)
        self._segmenter = SegmenterSettings()
        self.sliders = {item.name: SettingSlider(item) for item in fields(SegmenterSettings)}
        self.calibration = CalibrationBox()
        self.input = InputPicker()
        self.mode_buttons = {choice: QRadioButton(_MODE_WORDS[choice]) for choice in _MODE_META["choices"]}
        self.keeping_box = QCheckBox(_KEEPING_META["label"])
        self.keeping_box.setToolTip(_KEEPING_META["help"])
        self.keeping_box.setAccessibleName(_KEEPING_META["label"])
        self.keeping_box.clicked.connect(lambda is_on: self.recovery_changed.emit(RecoverySettings(keeps_sound=is_on)))
        self.window_buttons = {action.objectName(): self._window_button(action) for action in shortcuts}
        self._modes = QButtonGroup(self)
        for choice, button in self.mode_buttons.items():
            button.setAccessibleName(f"Record mode: {choice}")
            self._modes.addButton(button)
            button.clicked.connect(lambda _checked=False, mode=choice: self.record_mode_changed.emit(mode))
        for slider in self.sliders.values():
            slider.value_changed.connect(self._on_slider)
        self._lay_out()

    def set_segmenter(self, settings: SegmenterSettings) -> None:
        """Show settings that were changed elsewhere."""
        self._segmenter = settings
        for name, slider in self.sliders.items():
            slider.set_value(getattr(settings, name))

    def set_record_mode(self, mode: str) -> None:
        """Show the record mode."""
        self.mode_buttons[mode].setChecked(True)

    def set_recovery(self, settings: RecoverySettings) -> None:
        """Show what is kept."""
        self.keeping_box.setChecked(settings.keeps_sound)

    def _lay_out(self) -> None:
        """One scrolling column with headed groups."""
        column = QVBoxLayout()
        column.setContentsMargins(24, 16, 16, 16)
        column.setSpacing(8)
        windows = QHBoxLayout()
        windows.setSpacing(8)
        for button in self.window_buttons.values():
            windows.addWidget(button)
        windows.addStretch(1)
        column.addLayout(windows)
        column.addWidget(self._heading("Listening"))
        for slider in self.sliders.values():
            column.addWidget(slider)
        column.addWidget(self.calibration)
        column.addSpacing(8)
        column.addWidget(self._heading("Record button"))
        for button in self.mode_buttons.values():
            column.addWidget(button)
        column.addSpacing(8)
        column.addWidget(self._heading("Input"))
        column.addWidget(self.input)
        column.addSpacing(8)
        column.addWidget(self._heading("If the program is killed"))
        column.addWidget(self.keeping_box)
        column.addStretch(1)
        body = QWidget()
        body.setObjectName("panelBody")
        body.setLayout(column)
        scroller = QScrollArea(widgetResizable=True)
        scroller.setFrameShape(QFrame.Shape.NoFrame)
        scroller.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroller.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroller.setWidget(body)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(1, 0, 0, 0)
        outer.addWidget(scroller)

    @staticmethod
    def _heading(words: str) -> QLabel:
        """The heading of a group."""
        label = QLabel(words)
        label.setProperty("kind", "section")
        return label

    @staticmethod
    def _window_button(action: QAction) -> QToolButton:
        """A button that opens another window."""
        button = QToolButton()
        button.setDefaultAction(action)
        button.setProperty("outlined", True)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.setAccessibleName(action.text().replace("&", "").rstrip("…"))
        return button

    def _on_slider(self, name: str, value: float) -> None:
        """Announce the settings with one value replaced."""
        kind = type(getattr(self._segmenter, name))
        self._segmenter = replace(self._segmenter, **{name: kind(value)})
        self.segmenter_changed.emit(self._segmenter)
