"""Two ways to tell something without stopping anyone: the error banner, and a message that goes by itself."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtWidgets import QLabel, QWidget

from dictation.ui.notice_frame import NoticeFrame

TOAST_MS = 2500


class ErrorBanner(NoticeFrame):
    """What happened and what to do; several are kept, the newest in front."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("banner", parent)
        self._messages: list[tuple[str, str]] = []
        self.dismiss_button.setAccessibleName("Dismiss the message")
        self.dismiss_button.setToolTip("Dismiss")
        self.dismiss_button.clicked.connect(self._on_dismiss)

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

    def _on_dismiss(self) -> None:
        """Forget the message in front."""
        if self._messages:
            self._messages.pop()
        self._show_newest()

    def _show_newest(self) -> None:
        """Show the newest message, or nothing."""
        if self._messages:
            self.say(*self._messages[-1])
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
