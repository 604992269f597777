"""Everything drawn over the scrolling levels: segment boxes, pre-roll, threshold lines and their labels."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QPainter, QPen

from dictation.core.records import HOP_FRAMES, SegmentMark, SegmentState
from dictation.ui import icons
from dictation.ui.presentation import SEGMENT_LOOKS
from dictation.ui.strip_canvas import y_of
from dictation.ui.theme import Tokens, colour

_PATTERNS = {
    SegmentState.OPEN: Qt.BrushStyle.NoBrush,
    SegmentState.QUEUED: Qt.BrushStyle.Dense6Pattern,
    SegmentState.RECOGNISED: Qt.BrushStyle.NoBrush,
    SegmentState.REJECTED: Qt.BrushStyle.BDiagPattern,
    SegmentState.FAILED: Qt.BrushStyle.DiagCrossPattern,
}
_TAG_HEIGHT, _TAG_ICON_PX = 16, 12


class MarkPainter:
    """Paints marks into ``area``, whose right edge is the end of ``newest_hop``."""

    def __init__(self, painter: QPainter, area: QRectF, tokens: Tokens, newest_hop: int, hop_width: float) -> None:
        self._painter = painter
        self._area = area
        self._tokens = tokens
        self._newest_frame = newest_hop * HOP_FRAMES
        self._frame_width = hop_width / HOP_FRAMES

    def x_of(self, frame: int) -> float:
        """Horizontal position of a frame."""
        return self._area.right() - (self._newest_frame - frame) * self._frame_width

    def draw_segment(self, mark: SegmentMark) -> None:
        """Draw one segment: tinted and patterned by state, its pre-roll shaded, its state in words if they fit."""
        is_open = mark.state is SegmentState.OPEN
        end_frame = max(mark.end_frame, self._newest_frame) if is_open else mark.end_frame
        left, right = round(self.x_of(mark.start_frame)) + 0.5, round(self.x_of(end_frame)) - 0.5
        box = QRectF(left, self._area.top() + 1.5, max(right - left, 2.0), self._area.height() - 3)
        ink = colour(self._tokens, SEGMENT_LOOKS[mark.state].role)
        self._fill(box, mark, ink)
        style = Qt.PenStyle.DashLine if mark.state is SegmentState.QUEUED else Qt.PenStyle.SolidLine
        self._painter.setPen(QPen(ink, 1.0, style))
        self._painter.setBrush(Qt.BrushStyle.NoBrush)
        self._painter.drawRect(box)
        self._draw_tag(box, mark.state, ink)

    def _fill(self, box: QRectF, mark: SegmentMark, ink: QColor) -> None:
        """Tint and pattern the box, and shade the pre-roll at its start."""
        tint = QColor(ink)
        tint.setAlpha(34)
        self._painter.fillRect(box, tint)
        tint.setAlpha(96)
        if _PATTERNS[mark.state] is not Qt.BrushStyle.NoBrush:
            self._painter.fillRect(box, QBrush(tint, _PATTERNS[mark.state]))
        onset = min(self.x_of(mark.onset_frame), box.right())
        if onset > box.left():
            shade = QColor(self._tokens.text)
            shade.setAlpha(52)
            self._painter.fillRect(QRectF(box.left(), box.top(), onset - box.left(), box.height()), shade)

    def _draw_tag(self, box: QRectF, state: SegmentState, ink: QColor) -> None:
        """Say the state at the top of the box: icon and word, icon alone, or nothing, as the width allows."""
        look = SEGMENT_LOOKS[state]
        word_width = QFontMetricsF(self._painter.font()).horizontalAdvance(look.text)
        width = word_width + _TAG_ICON_PX + 12
        has_word = max(box.left(), self._area.left()) + width <= box.right()
        if not has_word:
            width = _TAG_ICON_PX + 4
        left = max(box.left(), self._area.left())
        if left + width > box.right():
            return
        tag = QRectF(left, box.top(), width, _TAG_HEIGHT)
        self._painter.fillRect(tag, QColor(self._tokens.surface))
        self._painter.setPen(QPen(ink, 1.0))
        self._painter.drawRect(tag)
        ratio = self._painter.device().devicePixelRatioF()
        picture = icons.pixmap(look.icon, ink.name(), _TAG_ICON_PX, ratio)
        self._painter.drawPixmap(QPointF(tag.left() + 2, tag.top() + 2), picture)
        if has_word:
            words = tag.adjusted(_TAG_ICON_PX + 5, 0, 0, 0)
            self._painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, look.text)

    def draw_threshold(self, threshold_dbfs: float, ink: QColor) -> None:
        """Draw the user's threshold as a solid line."""
        y = self._level_y(threshold_dbfs)
        self._painter.setPen(QPen(ink, 2.0))
        self._painter.drawLine(QPointF(self._area.left(), y), QPointF(self._area.right(), y))

    def draw_effective(self, threshold_dbfs: float, ink: QColor) -> None:
        """Draw the threshold that the noise floor forced up, dashed, with a word of explanation."""
        y = self._level_y(threshold_dbfs)
        self._painter.setPen(QPen(ink, 1.5, Qt.PenStyle.DashLine))
        self._painter.drawLine(QPointF(self._area.left(), y), QPointF(self._area.right(), y))
        words = f"raised by noise to {threshold_dbfs:.0f}"
        width = QFontMetricsF(self._painter.font()).horizontalAdvance(words) + 8
        label = QRectF(self._area.left() + 4, max(y - 16, self._area.top() + _TAG_HEIGHT + 2), width, 14)
        self._painter.fillRect(label, QColor(self._tokens.surface))
        self._painter.drawText(label, Qt.AlignmentFlag.AlignCenter, words)

    def _level_y(self, level_dbfs: float) -> float:
        """Vertical position of a level, in the middle of a pixel."""
        return self._area.top() + round(y_of(level_dbfs, self._area.height())) + 0.5


def small_font(base: QFont) -> QFont:
    """The font of labels inside the strip: 11 px, the smallest size anything here is written in."""
    font = QFont(base)
    font.setPixelSize(11)
    return font
