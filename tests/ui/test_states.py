from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from dictation.core.errors import DeviceLost, PortAudioMissing, SettingsError
from dictation.core.status import InputState, InputStatus, ModelState, ModelStatus
from dictation.ui import presentation
from dictation.ui.main_window import MainWindow
from dictation.ui.resources import icon_path

TROUBLES = (InputState.SILENT, InputState.LOST, InputState.NO_DEVICE, InputState.REFUSED, InputState.NO_PORTAUDIO)
TABLES = (
    presentation.SESSION_LOOKS,
    presentation.SEGMENT_LOOKS,
    presentation.JOB_LOOKS,
    presentation.INPUT_LOOKS,
    presentation.MODEL_LOOKS,
)


@pytest.mark.parametrize("table", TABLES)
def test_every_state_has_words_and_a_drawn_icon(table: dict[object, presentation.Look]) -> None:
    states = type(next(iter(table)))
    assert set(table) == set(states)
    assert len({look.text for look in table.values()}) == len(table)
    assert all(icon_path(look.icon).is_file() for look in table.values())


@pytest.mark.parametrize("state", TROUBLES)
def test_every_input_trouble_is_shown_in_three_places_and_goes_away(window: MainWindow, state: InputState) -> None:
    window.session.input_changed.emit(InputStatus(state, "Desk"))
    look = presentation.INPUT_LOOKS[state]
    assert look.text in window.status_bar.device_button.text()
    assert window.status_bar.device_button.property("iconName") == "warning"
    assert window.banner.isVisible()
    assert window.banner.details.text()
    assert window.level_strip.accessibleName().count(",") == 2
    window.session.input_changed.emit(InputStatus(InputState.DELIVERING, "Desk"))
    assert not window.banner.isVisible()
    assert window.status_bar.device_button.text() == "Desk"
    assert window.level_strip.accessibleName().count(",") == 1


def test_input_troubles_look_different_from_each_other(window: MainWindow) -> None:
    seen = set()
    for state in InputState:
        window.session.input_changed.emit(InputStatus(state, "Desk"))
        seen.add((window.status_bar.device_button.text(), window.level_strip.accessibleName()))
    assert len(seen) == len(InputState)


def test_the_session_s_own_words_come_first(window: MainWindow) -> None:
    window.session.input_changed.emit(InputStatus(InputState.LOST, "Desk", message="Desk is gone.", remedy="Plug in."))
    assert (window.banner.title.text(), window.banner.details.text()) == ("Desk is gone.", "Plug in.")


@pytest.mark.parametrize("state", list(ModelState))
def test_every_model_state_is_shown(window: MainWindow, state: ModelState) -> None:
    window.session.model_changed.emit(ModelStatus(state, "Starter", "CPU"))
    has_trouble = state in {ModelState.MISSING, ModelState.FAILED}
    assert window.banner.isVisible() is has_trouble
    assert bool(window.banner.details.text()) is has_trouble
    expected = "Starter · CPU" if state is ModelState.READY else presentation.MODEL_LOOKS[state].text
    assert window.status_bar.model_button.text() == expected


def test_a_window_opened_in_trouble_says_so(make_window: Callable[..., MainWindow]) -> None:
    window = make_window(
        input_status=InputStatus(InputState.NO_PORTAUDIO), model_status=ModelStatus(ModelState.MISSING)
    )
    assert len(window.banner.messages) == 2
    assert PortAudioMissing.remedy in [remedy for _, remedy in window.banner.messages]


def test_failures_are_told_in_the_banner_and_dismissed(window: MainWindow, qtbot: QtBot) -> None:
    window.session.failed.emit(DeviceLost("The microphone was unplugged."))
    window.settings_store.failed.emit(SettingsError("The settings could not be saved.", "Free some space."))
    assert window.banner.title.text() == "The settings could not be saved."
    window.banner.dismiss_button.setFocus()
    qtbot.keyClick(window.banner.dismiss_button, Qt.Key.Key_Space)
    assert window.banner.title.text() == "The microphone was unplugged."
    assert window.banner.details.text() == DeviceLost.remedy
    qtbot.mouseClick(window.banner.dismiss_button, Qt.MouseButton.LeftButton)
    assert not window.banner.isVisible()


def test_the_same_failure_is_told_once(window: MainWindow) -> None:
    error = DeviceLost("Desk is gone.")
    window.session.input_changed.emit(InputStatus(InputState.LOST, "Desk", message=str(error), remedy=error.remedy))
    window.session.failed.emit(error)
    assert len(window.banner.messages) == 1


def test_error_text_never_enters_the_transcript(window: MainWindow) -> None:
    window.session.failed.emit(DeviceLost("The microphone was unplugged."))
    assert window.documents.dictation.toPlainText() == ""


def test_settings_that_could_not_be_read_are_told(make_window: Callable[..., MainWindow]) -> None:
    window = make_window(problems=("segmenter.timeout_ms must be a number, not 'x'.",))
    assert "timeout_ms" in window.banner.details.text()


def test_a_model_folder_that_is_not_there_is_named() -> None:
    """``--model`` with a wrong path used to say only that there is no model."""
    trouble = presentation.model_trouble(ModelStatus(ModelState.MISSING, note="There is no folder /models/french."))
    assert trouble is not None
    assert trouble[0] == "There is no folder /models/french. Everything else works."
    assert trouble[1]
