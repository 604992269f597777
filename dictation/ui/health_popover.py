"""The details behind the health line."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QWidget

from dictation.core.records import Gap, Health, LossCause
from dictation.ui.presentation import LOSS_WORDS


def _milliseconds(value: float | None) -> str:
    """A latency, or that there is none yet."""
    return "none yet" if value is None else f"{value:.0f} ms"


class HealthPopover(QFrame):
    """A small window above the bar: seconds behind, seconds lost by cause, latency."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("popover")
        self.setAccessibleName("Health details")
        self._lost_s = dict.fromkeys(LossCause, 0.0)
        self._values: dict[str, QLabel] = {}
        self._grid = QGridLayout(self, horizontalSpacing=24, verticalSpacing=8)
        self._grid.setContentsMargins(16, 16, 16, 16)
        self._add_row("behind", "Behind", "Closed segments that wait for the recogniser")
        self._add_row("lost", "Lost since Record", "Sound that should have arrived and did not")
        for cause in LossCause:
            self._add_row(cause.value, f"   {LOSS_WORDS[cause]}", "")
        self._add_row("p50", "Latency, median", "From the end of speech to its final text, timeout included")
        self._add_row("p95", "Latency, 95th percentile", "Nineteen of twenty utterances are at least this fast")
        self.show_health(Health())
        self._show_causes()

    def show_health(self, health: Health) -> None:
        """Show new numbers."""
        self._values["behind"].setText(f"{health.behind_s:.1f} s")
        self._values["lost"].setText(f"{health.lost_s:.1f} s")
        self._values["p50"].setText(_milliseconds(health.latency_p50_ms))
        self._values["p95"].setText(_milliseconds(health.latency_p95_ms))

    def add_gap(self, gap: Gap) -> None:
        """Count a loss under its cause."""
        self._lost_s[gap.cause] += gap.length_s
        self._show_causes()

    def forget_gaps(self) -> None:
        """Begin to count anew, as a recording starts."""
        self._lost_s = dict.fromkeys(LossCause, 0.0)
        self._show_causes()

    def text_of(self, row: str) -> str:
        """The value in a row, by the row's key."""
        return self._values[row].text()

    def open_above(self, button: QWidget) -> None:
        """Open above a button of the bar."""
        self.adjustSize()
        self.move(button.mapToGlobal(QPoint(0, -self.height() - 4)))
        self.show()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Close on Escape."""
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
        else:
            super().keyPressEvent(event)

    def _add_row(self, key: str, words: str, tip: str) -> None:
        """A name and its value."""
        row = self._grid.rowCount()
        name, value = QLabel(words), QLabel()
        name.setToolTip(tip)
        value.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._grid.addWidget(name, row, 0)
        self._grid.addWidget(value, row, 1)
        self._values[key] = value

    def _show_causes(self) -> None:
        """Show seconds lost by cause."""
        for cause, seconds in self._lost_s.items():
            self._values[cause.value].setText(f"{seconds:.1f} s")
