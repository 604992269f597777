"""What every notice above the text has: a symbol, a title with an explanation under it, and a cross."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from dictation.ui import icons
from dictation.ui.theme import colour, current_tokens

_SYMBOL_PX = 24


class NoticeFrame(QFrame):
    """Hidden at first. The words can be selected; the symbol follows the theme; the cross is the subclass's to use."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        """``name`` is what the style sheet calls it."""
        super().__init__(parent)
        self.setObjectName(name)
        self._look = ("warning", "danger")
        self._symbol = QLabel()
        self._symbol.setFixedSize(_SYMBOL_PX, _SYMBOL_PX)
        self.title, self.details = QLabel(wordWrap=True), QLabel(wordWrap=True)
        self.title.setProperty("kind", "title")
        for label in (self.title, self.details):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        self.dismiss_button = QToolButton()
        self.dismiss_button.setProperty("compact", True)
        icons.set_icon(self.dismiss_button, "close")
        self.words = QVBoxLayout()
        self.words.setSpacing(4)
        self.words.addWidget(self.title)
        self.words.addWidget(self.details)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 8, 8, 8)
        row.setSpacing(16)
        row.addWidget(self._symbol, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(self.words, 1)
        row.addWidget(self.dismiss_button, 0, Qt.AlignmentFlag.AlignTop)
        self.hide()

    def say(self, title: str, details: str, look: tuple[str, str] = ("warning", "danger")) -> None:
        """Take words and look, which is the name of an icon and that of a colour of the theme."""
        self.title.setText(title)
        self.details.setText(details)
        self.details.setVisible(bool(details))
        self.setAccessibleName(f"{title} {details}".strip())
        self._look = look
        self._draw_symbol()

    def changeEvent(self, event: QEvent) -> None:
        """Redraw the symbol in the new colours."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_symbol"):
            self._draw_symbol()

    def _draw_symbol(self) -> None:
        icon, role = self._look
        tint = colour(current_tokens(), role).name()
        self._symbol.setPixmap(icons.pixmap(icon, tint, _SYMBOL_PX, self.devicePixelRatioF()))
