"""A microphone made of arrays: delivers what a test plays, and the quiet of a room otherwise."""

from __future__ import annotations

import time
from collections import deque

import numpy as np

from dictation.core.errors import AudioError
from dictation.core.records import SAMPLE_RATE_HZ, Samples

BLOCK_FRAMES = 4000


class FakeMicrophone:
    """Hands out ``FakeSource``s that all play from one queue, as if one cable were plugged into each.

    Played audio arrives as fast as it is read (250 ms per read); then room noise at -80 dBFS arrives in real time.
    """

    def __init__(self) -> None:
        self.queue: deque[Samples] = deque()
        self.opened: list[FakeSource] = []
        self.refused: list[AudioError] = []
        self.refreshes = 0
        self.settings: list[object] = []
        self._noise = (np.random.default_rng(1).standard_normal(1 << 16) * 1e-4).astype(np.float32)

    def make(self, settings: object) -> FakeSource:
        self.settings.append(settings)
        return FakeSource(self)

    def refresh(self) -> None:
        self.refreshes += 1

    def play(self, samples: Samples) -> None:
        for start in range(0, samples.size, BLOCK_FRAMES):
            self.queue.append(samples[start : start + BLOCK_FRAMES])

    def unplug(self) -> None:
        self.opened[-1].alive = False

    def room(self, frames: int) -> Samples:
        return np.resize(self._noise, frames)


class FakeSource:
    rate_hz = SAMPLE_RATE_HZ
    failure = None

    def __init__(self, microphone: FakeMicrophone) -> None:
        self.microphone = microphone
        self.device_name = "fake microphone"
        self.alive = False
        self.frames_received = 0
        self.overrun_frames = 0
        self.closed = False

    def open(self) -> None:
        if self.microphone.refused:
            raise self.microphone.refused.pop(0)
        self.alive = True
        self.opened_s = time.perf_counter()
        self.microphone.opened.append(self)

    def read(self) -> Samples:
        if not self.alive:
            return np.empty(0, dtype=np.float32)
        if self.microphone.queue:
            block = self.microphone.queue.popleft()
        else:
            due = round((time.perf_counter() - self.opened_s) * SAMPLE_RATE_HZ)
            block = self.microphone.room(max(0, due - self.frames_received))
        self.frames_received += block.size
        return block

    def is_alive(self) -> bool:
        return self.alive

    def close(self) -> None:
        self.alive = False
        self.closed = True
