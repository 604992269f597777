"""A little program with a file to drag: press the mouse anywhere in its window and pull.

Usage: python drag_source.py X Y FILE...
"""

from __future__ import annotations

import sys

from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QDrag, QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget


class DragSource(QWidget):
    def __init__(self, paths: list[str]) -> None:
        super().__init__()
        self.urls = [QUrl.fromLocalFile(path) for path in paths]

    def mouseMoveEvent(self, _event: QMouseEvent) -> None:
        data = QMimeData()
        data.setUrls(self.urls)
        drag = QDrag(self)
        drag.setMimeData(data)
        drag.exec(Qt.DropAction.CopyAction)


if __name__ == "__main__":
    application = QApplication(sys.argv[:1])
    source = DragSource(sys.argv[3:])
    source.setWindowTitle("drag source")
    source.setGeometry(int(sys.argv[1]), int(sys.argv[2]), 120, 60)
    source.show()
    application.exec()
