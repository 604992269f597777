from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QTabBar, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from dictation.core.status import FileJob, FileJobState
from dictation.ui.main_window import MainWindow

RUNNING, DONE = FileJobState.RUNNING, FileJobState.DONE


def mime_of(*paths: Path) -> QMimeData:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return mime


def drag_over(target: QWidget, mime: QMimeData) -> None:
    no_keys = Qt.KeyboardModifier.NoModifier
    event = QDragEnterEvent(QPoint(5, 5), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, no_keys)
    QApplication.sendEvent(target, event)


def drop_on(target: QWidget, mime: QMimeData) -> None:
    no_keys = Qt.KeyboardModifier.NoModifier
    event = QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, no_keys)
    QApplication.sendEvent(target, event)


@pytest.fixture(params=["window", "transcript", "strip"])
def target(request: pytest.FixtureRequest, window: MainWindow) -> QWidget:
    """Files may be dropped anywhere; the editor would otherwise take them for text."""
    view = window.documents.dictation.viewport()
    return {"window": window, "transcript": view, "strip": window.level_strip}[request.param]


def test_files_and_folders_dropped_anywhere_are_queued(window: MainWindow, target: QWidget, tmp_path: Path) -> None:
    file, folder = tmp_path / "a b.wav", tmp_path / "talks"
    file.touch()
    folder.mkdir()
    mime = mime_of(file, folder)
    drag_over(target, mime)
    assert window.drop_overlay.isVisible()
    drop_on(target, mime)
    assert window.file_queue.added == [file, folder]
    assert not window.drop_overlay.isVisible()
    assert window.documents.dictation.toPlainText() == ""


def test_the_overlay_goes_with_the_files(window: MainWindow, tmp_path: Path) -> None:
    drag_over(window, mime_of(tmp_path))
    QApplication.sendEvent(window, QDragLeaveEvent())
    assert not window.drop_overlay.isVisible()


def test_text_and_web_addresses_are_not_files(window: MainWindow) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl("https://example.org/a.mp3")])
    drag_over(window, mime)
    drop_on(window, mime)
    assert not window.drop_overlay.isVisible()
    assert window.file_queue.added == []


def test_open_asks_for_files_and_remembers_the_folder(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = [str(tmp_path / "a.wav"), str(tmp_path / "b.mp4")]
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: (chosen, ""))
    qtbot.keyClick(window, Qt.Key.Key_O, Qt.KeyboardModifier.ControlModifier)
    assert window.file_queue.added == [Path(name) for name in chosen]
    assert window.settings_store.settings.window.last_folder == str(tmp_path)


def test_a_job_shows_progress_speed_and_can_be_cancelled(window: MainWindow, qtbot: QtBot) -> None:
    assert not window.file_jobs.isVisible()
    window.file_queue.job_changed.emit(FileJob(3, "/x/talk.mp4", RUNNING, 0.25, 60.0, 12.34))
    row = window.file_jobs.rows[3]
    assert window.file_jobs.isVisible()
    assert row.progress.value() == 250
    assert "12.3 × real time" in row.status.text()  # noqa: RUF001
    qtbot.mouseClick(row.end_button, Qt.MouseButton.LeftButton)
    assert window.file_queue.cancelled == [3]


def test_unknown_length_shows_seconds_instead(window: MainWindow) -> None:
    window.file_queue.job_changed.emit(FileJob(0, "/x/stream.webm", RUNNING, None, 61.0, 9.0))
    row = window.file_jobs.rows[0]
    assert row.progress.maximum() == 0
    assert "61 s read" in row.status.text()


@pytest.mark.parametrize("state", list(FileJobState))
def test_every_job_state_is_said_in_words(window: MainWindow, state: FileJobState) -> None:
    window.file_queue.job_changed.emit(FileJob(0, "/x/a.wav", state))
    assert window.file_jobs.rows[0].status.text().startswith(state.value)


def test_a_failed_file_gives_one_line_and_its_remedy(window: MainWindow) -> None:
    job = FileJob(0, "/x/a.mov", FileJobState.FAILED, message="There is no sound in it.", remedy="Choose another.")
    window.file_queue.job_changed.emit(job)
    assert window.file_jobs.rows[0].status.text() == "failed · There is no sound in it. · Choose another."
    assert window.documents.tabs.count() == 1


