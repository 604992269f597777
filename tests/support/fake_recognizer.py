"""A recogniser that counts: it "hears" one word per started half second, after a delay or failure of choice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from dictation.asr.recognizer import Effort, LoadReport, RecognitionCancelled
from dictation.asr.self_test import SelfTestRun
from dictation.core.records import SAMPLE_RATE_HZ, Hypothesis, Recognition, Samples, Word
from dictation.core.settings import RecognizerSettings


@dataclass
class FakeRecognizer:
    """``gate`` holds every recognition back until it is set; ``failures`` are raised first, one per call."""

    gate: threading.Event = field(default_factory=threading.Event)
    load_gate: threading.Event = field(default_factory=threading.Event)
    failures: list[Exception] = field(default_factory=list)
    load_failure: Exception | None = None
    calls: list[tuple[Effort, int]] = field(default_factory=list)
    configured: list[RecognizerSettings] = field(default_factory=list)
    is_deaf: bool = False
    self_test_text: str = "word"
    closed: int = 0
    device_name: str = "CPU"
    note: str = ""
    tended_to: tuple[str, str] | None = None
    tended: int = 0
    look_ahead: int = 0
    told_of: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gate.set()
        self.load_gate.set()

    def load(self) -> LoadReport:
        self.load_gate.wait(30)
        if self.load_failure is not None:
            raise self.load_failure
        return LoadReport("fake", "CPU", "", 0.0, (SelfTestRun(self.self_test_text, "word", 0.0),) * 3)

    def close(self) -> None:
        self.closed += 1

    def tend(self) -> None:
        self.tended += 1
        self.device_name, self.note = self.tended_to or (self.device_name, self.note)

    def configure(self, settings: RecognizerSettings) -> None:
        self.configured.append(settings)

    def recognize(
        self,
        samples: Samples,
        effort: Effort = Effort.FINAL,
        is_cancelled: Callable[[], bool] = lambda: False,
        upcoming: Sequence[Samples] = (),
    ) -> Recognition:
        self.told_of.append(len(upcoming))
        self.calls.append((effort, samples.size))
        while not self.gate.wait(0.01):
            if is_cancelled():
                raise RecognitionCancelled
        if is_cancelled():
            raise RecognitionCancelled
        if self.failures:
            raise self.failures.pop(0)
        texts = [] if self.is_deaf else ["word"] * (1 + samples.size // 8000)
        words = tuple(Word(text, 0.1 * turn, 0.1 * turn + 0.1, 0.9) for turn, text in enumerate(texts))
        return Recognition((Hypothesis(words),), samples.size / SAMPLE_RATE_HZ, 0.0, 0.0, "cpu")
