"""The list of shortcuts, as a small window that stops nothing."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QWidget

from dictation.ui.actions import shortcut_rows


class ShortcutList(QFrame):
    """Keys at the left, their meaning at the right; Escape or a click elsewhere closes it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("popover")
        rows = shortcut_rows()
        self.setAccessibleName("Keyboard shortcuts. " + ". ".join(f"{keys}: {words}" for keys, words in rows))
        grid = QGridLayout(self, horizontalSpacing=24, verticalSpacing=8)
        grid.setContentsMargins(24, 24, 24, 24)
        title = QLabel("Keyboard shortcuts")
        title.setProperty("kind", "title")
        grid.addWidget(title, 0, 0, 1, 2)
        for row, (keys, words) in enumerate(rows, start=1):
            name = QLabel(keys)
            name.setProperty("kind", "muted")
            grid.addWidget(name, row, 0)
            grid.addWidget(QLabel(words), row, 1)

    def open_centred(self) -> None:
        """Open in the middle of the window."""
        self.adjustSize()
        middle = self.parentWidget().window().geometry().center()
        self.move(middle - self.rect().center())
        self.show()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Close on Escape."""
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
        else:
            super().keyPressEvent(event)
