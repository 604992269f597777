from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from dictation.core.settings import Settings, WindowSettings
from dictation.core.status import SessionState
from dictation.ui.main_window import MainWindow

PUSH_TO_TALK = Settings(window=WindowSettings(record_mode="push-to-talk"))


def calls(window: MainWindow) -> list[str]:
    return [name for name, _ in window.session.calls if name in {"record", "stop"}]


def test_a_click_starts_and_another_stops(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.mouseClick(window.record_button, Qt.MouseButton.LeftButton)
    assert calls(window) == ["record"]
    assert window.record_button.title == "Stop"
    qtbot.mouseClick(window.record_button, Qt.MouseButton.LeftButton)
    assert calls(window) == ["record", "stop"]


@pytest.mark.parametrize("key", [Qt.Key.Key_F9, Qt.Key.Key_Space])
def test_keys_start_and_stop(window: MainWindow, qtbot: QtBot, key: Qt.Key) -> None:
    window.level_strip.setFocus()
    qtbot.keyClick(window.level_strip, key)
    qtbot.waitUntil(lambda: not window.record_button._is_key_held)
    qtbot.keyClick(window.level_strip, key)
    assert calls(window) == ["record", "stop"]


def test_space_works_from_the_start_and_once_per_press(window: MainWindow, qtbot: QtBot) -> None:
    assert window.focusWidget() is window.record_button
    qtbot.keyClick(window.record_button, Qt.Key.Key_Space)
    assert calls(window) == ["record"]


def test_space_types_in_the_transcript_but_f9_records(window: MainWindow, qtbot: QtBot) -> None:
    view = window.documents.dictation
    view.setFocus()
    qtbot.keyClicks(view, "a b")
    assert view.toPlainText() == "a b"
    assert calls(window) == []
    qtbot.keyClick(view, Qt.Key.Key_F9)
    assert calls(window) == ["record"]


def test_push_to_talk_by_mouse(make_window: Callable[..., MainWindow], qtbot: QtBot) -> None:
    window = make_window(PUSH_TO_TALK)
    assert window.record_button.title == "Hold to talk"
    qtbot.mousePress(window.record_button, Qt.MouseButton.LeftButton)
    assert calls(window) == ["record"]
    qtbot.mouseRelease(window.record_button, Qt.MouseButton.LeftButton)
    assert calls(window) == ["record", "stop"]


@pytest.mark.parametrize("key", [Qt.Key.Key_F9, Qt.Key.Key_Space])
def test_push_to_talk_by_key_ignores_repeats(make_window: Callable[..., MainWindow], qtbot: QtBot, key: Qt.Key) -> None:
    window = make_window(PUSH_TO_TALK)
    window.level_strip.setFocus()
    qtbot.keyPress(window.level_strip, key)
    for kind in (QEvent.Type.KeyRelease, QEvent.Type.KeyPress):
        repeat = QKeyEvent(kind, key, Qt.KeyboardModifier.NoModifier, "", autorep=True)
        QApplication.sendEvent(window.level_strip, repeat)
    assert calls(window) == ["record"]
    qtbot.keyRelease(window.level_strip, key)
    qtbot.waitUntil(lambda: calls(window) == ["record", "stop"])


@pytest.mark.parametrize("mode", ["toggle", "push-to-talk"])
@pytest.mark.parametrize("key", [Qt.Key.Key_F9, Qt.Key.Key_Space])
def test_a_repeat_that_qt_took_for_a_press_changes_nothing(
    make_window: Callable[..., MainWindow], qtbot: QtBot, key: Qt.Key, mode: str
) -> None:
    """A busy X11 machine: the pair of a repeat arrives in two halves, so neither is marked as a repeat."""
    window = make_window(Settings(window=WindowSettings(record_mode=mode)))
    assert window.focusWidget() is window.record_button
    qtbot.keyPress(window.record_button, key)
    for _ in range(3):
        qtbot.keyRelease(window.record_button, key)
        qtbot.keyPress(window.record_button, key)
    assert not window.record_button._key_bounce.isActive()
    assert calls(window) == ["record"]


def test_losing_the_keyboard_ends_push_to_talk(make_window: Callable[..., MainWindow], qtbot: QtBot) -> None:
    """Another window that comes to the front swallows the release; recording must not go on for ever."""
    window = make_window(PUSH_TO_TALK)
    window.level_strip.setFocus()
    qtbot.keyPress(window.level_strip, Qt.Key.Key_F9)
    QApplication.sendEvent(window.record_button, QEvent(QEvent.Type.WindowDeactivate))
    assert calls(window) == ["record", "stop"]


@pytest.mark.parametrize("state", list(SessionState))
def test_every_state_is_said_in_words(window: MainWindow, state: SessionState) -> None:
    window.session.set_state(state, is_recording=state is SessionState.LISTENING)
    assert window.record_button.subtitle == state.value
    assert state.value in window.record_button.accessibleName()
    assert not window.record_button.grab().isNull()


def test_recording_is_shown_even_if_the_state_stays_failed(window: MainWindow, qtbot: QtBot) -> None:
    """With model and input both broken the session is FAILED before and after, and announces nothing."""
    session = window.session
    session.set_state(SessionState.FAILED, is_recording=False)
    session.record = lambda: setattr(session, "is_recording", True)
    qtbot.mouseClick(window.record_button, Qt.MouseButton.LeftButton)
    assert window.record_button.title == "Stop"


def test_recording_may_start_while_the_model_loads(window: MainWindow, qtbot: QtBot) -> None:
    window.session.set_state(SessionState.LOADING, is_recording=False)
    qtbot.mouseClick(window.record_button, Qt.MouseButton.LeftButton)
    assert calls(window) == ["record"]


def test_a_recording_without_its_microphone_waits_and_has_not_failed(window: MainWindow) -> None:
    window.session.set_state(SessionState.FAILED, is_recording=True)
    assert window.record_button.subtitle == "no sound"
    assert window.windowTitle() == "Dictation: no sound"
    window.session.set_state(SessionState.FAILED, is_recording=False)
    assert window.record_button.subtitle == "failed"
