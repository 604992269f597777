"""What an empty transcript shows: the three steps, and where to drop files."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

STEPS = (
    ("1", "Press Record", "Or press F9. You may start while the model still loads: nothing you say is lost."),
    ("2", "Speak", "Words appear while you talk. A short pause makes them final."),
    ("3", "Copy or save", "Correct what you like first: this is an ordinary text."),
)
DROP_WORDS = "Or drop audio or video files, or a folder, anywhere in this window."


class EmptyState(QWidget):
    """Lies over an empty transcript and lets clicks through to it."""

    def __init__(self, over: QWidget) -> None:
        super().__init__(over)
        self._over = over
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setObjectName("emptyState")
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName("How to begin: " + " ".join(f"{title}. {words}" for _, title, words in STEPS))
        steps = QGridLayout(horizontalSpacing=16, verticalSpacing=24)
        steps.setColumnStretch(1, 1)
        for row, (number, title, words) in enumerate(STEPS):
            steps.addWidget(self._number(number), row, 0, Qt.AlignmentFlag.AlignTop)
            steps.addLayout(self._step(title, words), row, 1)
        column = QVBoxLayout()
        column.setSpacing(24)
        column.addStretch(1)
        column.addLayout(steps)
        drop = QLabel(DROP_WORDS, wordWrap=True)
        drop.setProperty("kind", "muted")
        drop.setContentsMargins(48, 0, 0, 0)
        column.addWidget(drop)
        column.addStretch(2)
        box = QWidget(self)
        box.setMaximumWidth(560)
        box.setLayout(column)
        outer = QHBoxLayout(self)
        outer.setContentsMargins(24, 24, 24, 24)
        outer.addStretch(1)
        outer.addWidget(box, 100)
        outer.addStretch(1)
        over.installEventFilter(self)
        self.setGeometry(over.rect())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Cover the transcript whatever its size."""
        if watched is self._over and event.type() == QEvent.Type.Resize:
            self.setGeometry(self._over.rect())
        return super().eventFilter(watched, event)

    @staticmethod
    def _number(text: str) -> QLabel:
        """The number of a step."""
        label = QLabel(text, alignment=Qt.AlignmentFlag.AlignCenter)
        label.setObjectName("stepNumber")
        label.setFixedSize(32, 32)
        return label

    @staticmethod
    def _step(title: str, words: str) -> QVBoxLayout:
        """A step in bold and its explanation below."""
        heading, explanation = QLabel(title), QLabel(words, wordWrap=True)
        heading.setProperty("kind", "title")
        explanation.setProperty("kind", "muted")
        column = QVBoxLayout()
        column.setSpacing(4)
        column.addWidget(heading)
        column.addWidget(explanation)
        return column
