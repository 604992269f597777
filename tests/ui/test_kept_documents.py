"""Texts of files come back at the next start as they were edited."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pytestqt.qtbot import QtBot

from dictation.core.status import FileJob, FileJobState
from dictation.ui.documents_link import PART_WORDS, DocumentsLink
from dictation.ui.main_window import MainWindow


def test_edited_texts_come_back_and_closing_a_document_ends_it(
    make_window: Callable[..., MainWindow], qtbot: QtBot, tmp_path: Path
) -> None:
    first = make_window()
    link = DocumentsLink(first, tmp_path)
    first.file_queue.job_changed.emit(FileJob(0, "/home/anna/memo.m4a", FileJobState.DONE, 1.0, text="buy flower\n"))
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