def test_each_file_has_its_own_document(window: MainWindow) -> None:
    emit = window.file_queue.job_changed.emit
    assert not window.documents.tabs.isVisible()
    emit(FileJob(0, "/x/a.wav", RUNNING, 0.1, text="one\n"))
    emit(FileJob(1, "/x/R&D.wav", RUNNING, 0.1, text="alpha\n"))
    emit(FileJob(0, "/x/a.wav", DONE, 1.0, text="one\ntwo\n"))
    assert window.documents.tabs.isVisible()
    assert [window.documents.file_document(job).toPlainText() for job in (0, 1)] == ["one\ntwo", "alpha"]
    assert window.documents.tabs.tabText(2) == "R&&D.wav"
    assert window.documents.dictation.toPlainText() == ""


def test_corrections_survive_further_text(window: MainWindow) -> None:
    emit = window.file_queue.job_changed.emit
    emit(FileJob(0, "/x/a.wav", RUNNING, 0.1, text="wun\n"))
    document = window.documents.file_document(0)
    document.setPlainText("one")
    emit(FileJob(0, "/x/a.wav", DONE, 1.0, text="wun\ntwo\n"))
    assert document.toPlainText() == "one\ntwo"


def test_a_click_on_the_name_shows_the_document(window: MainWindow, qtbot: QtBot) -> None:
    window.file_queue.job_changed.emit(FileJob(0, "/x/a.wav", RUNNING, 0.1, text="one\n"))
    assert window.documents.current is window.documents.dictation
    qtbot.mouseClick(window.file_jobs.rows[0].name_button, Qt.MouseButton.LeftButton)
    assert window.documents.current is window.documents.file_document(0)
    window.documents.tabs.setFocus()
    qtbot.keyClick(window.documents.tabs, Qt.Key.Key_Left)
    assert window.documents.current is window.documents.dictation


def test_only_finished_documents_can_be_closed(window: MainWindow, qtbot: QtBot) -> None:
    emit, tabs, side = window.file_queue.job_changed.emit, window.documents.tabs, QTabBar.ButtonPosition.RightSide
    emit(FileJob(0, "/x/a.wav", RUNNING, 0.1, text="one\n"))
    assert tabs.tabButton(0, side) is None
    assert tabs.tabButton(1, side) is None
    emit(FileJob(0, "/x/a.wav", DONE, 1.0, text="one\n"))
    qtbot.mouseClick(tabs.tabButton(1, side), Qt.MouseButton.LeftButton)
    assert tabs.count() == 1
    assert not tabs.isVisible()
    assert window.file_jobs.rows == {}
    assert window.documents.current is window.documents.dictation


def test_a_finished_job_can_be_taken_off_the_list_and_keeps_its_text(window: MainWindow, qtbot: QtBot) -> None:
    emit = window.file_queue.job_changed.emit
    emit(FileJob(0, "/x/a.wav", DONE, 1.0, text="one\n"))
    qtbot.mouseClick(window.file_jobs.rows[0].end_button, Qt.MouseButton.LeftButton)
    emit(FileJob(0, "/x/a.wav", DONE, 1.0, text="one\n"))
    assert not window.file_jobs.isVisible()
    assert window.file_queue.cancelled == []
    assert window.documents.file_document(0).toPlainText() == "one"


def test_many_files_scroll_instead_of_filling_the_window(window: MainWindow) -> None:
    for job_id in range(30):
        window.file_queue.job_changed.emit(FileJob(job_id, f"/x/{job_id}.wav"))
    assert window.file_jobs.height() < 200
    QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
    assert window.documents.height() > 200


def test_many_tabs_keep_their_names_and_arrows_lead_to_the_rest(window: MainWindow, qtbot: QtBot) -> None:
    for job_id in range(1, 13):
        window.file_queue.job_changed.emit(FileJob(job_id, f"/talks/talk {job_id}.mp3", DONE, text="words\n"))
    tabs = window.documents.tabs
    assert tabs.elideMode() is Qt.TextElideMode.ElideNone
    arrows = [button for button in tabs.findChildren(QToolButton) if button.arrowType() is not Qt.ArrowType.NoArrow]
    qtbot.waitUntil(lambda: all(arrow.isVisible() for arrow in arrows))
    assert len(arrows) == 2
    assert tabs.width() > window.documents.header.width() / 2  # what the four buttons leave is for tabs
    window.documents.show_document(12)
    qtbot.waitUntil(lambda: 0 <= tabs.tabRect(12).center().x() < tabs.width())


def test_a_long_file_name_leaves_room_for_other_tabs(window: MainWindow) -> None:
    name = "what we said about the house by the river on the last Thursday of the month.mp3"
    window.file_queue.job_changed.emit(FileJob(1, f"/talks/{name}", DONE, text="words\n"))
    tabs = window.documents.tabs
    assert "…" in tabs.tabText(1)
    assert name in tabs.tabToolTip(1)
    assert tabs.tabRect(1).width() < 300
