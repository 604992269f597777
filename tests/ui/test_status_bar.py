from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from dictation.core.records import Gap, Health, LossCause
from dictation.core.settings import AudioSettings, RecognizerSettings
from dictation.core.status import InputDevice, ModelChoice, ModelFallback, ModelState, ModelStatus, SessionState
from dictation.ui.main_window import MainWindow

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")
MODELS = (
    ModelChoice("Starter", "/m/starter", "en", "CC BY 4.0", 41_000_000),
    ModelChoice("Large", "/m/large", "en", "MIT", 400_000_000),
)


def entry(menu: QMenu, words: str) -> QAction:
    return next(action for action in menu.actions() if words in action.text())


def test_health_and_latency_are_written(window: MainWindow) -> None:
    window.session.health_changed.emit(Health(1.25, 0.5, 412.4, 486.0))
    assert window.status_bar.health_button.text() == "1.2 s behind · 0.5 s lost"
    assert window.status_bar.latency_button.text() == "Latency 412 / 486 ms"


def test_trouble_changes_the_sign_as_well_as_the_words(window: MainWindow) -> None:
    button = window.status_bar.health_button
    assert button.property("iconName") == "pulse"
    window.session.health_changed.emit(Health(lost_s=0.1))
    assert button.property("iconName") == "warning"
    window.session.health_changed.emit(Health())
    assert button.property("iconName") == "pulse"


@pytest.mark.parametrize("name", ["health_button", "latency_button"])
def test_the_details_open_and_close_by_key(window: MainWindow, qtbot: QtBot, name: str) -> None:
    button, popover = getattr(window.status_bar, name), window.status_bar.popover
    button.setFocus()
    qtbot.keyClick(button, Qt.Key.Key_Space)
    assert popover.isVisible()
    qtbot.keyClick(popover, Qt.Key.Key_Escape)
    assert not popover.isVisible()


def test_the_details_count_losses_by_cause_since_record(window: MainWindow) -> None:
    session, popover = window.session, window.status_bar.popover
    session.gap_found.emit(Gap(1.0, 1.5, LossCause.DEVICE))
    session.gap_found.emit(Gap(9.0, 0.5, LossCause.DEVICE))
    session.gap_found.emit(Gap(9.0, 2.0, LossCause.RING))
    session.health_changed.emit(Health(0.3, 4.0, 400.0, None))
    assert [popover.text_of(key) for key in ("device", "ring", "driver")] == ["2.0 s", "2.0 s", "0.0 s"]
    assert [popover.text_of(key) for key in ("behind", "lost", "p50", "p95")] == [
        "0.3 s",
        "4.0 s",
        "400 ms",
        "none yet",
    ]
    session.set_state(SessionState.LISTENING, is_recording=True)
    assert popover.text_of("device") == "0.0 s"


def test_every_cause_of_loss_has_words(window: MainWindow) -> None:
    assert all(window.status_bar.popover.text_of(cause.value) for cause in LossCause)


def test_the_device_button_opens_the_inputs_and_chooses_one(window: MainWindow, qtbot: QtBot) -> None:
    bar = window.status_bar
    window.session.devices_changed.emit((InputDevice("Desk", "ALSA", 2, 48_000, is_default=True),))
    qtbot.mouseClick(bar.device_button, Qt.MouseButton.LeftButton)
    assert window.session.asked("refresh_devices") == [None]
    assert entry(bar.device_menu, "System default").isChecked()
    window.session.devices_changed.emit((InputDevice("R&D", "JACK", 1, 48_000),))
    entry(bar.device_menu, "R&&D (JACK)").trigger()
    assert window.session.asked("choose_input") == [AudioSettings("R&D", "JACK", 1)]
    bar.device_menu.close()


def test_the_model_button_opens_models_and_processors(window: MainWindow, qtbot: QtBot) -> None:
    bar = window.status_bar
    window.session.models = MODELS
    qtbot.mouseClick(bar.model_button, Qt.MouseButton.LeftButton)
    assert entry(bar.model_menu, "Starter").isChecked()
    assert entry(bar.model_menu, "Automatic").isChecked()
    entry(bar.model_menu, "Large (en, 400 MB, MIT)").trigger()
    assert window.session.asked("configure_recognizer") == [RecognizerSettings(model_path="/m/large")]
    entry(bar.model_menu, "GPU (CUDA)").trigger()
    assert window.settings_store.settings.recognizer == RecognizerSettings(model_path="/m/large", processor="cuda")
    bar.model_menu.close()


def test_a_missing_model_says_how_to_get_one_and_can_be_tried_again(window: MainWindow, qtbot: QtBot) -> None:
    bar = window.status_bar
    window.session.model_changed.emit(ModelStatus(ModelState.MISSING, remedy="Put one into models/."))
    qtbot.mouseClick(bar.model_button, Qt.MouseButton.LeftButton)
    assert entry(bar.model_menu, "Put one into models/.")
    entry(bar.model_menu, "Try again").trigger()
    assert window.session.asked("configure_recognizer") == [RecognizerSettings()]
    bar.model_menu.close()


def test_the_model_button_names_model_processor_and_remark(window: MainWindow) -> None:
    window.session.model_changed.emit(ModelStatus(ModelState.READY, "Starter", "CPU", "the GPU failed"))
    assert window.status_bar.model_button.text() == "Starter · CPU · the GPU failed"
    assert window.toast.text() == "the GPU failed"


def test_a_model_that_could_not_be_loaded_is_told_and_not_remembered(window: MainWindow) -> None:
    """The next start must not begin with the model that failed; a choice made meanwhile stays."""
    store, session = window.settings_store, window.session
    failed = ModelStatus(
        ModelState.READY, "Starter", "CPU", "Truncated.", "Copy it again.", ModelFallback("/m/broken", "/m/starter")
    )
    store.update(RecognizerSettings(model_path="/m/broken", beam_width=7))
    session.model_changed.emit(failed)
    assert store.settings.recognizer == RecognizerSettings(model_path="/m/starter", beam_width=7)
    assert "Truncated." in window.banner.title.text()
    assert window.banner.details.text() == "Copy it again."
    assert window.status_bar.model_button.text() == "Starter · CPU · another model failed"
    store.update(RecognizerSettings(model_path="/m/large"))
    session.model_changed.emit(failed)
    assert store.settings.recognizer.model_path == "/m/large"
    session.model_changed.emit(ModelStatus(ModelState.READY, "Large", "CPU"))
    assert not window.banner.isVisible()
