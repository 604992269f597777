"""The scrolling picture behind the level strip: a ring of pixel columns, so that scrolling costs two copies.

Each hop is drawn once, into the column ``hop % columns``; a repaint copies the two halves of the ring into place.
At 1100 x 96 px this takes a few tens of microseconds, where drawing all levels anew takes over a millisecond.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QColor, QPainter, QPixmap

from dictation.ui.level_history import LevelHistory
from dictation.ui.theme import Tokens

TOP_DBFS = 0.0
BOTTOM_DBFS = -90.0
GRID_DBFS = (-20, -40, -60, -80)
SHOWN_HOPS = 938
"""15 s of 16 ms hops: the width of a column is chosen so that about this many are shown."""


def y_of(level_dbfs: float, height: float) -> float:
    """Vertical position of a level in a picture ``height`` pixels high."""
    part = (TOP_DBFS - level_dbfs) / (TOP_DBFS - BOTTOM_DBFS)
    return min(max(part, 0.0), 1.0) * height


def dbfs_at(y: float, height: float) -> float:
    """The level at a vertical position; the inverse of ``y_of``."""
    return TOP_DBFS - (TOP_DBFS - BOTTOM_DBFS) * y / max(height, 1.0)


@dataclass(frozen=True)
class _Colours:
    """The tokens as colours, made once per scheme."""

    background: QColor
    grid: QColor
    level: QColor
    loud: QColor
    floor: QColor


class StripCanvas:
    """Draws hops into the ring and the ring into a widget."""

    def __init__(self) -> None:
        self._pixmap = QPixmap(1, 1)
        self._ratio = 1.0
        self._column_px = 1
        self._drawn_to = 0
        self._colours: _Colours | None = None
        self.columns = 1

    @property
    def hop_width(self) -> float:
        """Width of a hop in logical pixels."""
        return self._column_px / self._ratio

    def resize(self, size: QSize, ratio: float, tokens: Tokens) -> None:
        """Start an empty picture of ``size`` logical pixels at a display scale of ``ratio``."""
        width, height = max(round(size.width() * ratio), 1), max(round(size.height() * ratio), 1)
        self._ratio = ratio
        self._column_px = max(1, round(width / SHOWN_HOPS))
        self.columns = max(1, -(-width // self._column_px))
        self._pixmap = QPixmap(self.columns * self._column_px, height)
        names = (tokens.surface, tokens.grid, tokens.level, tokens.level_loud, tokens.muted)
        self._colours = _Colours(*(QColor(name) for name in names))
        self._drawn_to = 0

    def draw_new(self, history: LevelHistory) -> None:
        """Draw the hops that came since the last call."""
        newest = history.next_hop
        oldest = max(self._drawn_to, newest - self.columns)
        if self._drawn_to == 0 or self._drawn_to > newest:
            oldest = newest - self.columns
        if oldest < newest:
            painter = QPainter(self._pixmap)
            for hop in range(oldest, newest):
                self._draw_hop(painter, history, hop)
            painter.end()
        self._drawn_to = newest

    def forget(self) -> None:
        """Draw everything anew next time."""
        self._drawn_to = 0

    def paint(self, painter: QPainter, area: QRectF, newest_hop: int) -> None:
        """Copy the picture into ``area`` with the newest hop at its right edge."""
        height = self._pixmap.height()
        split = (newest_hop % self.columns) * self._column_px
        older = self._pixmap.width() - split
        painter.save()
        painter.setClipRect(area)
        left = area.right() - self._pixmap.width() / self._ratio
        self._copy(painter, left, area.top(), QRectF(split, 0, older, height))
        self._copy(painter, left + older / self._ratio, area.top(), QRectF(0, 0, split, height))
        painter.restore()

    def _copy(self, painter: QPainter, x: float, y: float, source: QRectF) -> None:
        """Copy a part of the ring, pixel for pixel."""
        if source.width() > 0:
            target = QRectF(x, y, source.width() / self._ratio, source.height() / self._ratio)
            painter.drawPixmap(target, self._pixmap, source)

    def _draw_hop(self, painter: QPainter, history: LevelHistory, hop: int) -> None:
        """Draw one column: background, grid, level, floor."""
        colours = self._colours
        if colours is None:
            return
        x, width, height = (hop % self.columns) * self._column_px, self._column_px, self._pixmap.height()
        line = max(1, round(self._ratio))
        painter.fillRect(x, 0, width, height, colours.background)
        for grid_dbfs in GRID_DBFS:
            painter.fillRect(x, round(y_of(grid_dbfs, height)), width, line, colours.grid)
        if not history.has(hop):
            return
        level_dbfs, floor_dbfs = history.level_at(hop), history.floor_at(hop)
        threshold_dbfs = history.open_threshold_dbfs
        is_loud = threshold_dbfs is not None and level_dbfs >= threshold_dbfs
        top = round(y_of(level_dbfs, height))
        painter.fillRect(x, top, width, height - top, colours.loud if is_loud else colours.level)
        painter.fillRect(x, round(y_of(floor_dbfs, height)), width, line, colours.floor)
