from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from dictation.core.calibration import Calibration
from dictation.core.settings import AudioSettings, SegmenterSettings, Settings, WindowSettings
from dictation.core.status import InputDevice
from dictation.ui import calibration_box
from dictation.ui.main_window import MainWindow

FOUND = Calibration(-64.0, -61.0, -49.0, "Noise floor -64 dBFS, threshold -49 dBFS, margin 15 dB: a good room.")
DEVICES = (
    InputDevice("Desk", "ALSA", 2, 48_000, is_default=True),
    InputDevice("Desk", "JACK", 8, 48_000),
    InputDevice("Headset", "ALSA", 1, 16_000),
)


@pytest.fixture
def open_panel(make_window: Callable[..., MainWindow]) -> MainWindow:
    return make_window(Settings(window=WindowSettings(panel_open=True)))


def test_the_button_in_the_strip_opens_the_panel_and_it_is_remembered(window: MainWindow, qtbot: QtBot) -> None:
    assert not window.side_panel.isVisible()
    qtbot.mouseClick(window.panel_button, Qt.MouseButton.LeftButton)
    assert window.side_panel.isVisible()
    assert window.settings_store.settings.window.panel_open
    assert window.session.asked("refresh_devices") == [None]
    qtbot.keyClick(window, Qt.Key.Key_F8)
    assert not window.side_panel.isVisible()
    assert not window.settings_store.settings.window.panel_open


def test_an_open_panel_is_open_again_next_time(open_panel: MainWindow) -> None:
    assert open_panel.side_panel.isVisible()
    assert open_panel.actions_by_id["panel"].isChecked()


@pytest.mark.parametrize("item", fields(SegmenterSettings), ids=lambda item: item.name)
def test_each_slider_covers_the_range_of_its_setting(open_panel: MainWindow, item: object) -> None:
    meta = item.metadata
    slider = open_panel.side_panel.sliders[item.name]
    assert slider.value == item.default
    slider.slider.setValue(slider.slider.minimum())
    assert getattr(open_panel.session.asked("configure_segmenter")[-1], item.name) == meta["low"]
    slider.slider.setValue(slider.slider.maximum())
    assert getattr(open_panel.session.asked("configure_segmenter")[-1], item.name) == meta["high"]
    assert meta["unit"] in slider.text_of(slider.value)


@pytest.mark.parametrize("name", ["threshold_dbfs", "timeout_ms", "pre_roll_ms", "max_segment_s"])
def test_keys_move_a_slider_by_its_step_and_reset_brings_the_default_back(
    open_panel: MainWindow, qtbot: QtBot, name: str
) -> None:
    slider = open_panel.side_panel.sliders[name]
    item = SegmenterSettings.__dataclass_fields__[name]
    assert not slider.reset_button.isEnabled()
    slider.slider.setFocus()
    qtbot.keyClick(slider.slider, Qt.Key.Key_Right)
    changed = open_panel.settings_store.settings.segmenter
    assert getattr(changed, name) == item.default + item.metadata["step"]
    assert isinstance(getattr(changed, name), type(item.default))
    qtbot.mouseClick(slider.reset_button, Qt.MouseButton.LeftButton)
    assert open_panel.settings_store.settings.segmenter == SegmenterSettings()


def test_a_drag_reaches_the_session_at_once(open_panel: MainWindow, qtbot: QtBot) -> None:
    slider = open_panel.side_panel.sliders["timeout_ms"].slider
    slider.setSliderDown(True)
    slider.setSliderPosition(slider.value() + 5)
    assert open_panel.session.asked("configure_segmenter")[-1].timeout_ms == 400
    slider.setSliderDown(False)


def test_the_threshold_slider_moves_the_line(open_panel: MainWindow) -> None:
    open_panel.side_panel.sliders["threshold_dbfs"].slider.setValue(-30)
    assert open_panel.level_strip.threshold_dbfs == -30


