from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QTabBar, QWidget
from pytestqt.qtbot import QtBot

from dictation.core.status import FileJob, FileJobState, InputState, InputStatus, ModelState, ModelStatus
from dictation.ui.actions import ACTIONS
from dictation.ui.main_window import MainWindow
from tests.support.controls import interactive


def test_closing_waits_for_session_files_and_libraries(window: MainWindow, qtbot: QtBot) -> None:
    window.close()
    assert not window.isVisible()
    assert window.settings_store.is_flushed
    assert window.session.asked("close") == [None]
    assert window.file_queue.is_closed
    assert window.model_library.calls == window.personal_library.calls == [("close",)]
    window.close()
    assert window.session.asked("close") == [None], "closing twice must not close the session twice"
    ended: list[bool] = []
    window.closed.connect(lambda: ended.append(True))
    for part in (window.session, window.model_library, window.personal_library):
        part.stopped.emit()
        assert ended == []
    with qtbot.waitSignal(window.closed, timeout=1000):
        window.file_queue.stopped.emit()


def test_ctrl_q_quits(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.keyClick(window, Qt.Key.Key_Q, Qt.KeyboardModifier.ControlModifier)
    assert window.session.asked("close") == [None]
    assert not window.isVisible()


def test_a_session_that_stops_at_once_still_closes_the_window(window: MainWindow, qtbot: QtBot) -> None:
    """``close`` may emit ``stopped`` before it returns, if there was nothing to stop."""
    for part in (window.session, window.file_queue, window.model_library, window.personal_library):
        part.close = part.stopped.emit
    with qtbot.waitSignal(window.closed, timeout=1000):
        window.close()


def is_scroll_arrow(widget: QWidget) -> bool:
    """The arrows that Qt itself adds to a tab bar too narrow for its tabs; they take no focus."""
    return isinstance(widget.parentWidget(), QTabBar) and widget.focusPolicy() == Qt.FocusPolicy.NoFocus


def test_everything_interactive_has_a_name(window: MainWindow) -> None:
    window.actions_by_id["panel"].trigger()
    window.file_queue.job_changed.emit(FileJob(0, "/x/a.wav", FileJobState.DONE, 1.0, text="one\n"))
    nameless = [widget for widget in interactive(window) if not widget.accessibleName()]
    assert [widget for widget in nameless if not is_scroll_arrow(widget)] == []


def test_tab_reaches_every_control(window: MainWindow, qtbot: QtBot) -> None:
    window.actions_by_id["panel"].trigger()
    window.file_queue.job_changed.emit(FileJob(0, "/x/a.wav", FileJobState.DONE, 1.0, text="one\n"))
    window.record_button.setFocus()
    reached = []
    for _ in range(80):
        reached.append(window.focusWidget())
        qtbot.keyClick(window.focusWidget(), Qt.Key.Key_Tab)
        if window.focusWidget() is window.record_button:
            break
    panel, bar = window.side_panel, window.status_bar
    wanted: list[QWidget] = [
        window.record_button, window.level_strip, window.panel_button, *window.documents.buttons.values(),
        window.documents.tabs, window.documents.dictation, window.file_jobs.rows[0].name_button,
        window.file_jobs.rows[0].end_button, *(item.slider for item in panel.sliders.values()),
        panel.calibration.button, panel.input.device_box, panel.input.channel_box, panel.input.refresh_button,
        bar.health_button, bar.latency_button, bar.device_button, bar.model_button,
    ]  # fmt: skip
    assert [widget.accessibleName() for widget in wanted if widget not in reached] == []
    assert panel.mode_buttons["toggle"] in reached, "one of a group is reached by Tab, the others by arrows"
    order = [reached.index(widget) for widget in (wanted[0], wanted[1], wanted[2], window.documents.dictation)]
    assert order == sorted(order)
    assert reached.index(window.documents.dictation) < reached.index(bar.health_button)


def test_long_names_do_not_widen_the_window(window: MainWindow) -> None:
    window.resize(window.minimumSize())
    long_name = "A microphone with a name that a driver's author found informative, and then some more of it"
    window.session.input_changed.emit(InputStatus(InputState.DELIVERING, long_name))
    window.session.model_changed.emit(ModelStatus(ModelState.READY, long_name, "CPU", long_name))
    job = FileJob(0, f"/x/{long_name}.wav", FileJobState.FAILED, message=long_name, remedy=long_name)
    window.file_queue.job_changed.emit(job)
    assert window.minimumSizeHint().width() <= window.minimumWidth()
    assert long_name in window.status_bar.device_button.accessibleName()
    assert long_name in window.file_jobs.rows[0].status.toolTip()


def test_every_action_has_a_key_and_says_so_in_its_tip(window: MainWindow) -> None:
    keys = [key for spec in ACTIONS for key in spec.keys]
    assert len(keys) == len(set(keys))
    for spec in ACTIONS:
        action = window.actions_by_id[spec.action_id]
        assert action.shortcut().toString() in action.toolTip()
        assert not action.icon().isNull()


@pytest.mark.qt_log_ignore("This plugin does not support")
def test_f1_lists_the_shortcuts(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.keyClick(window, Qt.Key.Key_F1)
    assert window.shortcut_list.isVisible()
    assert "Ctrl+O" in window.shortcut_list.accessibleName()
    assert "Ctrl+Shift+Z: Bring back what Undo has taken" in window.shortcut_list.accessibleName()
    qtbot.keyClick(window.shortcut_list, Qt.Key.Key_Escape)
    assert not window.shortcut_list.isVisible()


def test_the_smallest_window_still_shows_everything(window: MainWindow) -> None:
    window.actions_by_id["panel"].trigger()
    window.resize(window.minimumSize())
    assert window.level_strip.width() >= window.level_strip.minimumSizeHint().width()
    for button in window.status_bar.findChildren(QAbstractButton):
        assert button.visibleRegion().boundingRect().width() == button.width()
