"""Puts the words that an earlier run could not write any more behind the text of that run."""

from __future__ import annotations

from PySide6.QtCore import QDateTime, QLocale
from PySide6.QtGui import QTextBlockFormat, QTextCharFormat, QTextCursor

from dictation.core.recovery import RecoveredUtterance
from dictation.ui.live_text import PARAGRAPH_PAUSE_S
from dictation.ui.text_marks import RECOVERED
from dictation.ui.transcript_view import TranscriptView


def time_words(said_at_s: float) -> str:
    """When something was said, as one says it: "at 09:30", or "on 20 Nov at 23:10" if not today."""
    said = QDateTime.fromMSecsSinceEpoch(round(said_at_s * 1000))
    clock = said.toString("HH:mm")
    if said.date() == QDateTime.currentDateTime().date():
        return f"at {clock}"
    return f"on {QLocale.c().toString(said.date(), 'd MMM')} at {clock}"


class RecoveredText:
    """Remembers where the text of the earlier run ends; what is said meanwhile comes behind what is recovered."""

    def __init__(self, view: TranscriptView) -> None:
        """Take the present end of the text for the end of the earlier run."""
        self._place = QTextCursor(view.document())
        self._place.movePosition(QTextCursor.MoveOperation.End)
        self._place.setKeepPositionOnInsert(True)
        self._last_end_s = 0.0

    def add(self, recovered: RecoveredUtterance) -> None:
        """Add an utterance as one undo step; the first of a run is marked, and a pause begins a paragraph."""
        utterance = recovered.utterance
        is_apart = recovered.is_first or utterance.start_s - self._last_end_s > PARAGRAPH_PAUSE_S
        self._last_end_s = utterance.end_s
        cursor = QTextCursor(self._place.document())
        cursor.setPosition(self._place.position())  # a copy would select what came behind: its anchor has moved
        cursor.beginEditBlock()
        if not cursor.atBlockStart():
            if is_apart:
                cursor.insertBlock()
            else:
                cursor.insertText(" ", QTextCharFormat())
        if recovered.is_first:
            RECOVERED.insert(cursor, f"[recovered, spoken {time_words(recovered.said_at_s)}]")
            cursor.insertText(" ", QTextCharFormat())
        cursor.insertText(utterance.text, QTextCharFormat())
        if not cursor.atBlockEnd():
            cursor.insertBlock()
            cursor.movePosition(QTextCursor.MoveOperation.PreviousCharacter)
        cursor.mergeBlockFormat(QTextBlockFormat())  # keeps undo steps apart, see TranscriptView
        cursor.endEditBlock()
        self._place.setPosition(cursor.position())
