from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDropEvent
from pytestqt.qtbot import QtBot

from dictation.core.errors import TooLittleText
from dictation.core.personal import BuildProgress, BuildStage
from dictation.core.settings import RecognizerSettings
from dictation.ui.main_window import MainWindow
from dictation.ui.personal_panel import PersonalPanel, report_text
from tests.support.controls import interactive
from tests.support.scene import PERSONAL_MODELS, PERSONAL_REPORT

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")
HALF_WAY = BuildProgress(BuildStage.READING, 0.25, "letter.odt")


@pytest.fixture
def panel(window: MainWindow) -> PersonalPanel:
    window.words_link.open()
    words = window.words_link.window
    words.tabs.setCurrentIndex(1)
    assert window.personal_library.calls == [("refresh",)]
    window.personal_library.calls.clear()
    window.personal_library.listing_changed.emit(PERSONAL_MODELS)
    assert words.personal.isVisible()
    return words.personal


def used(window: MainWindow) -> str:
    return window.settings_store.settings.recognizer.personal_model


def test_dropped_documents_are_built_into_a_model_of_that_name(window: MainWindow, panel: PersonalPanel) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile("/home/a.odt"), QUrl.fromLocalFile("/home/letters")])
    panel.name.setText("  Choir ")
    panel.drop.dropEvent(QDropEvent(
        QPoint(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    ))  # fmt: skip
    assert window.personal_library.calls == [("build", (Path("/home/a.odt"), Path("/home/letters")), "Choir")]


def test_progress_is_shown_and_can_be_cancelled_by_keyboard(
    window: MainWindow, panel: PersonalPanel, qtbot: QtBot
) -> None:
    library = window.personal_library
    library.progress_changed.emit(HALF_WAY)
    assert panel.progress.value() == 250
    assert panel.status.text() == "Reading documents letter.odt"
    assert not panel.drop.isEnabled()
    qtbot.keyClick(panel.cancel_button, Qt.Key.Key_Space)
    assert library.calls == [("cancel",)]
    library.build_failed.emit(None)
    assert "nothing was kept" in panel.status.text()
    assert panel.drop.isEnabled()
    assert not panel.progress.isVisible()


def test_a_result_is_explained_and_used_at_once(window: MainWindow, panel: PersonalPanel) -> None:
    window.personal_library.progress_changed.emit(HALF_WAY)
    window.personal_library.built.emit(PERSONAL_REPORT)
    for fact in ("48,210 words", "311 words", "42%", "412 before, 268 with it", "902", "scan.pdf"):
        assert fact in panel.status.text()
    assert used(window) == "My documents"
    assert window.session.asked("configure_recognizer")[-1].personal_model == "My documents"


def test_a_model_built_anew_under_the_name_in_use_is_loaded_anew(window: MainWindow, panel: PersonalPanel) -> None:
    window.settings_store.update(RecognizerSettings(personal_model="My documents"))
    window.personal_library.built.emit(PERSONAL_REPORT)
    assert window.session.asked("reload_model") == [None]


def test_without_a_measurement_none_is_claimed() -> None:
    text = report_text(replace(PERSONAL_REPORT, perplexity_before=None, perplexity_after=None))
    assert "Perplexity" not in text
    assert "too little text" in text


def test_of_many_unreadable_documents_the_first_are_named() -> None:
    text = report_text(replace(PERSONAL_REPORT, problems=tuple(f"{turn}.pdf is damaged." for turn in range(25))))
    assert "9.pdf is damaged." in text
    assert "10.pdf" not in text
    assert "15 more documents" in text


def test_models_are_used_or_not_and_the_keyboard_stays(window: MainWindow, panel: PersonalPanel, qtbot: QtBot) -> None:
    panel.rows["Choir letters"].use_button.setFocus()
    qtbot.keyClick(panel.rows["Choir letters"].use_button, Qt.Key.Key_Space)
    assert used(window) == "Choir letters"
    button = panel.rows["Choir letters"].use_button
    assert button.text() == "Stop using"
    assert button.hasFocus()
    qtbot.keyClick(button, Qt.Key.Key_Space)
    assert used(window) == ""


def test_removing_asks_first_and_takes_the_model_out_of_use(window: MainWindow, panel: PersonalPanel) -> None:
    panel.rows["Choir letters"].use_button.click()
    row = panel.rows["Choir letters"]
    row.remove_button.click()
    assert row.keep_button.hasFocus()
    row.keep_button.click()
    assert window.personal_library.calls == []
    row.remove_button.click()
    row.remove_button.click()
    assert window.personal_library.calls == [("remove", "Choir letters")]
    assert used(window) == ""


def test_errors_are_told_with_their_remedy(window: MainWindow, panel: PersonalPanel) -> None:
    window.personal_library.build_failed.emit(TooLittleText("Only 3 words."))
    assert panel.status.text().startswith("Only 3 words.")
    assert TooLittleText.remedy in panel.status.text()
    window.personal_library.failed.emit(TooLittleText("Something else."))
    assert "Something else." in panel.status.text()


def test_everything_in_the_panel_has_a_name(panel: PersonalPanel) -> None:
    assert [widget for widget in interactive(panel) if not widget.accessibleName()] == []
