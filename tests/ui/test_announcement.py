"""Screen readers are told of final text, and of nothing that may still change."""

from __future__ import annotations

from unittest.mock import Mock

import pytest
from PySide6.QtGui import QAccessible, QAccessibleEvent

from dictation.core.records import Gap, LossCause, Tentative
from dictation.ui import announcement
from dictation.ui.main_window import MainWindow
from tests.support.scene import utterance


def test_final_text_and_gaps_are_announced(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, object, object]] = []

    def note(event: QAccessibleEvent) -> None:
        told.append((event.message(), event.object(), event.politeness()))
        QAccessible.updateAccessibility(event)  # Qt takes it, too

    monkeypatch.setattr(announcement, "QAccessible", Mock(updateAccessibility=note))
    window.session.tentative_changed.emit(Tentative(0, 1, "good", "more"))
    assert told == []
    window.session.utterance_ready.emit(utterance(0, "good morning", 0.0, 2.0))
    window.session.utterance_ready.emit(utterance(1, "", 3.0, 4.0))  # noise
    gap = Gap(5.0, 1.2, LossCause.DEVICE)
    window.session.gap_found.emit(gap)
    view, polite = window.documents.dictation, QAccessible.AnnouncementPoliteness.Polite
    assert told == [("good morning", view, polite), (gap.text, view, polite)]
