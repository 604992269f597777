"""Texts of files come back at the next start as they were edited."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from dictation.core.status import FileJob, FileJobState
from dictation.ui.documents import MOST_CLOSED
from dictation.ui.documents_link import PART_WORDS, DocumentsLink
from dictation.ui.main_window import MainWindow

MEMO = FileJob(0, "/home/anna/memo.m4a", FileJobState.DONE, 1.0, text="buy flower\n")


def test_edited_texts_come_back_and_closing_a_document_ends_it(
    make_window: Callable[..., MainWindow], qtbot: QtBot, tmp_path: Path
) -> None:
    first = make_window()
    link = DocumentsLink(first, tmp_path)
    first.file_queue.job_changed.emit(MEMO)
    first.file_queue.job_changed.emit(FileJob(1, "/home/anna/talk.mp4", FileJobState.RUNNING, 0.4, text="good morning"))
    document = first.documents.file_document(0)
    assert document is not None
    document.setPlainText("buy flour\n\nand salt")
    link.store.close()

    second = make_window()
    link = DocumentsLink(second, tmp_path)
    assert second.documents.tabs.count() == 3
    whole, part = second.documents.file_document(-1), second.documents.file_document(-2)
    assert whole is not None
    assert part is not None
    assert whole.toPlainText() == "buy flour\n\nand salt"
    assert not whole.document().isUndoAvailable()
    assert part.toPlainText() == "good morning"
    assert PART_WORDS in second.file_jobs.rows[-2].status.toolTip()
    second.documents.close_wanted.emit(-1)
    link.store.close()
    third = make_window()
    DocumentsLink(third, tmp_path)
    assert third.documents.tabs.count() == 2


def test_a_closed_text_comes_back_with_its_edits_and_is_kept_again(
    make_window: Callable[..., MainWindow], qtbot: QtBot, tmp_path: Path
) -> None:
    window = make_window()
    link = DocumentsLink(window, tmp_path)
    window.file_queue.job_changed.emit(MEMO)
    window.documents.show_document(0)
    window.documents.current.insertPlainText(" please")
    qtbot.keyClick(window, Qt.Key.Key_W, Qt.KeyboardModifier.ControlModifier)
    assert window.documents.tabs.count() == 1
    assert not window.documents.tabs.isVisible()
    assert window.toast.text() == "Closed memo.m4a. Ctrl+Shift+T brings it back"
    window.actions_by_id["reopen"].trigger()
    document = window.documents.current
    assert document is window.documents.file_document(0)
    assert document.toPlainText() == "buy flower please"
    document.undo()
    assert document.toPlainText() == "buy flower"
    window.actions_by_id["reopen"].trigger()
    assert window.toast.text() == "No closed text to bring back"
    link.store.close()
    again = make_window()
    DocumentsLink(again, tmp_path)
    assert again.documents.file_document(-1).toPlainText() == "buy flower"


def test_the_dictation_and_a_running_file_stay_open(window: MainWindow) -> None:
    window.actions_by_id["close"].trigger()
    assert window.toast.text().startswith("The dictation stays open")
    window.file_queue.job_changed.emit(FileJob(3, "/home/anna/memo.m4a", FileJobState.RUNNING, 0.5, text="buy\n"))
    window.documents.show_document(3)
    window.actions_by_id["close"].trigger()
    assert window.toast.text().startswith("This file is still being transcribed")
    assert window.documents.tabs.count() == 2


def test_only_the_last_ten_closed_texts_come_back(window: MainWindow) -> None:
    for number in range(MOST_CLOSED + 1):
        window.file_queue.job_changed.emit(
            FileJob(number, f"/{number}.wav", FileJobState.DONE, 1.0, text=f"{number}\n")
        )
        window.documents.close_wanted.emit(number)
    found = []
    while document := window.documents.reopen():
        found.append(document.toPlainText())
    assert found == [str(number) for number in range(MOST_CLOSED, 0, -1)]
