"""The sheet that says where files may be dropped: everywhere."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from dictation.ui.theme import current_tokens

DROP_WORDS = "Drop to transcribe, or to import a model"


def local_paths(mime: QMimeData) -> list[Path]:
    """Files and folders among what is dragged."""
    return [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()]


class DropOverlay(QWidget):
    """Covers its parent while files are dragged over it."""

    def __init__(self, over: QWidget) -> None:
        super().__init__(over)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAccessibleName(DROP_WORDS)
        self.hide()

    def cover(self) -> None:
        """Show over the whole parent."""
        self.setGeometry(self.parentWidget().rect())
        self.raise_()
        self.show()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint a veil, a dashed frame and the words."""
        tokens = current_tokens()
        veil = QColor(tokens.surface)
        veil.setAlpha(232)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), veil)
        painter.setPen(QPen(QColor(tokens.accent), 2.0, Qt.PenStyle.DashLine))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(16, 16, -16, -16), 16, 16)
        font = QFont(self.font())
        font.setPixelSize(24)
        painter.setFont(font)
        words = painter.boundingRect(self.rect(), Qt.AlignmentFlag.AlignCenter, DROP_WORDS).adjusted(-32, -16, 32, 16)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.accent))
        painter.drawRoundedRect(words, 8, 8)
        painter.setPen(QColor(tokens.on_accent))
        painter.drawText(words, Qt.AlignmentFlag.AlignCenter, DROP_WORDS)
        painter.end()
