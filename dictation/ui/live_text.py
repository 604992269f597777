"""Writes what the session hears into the transcript."""

from __future__ import annotations

from dictation.core.records import Gap, Tentative, Utterance
from dictation.ui.announcement import announce
from dictation.ui.transcript_view import TranscriptView

PARAGRAPH_PAUSE_S = 2.5
"""A longer silence between two utterances begins a new paragraph."""


class LiveText:
    """Turns utterances, gaps and tentative texts into a document; screen readers say the first two."""

    def __init__(self, view: TranscriptView) -> None:
        self._view = view
        self._tentatives: dict[int, Tentative] = {}
        self._last_end_s: float | None = None

    def show_tentative(self, tentative: Tentative | None) -> None:
        """Show the open utterance; None takes it away. Older revisions that arrive late are ignored."""
        if tentative is None:
            self._tentatives.clear()
        else:
            known = self._tentatives.get(tentative.segment_id)
            if known is None or known.revision <= tentative.revision:
                self._tentatives[tentative.segment_id] = tentative
        self._show()

    def add_utterance(self, utterance: Utterance) -> None:
        """Add a finished utterance in place of its tentative text; noise has no text and adds nothing."""
        self._tentatives = {key: value for key, value in self._tentatives.items() if key > utterance.segment_id}
        self._view.show_tentative("", "")
        if utterance.text:
            # The first utterance stands apart from what an earlier run has left.
            is_apart = self._last_end_s is None or utterance.start_s - self._last_end_s > PARAGRAPH_PAUSE_S
            self._view.append_text(utterance.text, new_paragraph=is_apart)
            announce(self._view, utterance.text)
            self._last_end_s = utterance.end_s
        self._show()

    def add_gap(self, gap: Gap) -> None:
        """Add the mark of lost audio."""
        self._view.append_gap(gap)
        announce(self._view, gap.text)

    def _show(self) -> None:
        """Show all tentative texts in order: the last one may change, those before it only wait to be final."""
        ordered = [self._tentatives[key] for key in sorted(self._tentatives)]
        stable = " ".join(part for item in ordered[:-1] for part in (item.stable_text, item.tail_text) if part)
        tail = ""
        if ordered:
            stable = " ".join(part for part in (stable, ordered[-1].stable_text) if part)
            tail = ordered[-1].tail_text
        separator = " " if stable and tail and not tail.startswith(" ") else ""
        self._view.show_tentative(stable + separator, tail)
