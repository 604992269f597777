"""The record button: one large toggle, or hold-to-talk, that always says what the session is doing."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFont, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from dictation.core.status import SessionState
from dictation.ui import icons
from dictation.ui.presentation import session_look
from dictation.ui.theme import colour, current_tokens

WIDTH_PX, HEIGHT_PX = 224, 96
_DISC_PX, _ICON_PX = 56, 28
PUSH_TO_TALK = "push-to-talk"
KEY_BOUNCE_MS = 40
"""A release that is followed by a press this soon was no release. On X11 a held key repeats as pairs of both with one
time stamp, and Qt marks a pair as a repeat only if both were read at once: one in ten was not, on a busy machine."""


class RecordButton(QAbstractButton):
    """Shows the session's state in words, icon and colour, and asks for recording to start or stop."""

    record_wanted = Signal()
    stop_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = SessionState.LOADING
        self._is_recording = False
        self._mode = "toggle"
        self._is_key_held = False
        self._key_bounce = QTimer(self, singleShot=True, interval=KEY_BOUNCE_MS)
        self._key_bounce.timeout.connect(self._end_key_hold)
        self.setFixedSize(WIDTH_PX, HEIGHT_PX)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.pressed.connect(self._on_pressed)
        self.released.connect(self._on_released)
        self._describe()

    @property
    def title(self) -> str:
        """The large words: what pressing does."""
        if self._mode == PUSH_TO_TALK:
            return "Release to stop" if self._is_recording else "Hold to talk"
        return "Stop" if self._is_recording else "Record"

    @property
    def subtitle(self) -> str:
        """The small words: what the session is doing."""
        return session_look(self._state, is_recording=self._is_recording).text

    def set_mode(self, mode: str) -> None:
        """Choose ``"toggle"`` or ``"push-to-talk"``."""
        self._mode = mode
        self._describe()

    def show_state(self, state: SessionState, *, is_recording: bool) -> None:
        """Show what the session is doing."""
        self._state, self._is_recording = state, is_recording
        self._describe()

    def press_key(self) -> None:
        """A record key went down; soon after ``release_key`` it never was up."""
        if self._key_bounce.isActive():
            self._key_bounce.stop()
            return
        self._is_key_held = True
        self._on_pressed()

    def release_key(self) -> None:
        """The record key came up, unless it goes down again within ``KEY_BOUNCE_MS``."""
        if self._is_key_held:
            self._key_bounce.start()

    def sizeHint(self) -> QSize:
        """Fixed: the height of the strip."""
        return QSize(WIDTH_PX, HEIGHT_PX)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the disc and the two lines."""
        tokens = current_tokens()
        look = session_look(self._state, is_recording=self._is_recording)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(self.rect()).adjusted(8.5, 8.5, -8.5, -8.5)
        painter.setPen(QPen(QColor(tokens.accent), 2.0) if self.hasFocus() else Qt.PenStyle.NoPen)
        is_raised = self.isDown() or self._is_key_held or self.underMouse()
        painter.setBrush(QColor(tokens.raised) if is_raised else Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(frame, 8, 8)
        disc = QRectF(24, (HEIGHT_PX - _DISC_PX) / 2, _DISC_PX, _DISC_PX)
        self._paint_disc(painter, disc)
        left = disc.right() + 12
        font = QFont(self.font())
        font.setPixelSize(15 if len(self.title) <= len("Hold to talk") else 13)
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(QColor(tokens.text))
        flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(left, 24, WIDTH_PX - left - 16, 24), flags, self.title)
        font.setPixelSize(12)
        font.setWeight(QFont.Weight.Normal)
        painter.setFont(font)
        ink = colour(tokens, look.role)
        painter.setPen(ink)
        picture = icons.pixmap(look.icon, ink.name(), 14, self.devicePixelRatioF())
        painter.drawPixmap(QPointF(left, 53), picture)
        painter.drawText(QRectF(left + 18, 48, WIDTH_PX - left - 34, 24), flags, self.subtitle)
        painter.end()

    def event(self, event: QEvent) -> bool:
        """Let go of a held key when the window loses the keyboard: its release will never arrive."""
        if event.type() == QEvent.Type.WindowDeactivate:
            self._end_key_hold()
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leave all keys to the window: a button's own Space would toggle again when the key repeats."""
        event.ignore()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Leave all keys to the window."""
        event.ignore()

    def _paint_disc(self, painter: QPainter, disc: QRectF) -> None:
        """Paint the round part: filled while recording, an outline otherwise."""
        tokens = current_tokens()
        painter.setPen(QPen(QColor(tokens.accent), 2.0))
        painter.setBrush(QColor(tokens.accent) if self._is_recording else QColor(tokens.surface))
        painter.drawEllipse(disc.adjusted(1, 1, -1, -1))
        name = "stop" if self._is_recording else "record"
        if self._mode == PUSH_TO_TALK:
            name = "microphone"
        ink = tokens.on_accent if self._is_recording else tokens.accent
        picture = icons.pixmap(name, ink, _ICON_PX, self.devicePixelRatioF())
        offset = (_DISC_PX - _ICON_PX) / 2
        painter.drawPixmap(QPointF(disc.left() + offset, disc.top() + offset), picture)

    def _on_pressed(self) -> None:
        """Start on press; in toggle mode a press also stops."""
        if self._mode != PUSH_TO_TALK and self._is_recording:
            self.stop_wanted.emit()
        else:
            self.record_wanted.emit()

    def _on_released(self) -> None:
        """Stop on release in push-to-talk mode."""
        if self._mode == PUSH_TO_TALK:
            self.stop_wanted.emit()

    def _end_key_hold(self) -> None:
        """The record key is up for good, or the window lost the keyboard while it was down."""
        self._key_bounce.stop()
        if self._is_key_held:
            self._is_key_held = False
            self._on_released()

    def _describe(self) -> None:
        """Say the same to a screen reader and in the tip."""
        self.setText(self.title)
        self.setAccessibleName(f"{self.title}, {self.subtitle}")
        hold = "hold " if self._mode == PUSH_TO_TALK else ""
        self.setToolTip(f"{self.title}: {hold}F9, or Space while no text is being edited")
        self.update()
