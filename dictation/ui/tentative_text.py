"""Text shown inline at the end of a document without being part of it, the way input methods show theirs.

It lives in the preedit area of the last block's layout (``QTextLayout.setPreeditArea``), so it is laid out with
the text but is neither in ``toPlainText`` nor in the undo history.
"""

from __future__ import annotations

from PySide6.QtGui import QColor, QTextBlock, QTextCharFormat, QTextDocument, QTextLayout


class TentativeText:
    """Keeps a stable part and a doubtful tail after the last character of a document."""

    def __init__(self, document: QTextDocument) -> None:
        self._document = document
        self._block = QTextBlock()
        self._stable = self._tail = ""
        self._stable_ink, self._tail_ink = QColor("black"), QColor("gray")
        self._is_suspended = False
        document.contentsChange.connect(self._on_contents_change)

    @property
    def stable(self) -> str:
        """The part that will most likely stay."""
        return self._stable

    @property
    def tail(self) -> str:
        """The part that may still change."""
        return self._tail

    def set_inks(self, stable: QColor, tail: QColor) -> None:
        """Choose the colours."""
        self._stable_ink, self._tail_ink = stable, tail
        self.refresh()

    def show(self, stable: str, tail: str) -> None:
        """Replace what is shown; empty texts remove it."""
        if (stable, tail) != (self._stable, self._tail):
            self._stable, self._tail = stable, tail
            self.refresh()

    def set_suspended(self, is_suspended: bool) -> None:
        """Make room for a real input method, which needs the same area while it composes."""
        if is_suspended != self._is_suspended:
            self._is_suspended = is_suspended
            self._document.contentsChange.disconnect(self._on_contents_change)
            if is_suspended:
                self._remove()
            self._document.contentsChange.connect(self._on_contents_change)
            self.refresh()

    def refresh(self) -> None:
        """Put the text back where it belongs; needed after the widget cleared the area."""
        if not self._is_suspended:
            self._place()
            self._relayout(self._document.lastBlock())

    def _on_contents_change(self, _position: int, _removed: int, _added: int) -> None:
        """Follow the end of the document; Qt emits this just before it lays the text out."""
        if not self._is_suspended:
            self._place()

    def _place(self) -> None:
        """Move the text to the end of the last block."""
        last = self._document.lastBlock()
        if self._block.isValid() and self._block != last:
            self._remove()
        self._block = last
        words = self._stable + self._tail
        length = len(last.text())
        if words and length and not last.text()[-1].isspace():
            words = f" {words}"
        layout = last.layout()
        layout.setPreeditArea(length if words else -1, words)
        layout.setFormats(self._formats(length, len(words)))

    def _remove(self) -> None:
        """Take the text out of the block it was last shown in."""
        if self._block.isValid():
            layout = self._block.layout()
            layout.setPreeditArea(-1, "")
            layout.setFormats([])
            self._relayout(self._block)

    def _formats(self, start: int, length: int) -> list[QTextLayout.FormatRange]:
        """Normal ink for the stable part; muted with a dotted line for the tail."""
        tail_length = min(len(self._tail), length)
        stable_format, tail_format = QTextCharFormat(), QTextCharFormat()
        stable_format.setForeground(self._stable_ink)
        tail_format.setForeground(self._tail_ink)
        tail_format.setFontItalic(True)
        tail_format.setUnderlineStyle(QTextCharFormat.UnderlineStyle.DotLine)
        tail_format.setUnderlineColor(self._tail_ink)
        spans = [(start, length - tail_length, stable_format), (start + length - tail_length, tail_length, tail_format)]
        ranges = []
        for span_start, span_length, char_format in spans:
            if span_length > 0:
                span = QTextLayout.FormatRange()
                span.start, span.length, span.format = span_start, span_length, char_format
                ranges.append(span)
        return ranges

    def _relayout(self, block: QTextBlock) -> None:
        """Have one block laid out again."""
        self._document.markContentsDirty(block.position(), block.length())
