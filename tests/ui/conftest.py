"""A window on fakes, shown without a screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from dictation.core.settings import Settings
from dictation.ui.main_window import MainWindow
from dictation.ui.theme import SystemTheme
from tests.support.fake_session import (
    FakeFileQueue,
    FakeModelLibrary,
    FakePersonalLibrary,
    FakeSession,
    FakeSettingsStore,
)


@pytest.fixture(scope="session", autouse=True)
def theme(qapp: QApplication) -> SystemTheme:
    """The app's own style, as users see it."""
    return SystemTheme(qapp)


@pytest.fixture
def make_window(qtbot: QtBot) -> Callable[..., MainWindow]:
    """Make a shown, active window; arguments prepare the fakes."""

    def make(settings: Settings | None = None, problems: tuple[str, ...] = (), **session: Any) -> MainWindow:
        fake = FakeSession()
        for name, value in session.items():
            setattr(fake, name, value)
        window = MainWindow(
            fake, FakeFileQueue(), FakeSettingsStore(settings, problems), FakeModelLibrary(), FakePersonalLibrary()
        )
        # Without this the closing window would wait for a session that nobody stops.
        qtbot.addWidget(window, before_close_func=_stop_the_fakes)
        with qtbot.waitActive(window):
            window.show()
            window.activateWindow()
        return window

    return make


def _stop_the_fakes(window: MainWindow) -> None:
    """Let the window close for good."""
    window.close()
    for part in (window.session, window.file_queue, window.model_library, window.personal_library):
        part.stopped.emit()


@pytest.fixture
def window(make_window: Callable[..., MainWindow]) -> MainWindow:
    """A window in its ordinary state: microphone and model at work."""
    return make_window()
