"""What nobody foresaw must neither hang the program at its end nor leave a file waiting for ever."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from dictation.core.errors import ModelMissing
from dictation.core.job_box import Job, JobBox
from dictation.core.records import CloseCause, Samples, Segment
from dictation.core.settings import RecognizerSettings, Settings
from dictation.core.status import InputState, ModelState
from dictation.runtime.backends import Backends
from dictation.runtime.session import Session
from tests.support.fake_recognizer import FakeRecognizer
from tests.support.fake_source import FakeMicrophone, FakeSource

SEGMENT = Segment(0, 0, 0, 16_000, 16_000, CloseCause.END_OF_INPUT, np.zeros(16_000, dtype=np.float32))


def session_on(make_source: Callable[[object], FakeSource], recognizer: FakeRecognizer) -> Session:
    def make_recognizer(_settings: RecognizerSettings) -> FakeRecognizer:
        return recognizer

    return Session(Settings(), Backends(make_source, tuple, lambda: None, make_recognizer, tuple))


class BrokenSource(FakeSource):
    """A source with a bug that shows itself from some moment on."""

    is_broken = False

    def read(self) -> Samples:
        if self.is_broken:
            raise RuntimeError("a bug in the driver's wrapper")
        return super().read()


def test_a_bug_on_the_last_tick_still_ends_the_program(qtbot: QtBot) -> None:
    source = BrokenSource(FakeMicrophone())
    session = session_on(lambda _settings: source, FakeRecognizer())
    session.open()
    qtbot.waitUntil(lambda: session.input_status.state is InputState.DELIVERING)
    with qtbot.captureExceptions() as bugs, qtbot.waitSignal(session.stopped, timeout=20_000):
        source.is_broken = True
        session.close()
    assert {kind for kind, _, _ in bugs} == {RuntimeError}


def test_a_file_queued_at_the_moment_the_model_fails_is_refused(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file thread saw the model loading, the window then heard it fail and refused what waited, and only then
    did the segment join the queue: nobody answered it, and the file stood at "transcribing" for ever."""
    recognizer = FakeRecognizer(load_failure=ModelMissing("No recognition model was found."))
    recognizer.load_gate.clear()
    session = session_on(FakeMicrophone().make, recognizer)
    session.open()
    put_file = JobBox.put_file

    def put_too_late(box: JobBox, job: Job) -> None:
        recognizer.load_gate.set()
        qtbot.waitUntil(lambda: session.model_status.state is ModelState.MISSING)
        put_file(box, job)

    monkeypatch.setattr(JobBox, "put_file", put_too_late)
    future = session.submit_segment(SEGMENT)
    with pytest.raises(ModelMissing):
        future.result(timeout=10)
    with qtbot.waitSignal(session.stopped, timeout=20_000):
        session.close()


def test_a_file_that_is_being_recognised_when_the_program_ends_is_cancelled(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dictation.runtime.session.CLOSE_WITHIN_MS", 50)
    recognizer = FakeRecognizer()
    recognizer.gate.clear()
    session = session_on(FakeMicrophone().make, recognizer)
    session.open()
    future = session.submit_segment(SEGMENT)
    qtbot.waitUntil(lambda: recognizer.calls != [])
    with qtbot.waitSignal(session.stopped, timeout=20_000):
        session.close()
    with pytest.raises(CancelledError):
        future.result(timeout=1)
