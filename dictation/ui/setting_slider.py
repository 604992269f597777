"""A slider for one numeric setting, made from the setting's own metadata."""

from __future__ import annotations

from dataclasses import Field

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QGridLayout, QLabel, QSlider, QStyle, QStyleOptionSlider, QToolButton, QWidget

from dictation.ui.icons import set_icon
from dictation.ui.theme import current_tokens


class MarkedSlider(QSlider):
    """A horizontal slider with a tick at its default, painted on the 8 px grid."""

    def __init__(self, default: int, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._default = default
        self.setMinimumHeight(28)

    def sizeHint(self) -> QSize:
        """Room for the knob and the default mark."""
        return QSize(160, 28)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint groove, filled part, default mark and knob."""
        tokens = current_tokens()
        middle, left, right = self.height() / 2 - 3, self._x_of(self.minimum()), self._x_of(self.maximum())
        knob = self._x_of(self.value())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.control))
        painter.drawRoundedRect(QRectF(left, middle - 1.5, right - left, 3), 1.5, 1.5)
        painter.setBrush(QColor(tokens.accent))
        painter.drawRoundedRect(QRectF(left, middle - 1.5, knob - left, 3), 1.5, 1.5)
        mark = self._x_of(self._default)
        painter.setPen(QPen(QColor(tokens.muted), 2.0))
        painter.drawLine(QPointF(mark, middle + 9), QPointF(mark, middle + 14))
        ring = tokens.text if self.hasFocus() else tokens.accent
        painter.setPen(QPen(QColor(ring), 2.0))
        painter.setBrush(QColor(tokens.accent if self.isSliderDown() or self.hasFocus() else tokens.surface))
        painter.drawEllipse(QPointF(knob, middle), 7, 7)
        painter.end()

    def _x_of(self, value: int) -> float:
        """Centre of the knob at a value, as the style would place it."""
        option = QStyleOptionSlider()
        self.initStyleOption(option)
        length = self.style().pixelMetric(QStyle.PixelMetric.PM_SliderLength, option, self)
        span = self.width() - length
        offset = QStyle.sliderPositionFromValue(self.minimum(), self.maximum(), value, span)
        return offset + length / 2


class SettingSlider(QWidget):
    """Label, live value with unit, slider with default mark, reset."""

    value_changed = Signal(str, float)

    def __init__(self, item: Field, parent: QWidget | None = None) -> None:  # type: ignore[type-arg]
        super().__init__(parent)
        self._name, self._default, self._meta = item.name, item.default, item.metadata
        self._slider = MarkedSlider(self._steps(item.default))
        self._slider.setRange(self._steps(self._meta["low"]), self._steps(self._meta["high"]))
        self._slider.setPageStep(5)
        self._slider.setValue(self._steps(item.default))
        self._slider.setAccessibleName(self._meta["label"])
        self._slider.setAccessibleDescription(self._meta["help"])
        self._slider.setToolTip(f"{self._meta['help']} Default: {self.text_of(item.default)}.")
        self._value = QLabel()
        self._reset = self._make_reset()
        title = QLabel(self._meta["label"])
        title.setToolTip(self._meta["help"])
        title.setBuddy(self._slider)
        grid = QGridLayout(self, horizontalSpacing=8, verticalSpacing=0)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(0, 1)
        grid.addWidget(title, 0, 0)
        grid.addWidget(self._value, 0, 1, Qt.AlignmentFlag.AlignRight)
        grid.addWidget(self._reset, 0, 2)
        grid.addWidget(self._slider, 1, 0, 1, 3)
        self._slider.valueChanged.connect(self._on_moved)
        self._show_value()

    @property
    def slider(self) -> QSlider:
        """The slider itself."""
        return self._slider

    @property
    def reset_button(self) -> QToolButton:
        """Returns the setting to its default."""
        return self._reset

    @property
    def value(self) -> float:
        """The setting in its own unit."""
        return self._slider.value() * self._meta["step"]

    def set_value(self, value: float) -> None:
        """Show a value that was set elsewhere, without announcing it."""
        self._slider.blockSignals(True)
        self._slider.setValue(self._steps(value))
        self._slider.blockSignals(False)
        self._slider.update()
        self._show_value()

    def text_of(self, value: float) -> str:
        """A value with its unit, as finely as the slider's steps are."""
        decimals = 0 if float(self._meta["step"]).is_integer() else 1
        return f"{value:.{decimals}f} {self._meta['unit']}".replace("-", "−").rstrip()  # noqa: RUF001

    def _steps(self, value: float) -> int:
        """The slider position nearest to a value."""
        return round(value / self._meta["step"])

    def _make_reset(self) -> QToolButton:
        """The button that restores the default."""
        button = QToolButton()
        button.setProperty("compact", True)
        button.setIconSize(QSize(16, 16))
        button.setAccessibleName(f"Reset {self._meta['label']}")
        button.setToolTip(f"Back to {self.text_of(self._default)}")
        set_icon(button, "reset", "muted")
        button.clicked.connect(lambda: self._slider.setValue(self._steps(self._default)))
        return button

    def _on_moved(self) -> None:
        """Show and announce the new value."""
        self._show_value()
        self.value_changed.emit(self._name, self.value)

    def _show_value(self) -> None:
        """Show the value, and whether it differs from the default."""
        self._value.setText(self.text_of(self.value))
        self._reset.setEnabled(self._slider.value() != self._steps(self._default))
