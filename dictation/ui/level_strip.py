"""The level strip: fifteen seconds of sound, what the segmenter made of it, and the threshold to drag."""

from __future__ import annotations

import time

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from dictation.core.records import LevelBatch, SegmentMark
from dictation.core.settings import SegmenterSettings
from dictation.ui.level_history import LevelHistory
from dictation.ui.strip_canvas import GRID_DBFS, StripCanvas, dbfs_at, y_of
from dictation.ui.strip_marks import MarkPainter, small_font
from dictation.ui.theme import current_tokens

HEIGHT_PX = 96
REPAINT_MS, QUIET_REPAINT_MS = 50, 160
"""At most 20 repaints per second, 6 while nothing is heard (every second batch of levels): waiting for speech should
cost next to nothing."""
_SCALE_PX, _HANDLE_PX, _PAD_PX = 32, 72, 8
_HANDLE_HEIGHT_PX = 22
_GRAB_PX = 8
_META = SegmenterSettings.__dataclass_fields__["threshold_dbfs"].metadata
_KEY_STEPS_DB = {
    Qt.Key.Key_Up: 1.0,
    Qt.Key.Key_Down: -1.0,
    Qt.Key.Key_PageUp: 5.0,
    Qt.Key.Key_PageDown: -5.0,
}


