from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from dictation.core.records import HOP_FRAMES, LevelBatch, SegmentMark, SegmentState
from dictation.ui.level_history import LOWEST_DBFS, LevelHistory
from dictation.ui.main_window import MainWindow
from dictation.ui.strip_canvas import BOTTOM_DBFS, TOP_DBFS, dbfs_at, y_of
from dictation.ui.theme import current_tokens


def picture(window: MainWindow) -> QImage:
    return window.level_strip.grab().toImage()


def test_history_keeps_the_newest_levels() -> None:
    history = LevelHistory(capacity_hops=10)
    for first in range(0, 30, 3):
        assert history.append(LevelBatch(first, (-float(first),) * 3, -60.0, -46.0)) is (first > 0)
    assert (history.first_hop, history.next_hop) == (20, 30)
    assert history.level_at(29) == -27.0
    assert history.level_at(19) == LOWEST_DBFS
    assert history.floor_at(25) == -60.0


def test_history_shows_missing_hops_as_silence() -> None:
    history = LevelHistory(capacity_hops=20)
    history.append(LevelBatch(0, (-20.0, -20.0), -60.0, -46.0))
    history.append(LevelBatch(4, (-30.0,), -60.0, -46.0))
    assert [history.level_at(hop) for hop in range(5)] == [-20.0, -20.0, LOWEST_DBFS, LOWEST_DBFS, -30.0]


def test_history_begins_anew_when_the_input_was_reopened() -> None:
    history = LevelHistory()
    history.append(LevelBatch(0, (-20.0,) * 50, -60.0, -46.0))
    history.mark(SegmentMark(0, 0, 256, 2560, SegmentState.RECOGNISED))
    assert not history.append(LevelBatch(0, (-30.0,), -60.0, -46.0))
    assert history.next_hop == 1
    assert history.marks_since(0) == []


def test_history_forgets_marks_that_have_scrolled_out() -> None:
    history = LevelHistory(capacity_hops=10)
    history.mark(SegmentMark(0, 0, 0, HOP_FRAMES, SegmentState.RECOGNISED))
    history.append(LevelBatch(0, (-20.0,) * 5, -60.0, -46.0))
    history.mark(SegmentMark(0, 0, 0, HOP_FRAMES, SegmentState.RECOGNISED))
    assert len(history.marks_since(0)) == 1
    history.append(LevelBatch(5, (-20.0,) * 30, -60.0, -46.0))
    assert history.marks_since(-1000) == []


@pytest.mark.parametrize("level_dbfs", [-90.0, -46.0, -20.0, 0.0])
def test_positions_and_levels_are_inverse(level_dbfs: float) -> None:
    assert dbfs_at(y_of(level_dbfs, 80), 80) == pytest.approx(level_dbfs)


def test_levels_outside_the_scale_stay_inside_the_picture() -> None:
    assert y_of(TOP_DBFS + 20, 80) == 0
    assert y_of(BOTTOM_DBFS - 20, 80) == 80


