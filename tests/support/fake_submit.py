"""A recogniser of segments that answers "segment N" from a thread of its own, as fast or slow as a test wants."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor

from dictation.core.records import Hypothesis, Recognition, Segment, Word


def recognition_of(text: str, audio_s: float = 1.0) -> Recognition:
    """A recognition with evenly spaced words."""
    texts = text.split()
    words = tuple(Word(word, index * 0.5, index * 0.5 + 0.4, 0.9) for index, word in enumerate(texts))
    return Recognition((Hypothesis(words),), audio_s, 0.0, 0.0, "cpu")


class FakeRecogniser:
    """``submit`` fits where a ``Recognise`` is wanted; ``gate`` may be cleared to hold every answer back."""

    def __init__(self, text: str = "segment {}", error: Exception | None = None) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.submitted = 0
        self.most_in_flight = 0
        self._in_flight = 0
        self._lock = threading.Lock()
        self._text = text
        self._error = error
        self._pool = ThreadPoolExecutor(1)

    def submit(self, segment: Segment) -> Future[Recognition]:
        with self._lock:
            self.submitted += 1
            self._in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self._in_flight)
        future = self._pool.submit(self._answer, segment)
        future.add_done_callback(self._land)
        return future

    def close(self) -> None:
        self.gate.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _answer(self, segment: Segment) -> Recognition:
        assert self.gate.wait(30)
        if self._error is not None:
            raise self._error
        return recognition_of(self._text.format(segment.segment_id), segment.length_s)

    def _land(self, _future: Future[Recognition]) -> None:
        with self._lock:
            self._in_flight -= 1