class LevelStrip(QWidget):
    """Scrolling levels with segments and a threshold line that mouse and keyboard move."""

    threshold_moved = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._history = LevelHistory()
        self._canvas = StripCanvas()
        self._threshold_dbfs = SegmenterSettings().threshold_dbfs
        self._notice = ""
        self._is_dragging = False
        self._painted_s = 0.0
        self._canvas_key: tuple[object, ...] = ()
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._request_paint)
        self._painted_floor = 0
        self._is_quiet = True
        self.setFixedHeight(HEIGHT_PX)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleDescription("Up and Down move the threshold by 1 dB, Page Up and Page Down by 5 dB")
        self.setToolTip("Drag the line, or press Up and Down, to set the level that opens a segment")
        self._name()

    @property
    def threshold_dbfs(self) -> float:
        """The user's threshold as drawn."""
        return self._threshold_dbfs

    @property
    def history(self) -> LevelHistory:
        """What is drawn."""
        return self._history

    def set_threshold(self, threshold_dbfs: float) -> None:
        """Show a threshold that was set elsewhere."""
        if threshold_dbfs != self._threshold_dbfs:
            self._threshold_dbfs = threshold_dbfs
            self._name()
            self.update()

    def set_notice(self, words: str) -> None:
        """Write a few words across the strip, as when there is no microphone; an empty text removes them."""
        if words != self._notice:
            self._notice = words
            self._name()
            self.update()

    def add_levels(self, batch: LevelBatch) -> None:
        """Take in the newest levels; they are painted at the next occasion."""
        if not self._history.append(batch):
            self._canvas.forget()
        self._is_quiet = max(batch.levels_dbfs, default=batch.floor_dbfs) < batch.open_threshold_dbfs
        self._schedule()

    def mark_segment(self, mark: SegmentMark) -> None:
        """Add or update a segment."""
        self._history.mark(mark)
        self._schedule()

    def minimumSizeHint(self) -> QSize:
        """Room for a few seconds."""
        return QSize(240, HEIGHT_PX)

    def sizeHint(self) -> QSize:
        """As wide as there is room."""
        return QSize(960, HEIGHT_PX)

    def line_y(self) -> float:
        """Vertical position of the threshold line in the widget."""
        area = self._area()
        return area.top() + y_of(self._threshold_dbfs, area.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint levels, segments and lines; the sides only if they are asked for, since text is what costs."""
        self._painted_s = time.perf_counter()
        tokens, area = current_tokens(), self._area()
        self._refresh_canvas(area, tokens)
        newest = self._history.next_hop
        painter = QPainter(self)
        painter.setFont(small_font(self.font()))
        painter.fillRect(event.rect(), QColor(tokens.window))
        self._canvas.paint(painter, area, newest)
        painter.setClipRect(area)
        marks = MarkPainter(painter, area, tokens, newest, self._canvas.hop_width)
        for mark in self._history.marks_since(newest - self._canvas.columns):
            marks.draw_segment(mark)
        effective_dbfs = self._history.open_threshold_dbfs
        if effective_dbfs is not None and effective_dbfs > self._threshold_dbfs + 0.5:
            marks.draw_effective(effective_dbfs, QColor(tokens.warning))
        marks.draw_threshold(self._threshold_dbfs, QColor(tokens.accent))
        painter.setClipping(False)
        if not area.toAlignedRect().contains(event.rect()):
            self._paint_scale(painter, area)
            self._paint_floor_label(painter, area)
            self._paint_handle(painter, area)
        if self._notice:
            self._paint_notice(painter, area)
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Draw everything anew at the new size."""
        self._canvas_key = ()
        super().resizeEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Draw everything anew in the new colours."""
        if event.type() == QEvent.Type.PaletteChange:
            self._canvas_key = ()
        super().changeEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of the threshold line, or of its handle anywhere beside the picture."""
        if event.button() == Qt.MouseButton.LeftButton and self._is_near_line(event.position()):
            self._is_dragging = True
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the line that is held, or show that it can be."""
        if self._is_dragging:
            area = self._area()
            self._move_to(dbfs_at(event.position().y() - area.top(), area.height()))
        shape = Qt.CursorShape.SizeVerCursor if self._is_near_line(event.position()) else Qt.CursorShape.ArrowCursor
        self.setCursor(shape)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go of the line."""
        self._is_dragging = False
        super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the line by keys."""
        step_db = _KEY_STEPS_DB.get(event.key())
        if step_db is None:
            super().keyPressEvent(event)
        else:
            self._move_to(self._threshold_dbfs + step_db)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the focus."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Show that the focus is gone."""
        super().focusOutEvent(event)
        self.update()

    def _move_to(self, threshold_dbfs: float) -> None:
        """Set the line to whole decibels within the slider's range and tell."""
        wanted = float(round(min(max(threshold_dbfs, _META["low"]), _META["high"])))
        if wanted != self._threshold_dbfs:
            self.set_threshold(wanted)
            self.threshold_moved.emit(wanted)

    def _is_near_line(self, position: QPointF) -> bool:
        """Whether the mouse is on the line or its handle."""
        return self._is_dragging or abs(position.y() - self.line_y()) <= _GRAB_PX

    def _area(self) -> QRectF:
        """Where the levels are drawn: between the scale and the handle."""
        return QRectF(_SCALE_PX, _PAD_PX, max(self.width() - _SCALE_PX - _HANDLE_PX, 1), HEIGHT_PX - 2 * _PAD_PX)

    def _refresh_canvas(self, area: QRectF, tokens: object) -> None:
        """Bring the picture up to date, anew after a change of size, scale or colours."""
        key = (area.width(), self.devicePixelRatioF(), tokens)
        if key != self._canvas_key:
            self._canvas_key = key
            self._canvas.resize(area.size().toSize(), self.devicePixelRatioF(), current_tokens())
        self._canvas.draw_new(self._history)

    def _request_paint(self) -> None:
        """Repaint what scrolls, and the sides too if the floor that is written there has moved."""
        floor = round(self._history.floor_dbfs)
        if floor == self._painted_floor:
            self.update(self._area().toAlignedRect())
        else:
            self._painted_floor = floor
            self.update()

    def _schedule(self) -> None:
        """Repaint now, or when the last repaint is 50 ms old; never while nobody can see it."""
        if not self.isVisible() or self._timer.isActive():
            return
        wait_ms = QUIET_REPAINT_MS if self._is_quiet else REPAINT_MS
        due_ms = wait_ms - (time.perf_counter() - self._painted_s) * 1000
        if due_ms <= 0:
            self._request_paint()
        else:
            self._timer.start(round(due_ms))

    def _paint_scale(self, painter: QPainter, area: QRectF) -> None:
        """Write the grid's levels beside it."""
        painter.setPen(QColor(current_tokens().muted))
        flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for grid_dbfs in GRID_DBFS:
            y = area.top() + y_of(grid_dbfs, area.height())
            painter.drawText(QRectF(0, y - 8, _SCALE_PX - 6, 16), flags, f"{grid_dbfs}".replace("-", "−"))  # noqa: RUF001

    def _paint_floor_label(self, painter: QPainter, area: QRectF) -> None:
        """Write the measured noise floor beside its line, or as near as the handle lets it."""
        if self._history.next_hop == self._history.first_hop:
            return
        y = area.top() + y_of(self._history.floor_dbfs, area.height())
        if self.line_y() <= y:
            y = max(y, self.line_y() + _HANDLE_HEIGHT_PX / 2 + 7)
        if y < HEIGHT_PX - 6 and abs(y - self.line_y()) > _HANDLE_HEIGHT_PX / 2:
            words = f"floor {self._history.floor_dbfs:.0f}".replace("-", "−")  # noqa: RUF001
            flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRectF(area.right() + 6, y - 8, _HANDLE_PX - 6, 16), flags, words)

    def _paint_handle(self, painter: QPainter, area: QRectF) -> None:
        """Draw the handle with the value in it."""
        tokens = current_tokens()
        y = round(self.line_y())
        top = min(max(y - _HANDLE_HEIGHT_PX // 2, 0), HEIGHT_PX - _HANDLE_HEIGHT_PX - 1)
        pill = QRectF(area.right() + 0.5, top + 0.5, _HANDLE_PX - 8, _HANDLE_HEIGHT_PX)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(QColor(tokens.accent))
        painter.setPen(QPen(QColor(tokens.text), 2.0) if self.hasFocus() else QPen(QColor(tokens.accent), 1.0))
        painter.drawRoundedRect(pill, 6, 6)
        painter.setPen(QColor(tokens.on_accent))
        words = f"{self._threshold_dbfs:.0f} dBFS".replace("-", "−")  # noqa: RUF001
        painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, words)

    def _paint_notice(self, painter: QPainter, area: QRectF) -> None:
        """Write the notice in the middle of the strip."""
        tokens = current_tokens()
        painter.setFont(self.font())
        bounds = painter.boundingRect(area, Qt.AlignmentFlag.AlignCenter, self._notice).adjusted(-16, -8, 16, 8)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(QColor(tokens.surface))
        painter.setPen(QPen(QColor(tokens.warning), 1.0))
        painter.drawRoundedRect(bounds, 8, 8)
        painter.setPen(QColor(tokens.text))
        painter.drawText(bounds, Qt.AlignmentFlag.AlignCenter, self._notice)

    def _name(self) -> None:
        """Say to a screen reader what the strip shows."""
        state = f", {self._notice}" if self._notice else ""
        self.setAccessibleName(f"Level strip, threshold {self._threshold_dbfs:.0f} dBFS{state}")