def test_dragging_the_line_reaches_session_settings_and_slider(window: MainWindow, qtbot: QtBot) -> None:
    strip = window.level_strip
    start = QPoint(300, round(strip.line_y()))
    qtbot.mousePress(strip, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(strip, start - QPoint(0, 10))
    during = window.session.asked("configure_segmenter")
    assert during, "a drag must take effect before the mouse is released"
    qtbot.mouseRelease(strip, Qt.MouseButton.LeftButton, pos=start - QPoint(0, 10))
    assert during[-1].threshold_dbfs > -46
    assert window.settings_store.settings.segmenter == during[-1]
    assert window.side_panel.sliders["threshold_dbfs"].value == during[-1].threshold_dbfs
    assert strip.threshold_dbfs == during[-1].threshold_dbfs


def test_a_press_away_from_the_line_moves_nothing(window: MainWindow, qtbot: QtBot) -> None:
    strip = window.level_strip
    qtbot.mousePress(strip, Qt.MouseButton.LeftButton, pos=QPoint(300, round(strip.line_y()) - 30))
    qtbot.mouseMove(strip, QPoint(300, 80))
    qtbot.mouseRelease(strip, Qt.MouseButton.LeftButton, pos=QPoint(300, 80))
    assert window.session.asked("configure_segmenter") == []


def test_keys_move_the_line_by_one_and_five_decibels(window: MainWindow, qtbot: QtBot) -> None:
    strip = window.level_strip
    strip.setFocus()
    for key, expected in ((Qt.Key.Key_Up, -45), (Qt.Key.Key_PageUp, -40), (Qt.Key.Key_Down, -41)):
        qtbot.keyClick(strip, key)
        assert window.session.asked("configure_segmenter")[-1].threshold_dbfs == expected
    assert "-41 dBFS" in strip.accessibleName()


def test_the_line_stops_at_the_ends_of_its_range(window: MainWindow, qtbot: QtBot) -> None:
    window.level_strip.setFocus()
    for _ in range(12):
        qtbot.keyClick(window.level_strip, Qt.Key.Key_PageUp)
    assert window.level_strip.threshold_dbfs == -10
    for _ in range(20):
        qtbot.keyClick(window.level_strip, Qt.Key.Key_PageDown)
    assert window.level_strip.threshold_dbfs == -70


def test_levels_are_drawn_with_the_newest_at_the_right(window: MainWindow) -> None:
    quiet, loud = (-80.0,) * 60, (-12.0,) * 40
    window.session.levels_ready.emit(LevelBatch(0, quiet + loud, -80.0, -46.0))
    image, right = picture(window), window.level_strip.width() - 72 - 10
    ink = QColor(current_tokens().level_loud)
    assert image.pixelColor(right, 70) == ink
    assert image.pixelColor(right - 60, 30) != ink


def test_scrolling_moves_what_was_drawn(window: MainWindow) -> None:
    """The picture is a ring of columns: after it has gone round, old sound must not show through."""
    window.session.levels_ready.emit(LevelBatch(0, (-12.0,) * 2000, -80.0, -46.0))
    picture(window)
    window.session.levels_ready.emit(LevelBatch(2000, (-85.0,) * 1500, -85.0, -46.0))
    image = picture(window)
    ink = QColor(current_tokens().level_loud)
    assert all(image.pixelColor(x, 40) != ink for x in range(40, window.level_strip.width() - 80, 7))


@pytest.mark.parametrize("state", list(SegmentState))
def test_every_segment_state_has_its_own_look(window: MainWindow, state: SegmentState) -> None:
    session = window.session
    session.levels_ready.emit(LevelBatch(0, (-70.0,) * 400, -70.0, -46.0))
    plain = picture(window)
    session.segment_changed.emit(SegmentMark(0, 200 * HOP_FRAMES, 210 * HOP_FRAMES, 380 * HOP_FRAMES, state))
    boxed = picture(window)
    assert boxed != plain
    others = [other for other in SegmentState if other is not state]
    for other in others:
        session.segment_changed.emit(SegmentMark(0, 200 * HOP_FRAMES, 210 * HOP_FRAMES, 380 * HOP_FRAMES, other))
        assert picture(window) != boxed


def test_an_open_segment_reaches_the_newest_sound(window: MainWindow) -> None:
    session = window.session
    session.levels_ready.emit(LevelBatch(0, (-70.0,) * 400, -70.0, -46.0))
    session.segment_changed.emit(
        SegmentMark(0, 200 * HOP_FRAMES, 200 * HOP_FRAMES, 210 * HOP_FRAMES, SegmentState.OPEN)
    )
    right = window.level_strip.width() - 72 - 6
    assert picture(window).pixelColor(right, 30) != QColor(current_tokens().surface)


def test_a_threshold_that_noise_forced_up_is_drawn_apart(window: MainWindow) -> None:
    window.session.levels_ready.emit(LevelBatch(0, (-70.0,) * 400, -70.0, -46.0))
    plain = picture(window)
    window.session.levels_ready.emit(LevelBatch(400, (-70.0,), -70.0, -30.0))
    raised = picture(window)
    y = round(8 + y_of(-30.0, 80))
    ink = QColor(current_tokens().warning)
    row = {raised.pixelColor(x, y + shift).name() for x in range(40, 600) for shift in (0, 1)}
    assert ink.name() in row
    assert plain.pixelColor(500, y) != ink


def test_nothing_is_painted_while_hidden(window: MainWindow) -> None:
    window.level_strip.hide()
    window.session.levels_ready.emit(LevelBatch(0, (-20.0,) * 3, -60.0, -46.0))
    assert not window.level_strip._timer.isActive()
    assert window.level_strip.history.next_hop == 3


class PaintSpy(QObject):
    """Notes which parts of a widget are painted."""

    def __init__(self, watched: QWidget) -> None:
        super().__init__(watched)
        self.rects: list[QRect] = []
        watched.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            self.rects.append(event.rect())
        return False


def test_scrolling_repaints_the_sides_only_when_the_floor_has_moved(window: MainWindow, qtbot: QtBot) -> None:
    strip, emit = window.level_strip, window.session.levels_ready.emit
    emit(LevelBatch(0, (-70.0,) * 400, -70.0, -46.0))
    qtbot.waitUntil(lambda: not strip._timer.isActive())
    QApplication.processEvents()
    spy = PaintSpy(strip)
    emit(LevelBatch(400, (-70.0,) * 3, -70.0, -46.0))
    qtbot.waitUntil(lambda: len(spy.rects) == 1)
    emit(LevelBatch(403, (-70.0,) * 3, -66.0, -46.0))
    qtbot.waitUntil(lambda: len(spy.rects) == 2)
    assert spy.rects[0].width() < strip.width()
    assert spy.rects[1] == strip.rect()
