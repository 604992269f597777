"""Marks between the words of a transcript: what is missing there, and what comes from an earlier run."""

from __future__ import annotations

import re
from dataclasses import dataclass

from PySide6.QtGui import QColor, QTextBlock, QTextCharFormat, QTextCursor

from dictation.core.records import GAP_MARK
from dictation.ui.theme import current_tokens


@dataclass(frozen=True)
class TextMark:
    """A kind of mark.

    Attributes:
        pattern: Finds it in a text that was kept.
        token: Of its colour, among the theme's.
        explanation: Its tooltip.
    """

    pattern: re.Pattern[str]
    token: str
    explanation: str

    def insert(self, cursor: QTextCursor, text: str) -> None:
        """Put ``text`` in the place of the selection.

        Its spaces do not break, so that it stays on one line; ``toPlainText`` gives ordinary ones.
        """
        ink = QTextCharFormat()
        ink.setForeground(QColor(getattr(current_tokens(), self.token)))
        ink.setFontItalic(True)
        ink.setToolTip(self.explanation)
        cursor.insertText(text.replace(" ", "\N{NO-BREAK SPACE}"), ink)


GAP = TextMark(GAP_MARK, "warning", "Sound is missing here")
RECOVERED = TextMark(
    re.compile(r"\[recovered, spoken (on [^]]+ )?at \d\d:\d\d\]"),
    "muted",
    "The program ended before this became text; it was recognised from the kept sound",
)


def restore_marks(block: QTextBlock) -> None:
    """Make marks stand out that came back as plain text; no character is added or lost."""
    for mark in (GAP, RECOVERED):
        for found in mark.pattern.finditer(block.text()):
            cursor = QTextCursor(block)
            cursor.setPosition(block.position() + found.start())
            cursor.setPosition(block.position() + found.end(), QTextCursor.MoveMode.KeepAnchor)
            mark.insert(cursor, found.group())
