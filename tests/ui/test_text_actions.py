from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from dictation.core.records import Tentative
from dictation.core.status import FileJob, FileJobState
from dictation.ui.main_window import MainWindow
from tests.support.scene import utterance

CTRL_SHIFT = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def spoken(window: MainWindow) -> MainWindow:
    """A window with four words and a tentative one."""
    window.session.utterance_ready.emit(utterance(0, "straße und", 0.0, 1.0))
    window.session.utterance_ready.emit(utterance(1, "brücke drei", 1.2, 2.0))
    window.session.tentative_changed.emit(Tentative(2, 1, "vier", ""))
    return window


def clipboard() -> str:
    return QGuiApplication.clipboard().text()


def test_copy_takes_all_text_and_says_how_much(spoken: MainWindow, qtbot: QtBot) -> None:
    qtbot.mouseClick(spoken.documents.buttons["copy"], Qt.MouseButton.LeftButton)
    assert clipboard() == "straße und brücke drei"
    assert spoken.toast.isVisible()
    assert spoken.toast.text() == "Copied 4 words"


def test_copy_takes_the_selection_if_there_is_one(spoken: MainWindow, qtbot: QtBot) -> None:
    view = spoken.documents.dictation
    cursor = view.textCursor()
    cursor.movePosition(cursor.MoveOperation.Start)
    cursor.movePosition(cursor.MoveOperation.EndOfWord, cursor.MoveMode.KeepAnchor)
    view.setTextCursor(cursor)
    qtbot.keyClick(spoken, Qt.Key.Key_C, CTRL_SHIFT)
    assert clipboard() == "straße"
    assert spoken.toast.text() == "Copied 1 word"


def test_copying_nothing_leaves_the_clipboard_alone(window: MainWindow) -> None:
    QGuiApplication.clipboard().setText("before")
    window.actions_by_id["copy"].trigger()
    assert clipboard() == "before"
    assert "nothing" in window.toast.text()


def test_the_message_goes_by_itself(spoken: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    spoken.toast._timer.setInterval(10)
    spoken.actions_by_id["copy"].trigger()
    qtbot.waitUntil(lambda: not spoken.toast.isVisible())


def test_clear_is_one_undo_step(spoken: MainWindow, qtbot: QtBot) -> None:
    view = spoken.documents.dictation
    spoken.session.tentative_changed.emit(None)
    qtbot.keyClick(spoken, Qt.Key.Key_Delete, CTRL_SHIFT)
    assert view.toPlainText() == ""
    assert spoken.documents.empty_state.isVisible()
    qtbot.keyClick(spoken, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert view.toPlainText() == "straße und brücke drei"
    qtbot.keyClick(view, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert view.toPlainText() == "straße und"


def test_words_spoken_after_clear_begin_the_text_anew(spoken: MainWindow) -> None:
    spoken.actions_by_id["clear"].trigger()
    spoken.session.utterance_ready.emit(utterance(2, "vier", 30.0, 31.0))
    assert spoken.documents.dictation.toPlainText() == "vier"


def test_save_writes_utf8_and_remembers_the_folder(
    spoken: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "text.txt"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    qtbot.keyClick(spoken, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    assert target.read_bytes() == "straße und brücke drei\n".encode()
    assert spoken.toast.text() == "Saved 4 words to text.txt"
    assert spoken.settings_store.settings.window.last_folder == str(tmp_path)


def test_a_save_that_was_called_off_does_nothing(spoken: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: ("", ""))
    spoken.actions_by_id["save"].trigger()
    assert not spoken.toast.isVisible()
    assert spoken.settings_store.settings.window.last_folder == ""


def test_a_failed_save_is_told_in_the_banner(
    spoken: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "absent" / "text.txt"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    spoken.actions_by_id["save"].trigger()
    assert "text.txt could not be saved" in spoken.banner.title.text()
    assert spoken.documents.dictation.toPlainText() == "straße und brücke drei"


def test_actions_are_for_the_document_in_front(spoken: MainWindow) -> None:
    spoken.file_queue.job_changed.emit(FileJob(7, "/x/a.wav", FileJobState.DONE, 1.0, text="one two three\n"))
    spoken.documents.show_document(7)
    spoken.actions_by_id["copy"].trigger()
    assert clipboard() == "one two three"
    spoken.actions_by_id["clear"].trigger()
    assert spoken.documents.file_document(7).toPlainText() == ""
    assert spoken.documents.dictation.toPlainText() == "straße und brücke drei"
    spoken.actions_by_id["undo"].trigger()
    assert spoken.documents.file_document(7).toPlainText() == "one two three"
    spoken.actions_by_id["redo"].trigger()
    assert spoken.documents.file_document(7).toPlainText() == ""
    assert spoken.documents.dictation.toPlainText() == "straße und brücke drei"
