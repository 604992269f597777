"""Calibrate: two seconds of room, a sentence about them, and the way back."""

from __future__ import annotations

from PySide6.QtCore import QElapsedTimer, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from dictation.core.calibration import Calibration

LISTEN_MS = 2000
PATIENCE_MS = 4000
"""No answer after this long means that no sound arrives."""
_TICK_MS = 50


class CalibrationBox(QWidget):
    """The button, its progress, the finding and Undo."""

    calibration_wanted = Signal()
    undo_wanted = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._previous_dbfs: float | None = None
        self._clock = QElapsedTimer()
        self._timer = QTimer(self, interval=_TICK_MS)
        self._timer.timeout.connect(self._on_tick)
        self.button = QPushButton("Calibrate")
        self.button.setProperty("outlined", True)
        self.button.setAccessibleName("Calibrate the threshold")
        self.button.setToolTip("Listen to the room for 2 s, while nobody speaks, and set the threshold from its noise")
        self.button.clicked.connect(self._on_clicked)
        self.undo_button = QPushButton("Undo")
        self.undo_button.setProperty("outlined", True)
        self.undo_button.setAccessibleName("Undo the calibration")
        self.undo_button.clicked.connect(self._on_undo)
        self.undo_button.hide()
        self.progress = QProgressBar(maximum=LISTEN_MS, textVisible=False)
        self.progress.setAccessibleName("Calibration progress")
        self.progress.hide()
        self.sentence = QLabel("Listens to the room for 2 s and proposes a threshold.", wordWrap=True)
        self.sentence.setProperty("kind", "muted")
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.button)
        row.addWidget(self.undo_button)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(row)
        column.addWidget(self.progress)
        column.addWidget(self.sentence)

    def show_result(self, calibration: Calibration, previous_dbfs: float) -> None:
        """Say what was found; ``previous_dbfs`` is what Undo returns to."""
        self._finish(calibration.sentence)
        self._previous_dbfs = previous_dbfs
        self.undo_button.setToolTip(f"Back to {previous_dbfs:.0f} dBFS")
        self.undo_button.show()

    def _on_clicked(self) -> None:
        """Begin to listen."""
        if self.button.hasFocus():
            self.setFocus()  # or else the disabled button hands the keyboard on, and Space changes the record mode
        self.button.setEnabled(False)
        self.undo_button.hide()
        self.progress.setValue(0)
        self.progress.show()
        self.sentence.setText("Listening to the room. Please do not speak.")
        self._clock.start()
        self._timer.start()
        self.calibration_wanted.emit()

    def _on_tick(self) -> None:
        """Move the progress bar; give up if nothing comes."""
        self.progress.setValue(min(self._clock.elapsed(), LISTEN_MS))
        if self._clock.elapsed() > PATIENCE_MS:
            self._finish("No sound arrived, so nothing was changed. Check the input below and try again.")

    def _on_undo(self) -> None:
        """Return to the threshold from before."""
        if self.undo_button.hasFocus():
            self.button.setFocus()
        self.undo_button.hide()
        if self._previous_dbfs is not None:
            self.sentence.setText(f"Undone: the threshold is {self._previous_dbfs:.0f} dBFS again.")
            self.undo_wanted.emit(self._previous_dbfs)

    def _finish(self, sentence: str) -> None:
        """Stop listening and say how it went."""
        self._timer.stop()
        self.progress.hide()
        self.button.setEnabled(True)
        if self.hasFocus():
            self.button.setFocus()
        self.sentence.setText(sentence)
