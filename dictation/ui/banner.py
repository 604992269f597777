"""Two ways to tell something without stopping anyone: the error banner, and a message that goes by itself."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from dictation.ui import icons
from dictation.ui.theme import current_tokens

TOAST_MS = 2500


class ErrorBanner(QFrame):
    """What happened and what to do; several are kept, the newest in front."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        self._messages: list[tuple[str, str]] = []
        self._symbol = QLabel()
        self._symbol.setFixedSize(24, 24)
        self.message = QLabel(wordWrap=True)
        self.message.setProperty("kind", "title")
        self.remedy = QLabel(wordWrap=True)
        for label in (self.message, self.remedy):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        self.dismiss_button = QToolButton()
        self.dismiss_button.setProperty("compact", True)
        self.dismiss_button.setAccessibleName("Dismiss the message")
        self.dismiss_button.setToolTip("Dismiss")
        icons.set_icon(self.dismiss_button, "close")
        self.dismiss_button.clicked.connect(self._on_dismiss)
        words = QVBoxLayout()
        words.setSpacing(4)
        words.addWidget(self.message)
        words.addWidget(self.remedy)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 8, 8, 8)
        row.setSpacing(16)
        row.addWidget(self._symbol, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        row.addWidget(self.dismiss_button, 0, Qt.AlignmentFlag.AlignTop)
        self.hide()

    @property
    def messages(self) -> tuple[tuple[str, str], ...]:
        """What is waiting to be read, newest last."""
        return tuple(self._messages)

    def tell(self, message: str, remedy: str = "") -> None:
        """Show a message in front of the others; the same one is not kept twice."""
        if (message, remedy) in self._messages:
            self._messages.remove((message, remedy))
        self._messages.append((message, remedy))
        self._show_newest()

    def withdraw(self, message: str, remedy: str = "") -> None:
        """Take back a message that no longer holds."""
        if (message, remedy) in self._messages:
            self._messages.remove((message, remedy))
            self._show_newest()

    def changeEvent(self, event: QEvent) -> None:
        """Redraw the symbol in the new colours."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_symbol"):
            self._draw_symbol()

    def _draw_symbol(self) -> None:
        """The warning sign."""
        tint = current_tokens().danger
        self._symbol.setPixmap(icons.pixmap("warning", tint, 24, self.devicePixelRatioF()))

    def _on_dismiss(self) -> None:
        """Forget the message in front."""
        if self._messages:
            self._messages.pop()
        self._show_newest()

    def _show_newest(self) -> None:
        """Show the newest message, or nothing."""
        if self._messages:
            message, remedy = self._messages[-1]
            self.message.setText(message)
            self.remedy.setText(remedy)
            self.remedy.setVisible(bool(remedy))
            self.setAccessibleName(f"{message} {remedy}".strip())
            self._draw_symbol()
        self.setVisible(bool(self._messages))


class Toast(QLabel):
    """A short message over the lower edge of its parent, gone after 2.5 s."""

    def __init__(self, over: QWidget) -> None:
        super().__init__(over)
        self.setObjectName("toast")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._timer = QTimer(self, singleShot=True, interval=TOAST_MS)
        self._timer.timeout.connect(self.hide)
        over.installEventFilter(self)
        self.hide()

    def tell(self, message: str) -> None:
        """Show a message."""
        self.setText(message)
        self.setAccessibleName(message)
        self._place()
        self.show()
        self.raise_()
        self._timer.start()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay in place when the window changes."""
        if watched is self.parent() and event.type() == QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        """Centre above the lower edge."""
        self.adjustSize()
        over = self.parentWidget()
        self.move((over.width() - self.width()) // 2, over.height() - self.height() - 64)
