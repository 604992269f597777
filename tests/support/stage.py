"""A session on a fake microphone and a fake recogniser, and everything it said."""

from __future__ import annotations

from collections.abc import Callable

from pytestqt.qtbot import QtBot

from dictation.core.records import SegmentState
from dictation.core.settings import RecognizerSettings, Settings
from dictation.core.status import InputDevice
from dictation.runtime.backends import Backends, RecognizerLike
from dictation.runtime.session import Session
from tests.support.fake_recognizer import FakeRecognizer
from tests.support.fake_source import FakeMicrophone
from tests.support.synth import babble, join, silence

UTTERANCE = join(babble(1.0), silence(0.5))
SIGNALS = [
    "state_changed",
    "input_changed",
    "model_changed",
    "segment_changed",
    "tentative_changed",
    "utterance_ready",
    "gap_found",
    "health_changed",
    "failed",
    "levels_ready",
    "stopped",
]


class Stage:
    """A session on fakes, and everything it said."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.microphone = FakeMicrophone()
        self.recognizer = FakeRecognizer()
        self.make_recognizer: Callable[[RecognizerSettings], RecognizerLike] = lambda _: self.recognizer
        self.made: list[RecognizerSettings] = []
        self.session = Session(settings or Settings(), Backends(
            self.microphone.make, lambda: (InputDevice("fake", "test", 1, 16000, True),), self.microphone.refresh,
            self._make_recognizer, tuple,
        ))  # fmt: skip
        self.heard: dict[str, list[object]] = {}
        for name in SIGNALS:
            said = self.heard.setdefault(name, [])
            getattr(self.session, name).connect(lambda *arguments, said=said: said.append(*arguments or (None,)))

    def _make_recognizer(self, settings: RecognizerSettings) -> RecognizerLike:
        self.made.append(settings)
        return self.make_recognizer(settings)

    @property
    def texts(self) -> list[str]:
        return [utterance.text for utterance in self.heard["utterance_ready"]]

    def segment_states(self, segment_id: int = 0) -> list[SegmentState]:
        states = [mark.state for mark in self.heard["segment_changed"] if mark.segment_id == segment_id]
        return [state for turn, state in enumerate(states) if turn == 0 or states[turn - 1] is not state]


def wait_for(qtbot: QtBot, condition: Callable[[], bool]) -> None:
    qtbot.waitUntil(condition, timeout=15_000)
