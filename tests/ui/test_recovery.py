"""Recovered words in the text, and the notice that tells of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QDateTime, Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from dictation.core.errors import DictationError
from dictation.core.recovery import RecoveredUtterance, RecoveryState, RecoveryStatus
from dictation.core.settings import RecoverySettings
from dictation.ui.main_window import MainWindow
from dictation.ui.recovered_text import time_words
from dictation.ui.recovery_link import RecoveryLink
from tests.support.fake_session import FakeRecovery
from tests.support.scene import utterance

NOON_S = QDateTime.currentDateTime().date().startOfDay().toMSecsSinceEpoch() / 1000 + 12 * 3600
KEPT = RecoveryStatus(
    RecoveryState.KEPT, 3.25, NOON_S, 0, "/data/sound/run", "No recognition model was found.", "Install one."
)


def recovered(text: str, start_s: float = 0.0, *, is_first: bool = False) -> RecoveredUtterance:
    return RecoveredUtterance(utterance(0, text, start_s, start_s + 1.0), NOON_S + start_s, is_first)


@pytest.fixture
def recovery(window: MainWindow) -> FakeRecovery:
    window.documents.dictation.restore_text("the last run")
    recovery = FakeRecovery()
    RecoveryLink(window, recovery)
    return recovery


def text(window: MainWindow) -> str:
    return window.documents.dictation.toPlainText()


def test_recovered_words_follow_the_text_of_their_run_marked(window: MainWindow, recovery: FakeRecovery) -> None:
    recovery.utterance_recovered.emit(recovered("one two", is_first=True))
    recovery.utterance_recovered.emit(recovered("three", 1.5))
    recovery.utterance_recovered.emit(recovered("four", 9.0))
    assert text(window) == "the last run\n[recovered, spoken at 12:00] one two three\nfour"


def test_what_is_said_meanwhile_comes_behind_them(window: MainWindow, recovery: FakeRecovery) -> None:
    window.session.utterance_ready.emit(utterance(0, "new words", 1.0, 2.0))
    recovery.utterance_recovered.emit(recovered("old words", is_first=True))
    window.session.utterance_ready.emit(utterance(1, "more", 2.2, 3.0))
    recovery.utterance_recovered.emit(recovered("still old", 1.2))
    assert text(window) == (
        "the last run\n[recovered, spoken at 12:00] old words still old\nnew words more"
    )  # fmt: skip


def test_an_empty_text_takes_them_before_new_words(window: MainWindow) -> None:
    recovery = FakeRecovery()
    RecoveryLink(window, recovery)
    window.session.utterance_ready.emit(utterance(0, "new words", 1.0, 2.0))
    recovery.utterance_recovered.emit(recovered("old words", is_first=True))
    assert text(window) == "[recovered, spoken at 12:00] old words\nnew words"


def test_each_is_one_undo_step(window: MainWindow, recovery: FakeRecovery) -> None:
    recovery.utterance_recovered.emit(recovered("one", is_first=True))
    recovery.utterance_recovered.emit(recovered("two", 1.5))
    window.documents.dictation.undo()
    assert text(window) == "the last run\n[recovered, spoken at 12:00] one"
    window.documents.dictation.undo()
    assert text(window) == "the last run"


def test_tentative_words_stay_behind_all(window: MainWindow, recovery: FakeRecovery) -> None:
    view = window.documents.dictation
    view.show_tentative("being said", "")
    recovery.utterance_recovered.emit(recovered("old", is_first=True))
    assert view.tentative_text == "being said"
    assert view.document().lastBlock().layout().preeditAreaText().strip() == "being said"


def test_the_notice_tells_how_it_goes(window: MainWindow, recovery: FakeRecovery) -> None:
    notice = window.recovery_notice
    assert not notice.isVisible()
    recovery.status_changed.emit(RecoveryStatus(RecoveryState.RUNNING, 3.25, NOON_S))
    assert notice.title.text() == "Recovering 3.2 s of speech, spoken at 12:00…"
    assert not notice.retry_button.isVisible()
    recovery.status_changed.emit(RecoveryStatus(RecoveryState.DONE, 3.25, NOON_S, 9))
    assert "9 words stand in the text now" in notice.details.text()
    notice.dismiss_button.click()
    assert not notice.isVisible()


def test_what_is_kept_can_be_tried_saved_and_deleted(
    window: MainWindow, recovery: FakeRecovery, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notice = window.recovery_notice
    recovery.status_changed.emit(KEPT)
    assert notice.isVisible()
    words = notice.details.text()
    assert all(part in words for part in (KEPT.message, KEPT.remedy, KEPT.folder))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    for button in (notice.retry_button, notice.export_button, notice.discard_button):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert recovery.calls == [("retry",), ("export", tmp_path)]
    assert notice.discard_button.text() == "Really delete?"
    qtbot.mouseClick(notice.discard_button, Qt.MouseButton.LeftButton)
    assert recovery.calls[-1] == ("discard",)
    assert not notice.isVisible()
    recovery.exported.emit(2, "/music")
    assert window.toast.text() == "Saved 2 files in /music"
    recovery.failed.emit(DictationError("It could not be saved.", "Free some space."))
    assert ("It could not be saved.", "Free some space.") in window.banner.messages


def test_another_day_is_named() -> None:
    assert time_words(NOON_S - 40 * 86400).startswith("on ")


def test_the_panel_sets_what_is_kept(window: MainWindow) -> None:
    window.actions_by_id["panel"].trigger()
    box = window.side_panel.keeping_box
    assert box.isChecked()
    box.click()
    assert window.settings_store.settings.recovery == RecoverySettings(keeps_sound=False)
    assert window.session.asked("keep_sound") == [RecoverySettings(keeps_sound=False)]
    window.settings_store.update(RecoverySettings(keeps_sound=True))
    assert box.isChecked()
