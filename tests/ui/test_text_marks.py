from __future__ import annotations

import pytest
from PySide6.QtGui import QTextCursor
from pytestqt.qtbot import QtBot

from dictation.ui.recovered_text import time_words
from dictation.ui.text_marks import RECOVERED
from dictation.ui.transcript_view import TranscriptView


def test_marks_stand_out_again_when_a_text_is_restored(qtbot: QtBot) -> None:
    first = "[0.4 s lost: ring] one  [12.0 s lost: device], two [3 s lost: device]"
    kept = f"{first}\n[recovered, spoken at 12:00] [1.0 s lost: ring]"
    view = TranscriptView("Transcript")
    qtbot.addWidget(view)
    view.restore_text(kept)
    assert view.toPlainText() == kept
    marked = ""
    cursor = QTextCursor(view.document())
    while cursor.movePosition(QTextCursor.MoveOperation.Right, QTextCursor.MoveMode.KeepAnchor):
        marked += cursor.selectedText() if cursor.charFormat().fontItalic() else "|"
        cursor.clearSelection()
    marks = [mark.replace("\N{NO-BREAK SPACE}", " ").strip() for mark in marked.split("|") if mark]
    assert marks == [
        "[0.4 s lost: ring]",
        "[12.0 s lost: device]",
        "[recovered, spoken at 12:00]",
        "[1.0 s lost: ring]",
    ]
    assert not view.document().isUndoAvailable()


@pytest.mark.parametrize("said_at_s", [0.0, 1e9, 4e9])
def test_a_recovered_mark_is_found_whenever_it_was_spoken(said_at_s: float) -> None:
    assert RECOVERED.pattern.fullmatch(f"[recovered, spoken {time_words(said_at_s)}]")