def test_calibration_is_applied_explained_and_undone(open_panel: MainWindow, qtbot: QtBot) -> None:
    box = open_panel.side_panel.calibration
    qtbot.mouseClick(box.button, Qt.MouseButton.LeftButton)
    assert open_panel.session.asked("calibrate") == [None]
    assert box.progress.isVisible()
    assert not box.button.isEnabled()
    open_panel.session.calibrated.emit(FOUND)
    assert not box.progress.isVisible()
    assert box.sentence.text() == FOUND.sentence
    assert open_panel.settings_store.settings.segmenter.threshold_dbfs == -49
    assert open_panel.session.asked("configure_segmenter")[-1].threshold_dbfs == -49
    qtbot.mouseClick(box.undo_button, Qt.MouseButton.LeftButton)
    assert open_panel.session.asked("configure_segmenter")[-1].threshold_dbfs == -46
    assert open_panel.level_strip.threshold_dbfs == -46
    assert not box.undo_button.isVisible()


def test_calibration_keeps_the_keyboard_focus(open_panel: MainWindow, qtbot: QtBot) -> None:
    box = open_panel.side_panel.calibration
    box.button.setFocus()
    qtbot.keyClick(box.button, Qt.Key.Key_Space)
    assert open_panel.session.asked("calibrate") == [None]
    assert open_panel.focusWidget() is box
    open_panel.session.calibrated.emit(FOUND)
    assert open_panel.focusWidget() is box.button
    box.undo_button.setFocus()
    qtbot.keyClick(box.undo_button, Qt.Key.Key_Space)
    assert open_panel.focusWidget() is box.button


def test_calibration_without_sound_gives_up_and_says_so(
    open_panel: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibration_box, "PATIENCE_MS", 60)
    box = open_panel.side_panel.calibration
    qtbot.mouseClick(box.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(box.button.isEnabled)
    assert "No sound" in box.sentence.text()
    assert open_panel.settings_store.settings.segmenter == SegmenterSettings()


def test_the_record_mode_is_chosen_and_kept(open_panel: MainWindow, qtbot: QtBot) -> None:
    buttons = open_panel.side_panel.mode_buttons
    assert buttons["toggle"].isChecked()
    buttons["push-to-talk"].click()
    assert open_panel.settings_store.settings.window.record_mode == "push-to-talk"
    assert open_panel.record_button.title == "Hold to talk"


def choices(window: MainWindow) -> list[str]:
    box = window.side_panel.input.device_box
    return [box.itemText(index) for index in range(box.count())]


def test_inputs_are_chosen_by_name_and_host_api(open_panel: MainWindow, qtbot: QtBot) -> None:
    open_panel.session.devices_changed.emit(DEVICES)
    assert choices(open_panel) == ["System default", "Desk (ALSA)", "Desk (JACK)", "Headset (ALSA)"]
    box = open_panel.side_panel.input.device_box
    box.setFocus()
    qtbot.keyClick(box, Qt.Key.Key_Down)
    qtbot.keyClick(box, Qt.Key.Key_Down)
    assert open_panel.session.asked("choose_input")[-1] == AudioSettings("Desk", "JACK", 1)
    assert open_panel.settings_store.settings.audio == AudioSettings("Desk", "JACK", 1)


def test_channels_are_those_of_the_chosen_device(open_panel: MainWindow, qtbot: QtBot) -> None:
    open_panel.session.devices_changed.emit(DEVICES)
    box = open_panel.side_panel.input.channel_box
    assert box.count() == 2
    box.setFocus()
    qtbot.keyClick(box, Qt.Key.Key_Down)
    assert open_panel.session.asked("choose_input")[-1] == AudioSettings("", "", 2)


def test_a_chosen_device_that_is_absent_is_named(open_panel: MainWindow) -> None:
    open_panel.settings_store.update(AudioSettings("Old one", "ALSA", 3))
    open_panel.session.devices_changed.emit(DEVICES)
    assert choices(open_panel)[-1] == "Old one (ALSA), not connected"
    assert open_panel.side_panel.input.device_box.currentIndex() == 4
    assert open_panel.side_panel.input.channel_box.currentText() == "3"


def test_refresh_asks_the_session(open_panel: MainWindow, qtbot: QtBot) -> None:
    qtbot.mouseClick(open_panel.side_panel.input.refresh_button, Qt.MouseButton.LeftButton)
    assert open_panel.session.asked("refresh_devices")
