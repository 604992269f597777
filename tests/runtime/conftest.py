"""A session on fakes, opened and closed for a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from pytestqt.qtbot import QtBot

from dictation.core.settings import Settings
from dictation.core.status import InputState, SessionState
from tests.support.stage import Stage


@pytest.fixture
def open_stage(qtbot: QtBot) -> Iterator[Callable[..., Stage]]:
    stages: list[Stage] = []

    def build(settings: Settings | None = None, prepare: Callable[[Stage], None] = lambda _: None) -> Stage:
        stage = Stage(settings)
        prepare(stage)
        stages.append(stage)
        stage.session.open()
        return stage

    yield build
    for stage in stages:
        stage.recognizer.gate.set()
        stage.recognizer.load_gate.set()
        if not stage.heard["stopped"]:
            with qtbot.waitSignal(stage.session.stopped, timeout=20_000):
                stage.session.close()


@pytest.fixture
def stage(open_stage: Callable[..., Stage], qtbot: QtBot) -> Stage:
    stage = open_stage()
    qtbot.waitUntil(lambda: stage.session.state is SessionState.READY and
                    stage.session.input_status.state is InputState.DELIVERING)  # fmt: skip
    return stage
