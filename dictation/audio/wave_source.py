"""A media file in the place of a microphone, for demonstrations, the command line and tests."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from dictation.audio.media import BLOCK_FRAMES, open_media
from dictation.core.errors import DictationError
from dictation.core.records import SAMPLE_RATE_HZ, Samples


class WaveSource:
    """Plays a file as a live source of 16 kHz frames, ``speed`` times as fast as it was recorded.

    It implements ``AudioSource`` without a thread: ``read`` decodes whatever the clock says is due. Damage that
    ends the file early is found in ``failure``.

    Thread: one at a time.
    """

    def __init__(self, path: Path, speed: float = 1.0, clock: Callable[[], float] = time.perf_counter) -> None:
        """Remember the file, the speed (``math.inf`` gives ``BLOCK_FRAMES`` per read) and the clock in seconds."""
        self._path = path
        self._speed = speed
        self._clock = clock
        self._closing = ExitStack()
        self._blocks: Iterator[Samples] = iter(())
        self._pending = np.zeros(0, dtype=np.float32)
        self._opened_s = 0.0
        self._is_running = False
        self._frames_received = 0
        self._failure: Exception | None = None

    @property
    def rate_hz(self) -> int:
        """Always 16 kHz: ``media`` resamples."""
        return SAMPLE_RATE_HZ

    @property
    def device_name(self) -> str:
        """The name of the file."""
        return self._path.name

    @property
    def frames_received(self) -> int:
        """Frames returned by ``read`` so far."""
        return self._frames_received

    @property
    def overrun_frames(self) -> int:
        """Always 0: a file waits."""
        return 0

    @property
    def failure(self) -> Exception | None:
        """The ``DictationError`` that ended the file, if any."""
        return self._failure

    def open(self) -> None:
        """Open the file from its start. Raises ``MediaUnreadable`` or ``NoAudioStream``."""
        self.close()
        self._blocks = iter(self._closing.enter_context(open_media(self._path)))
        self._pending = np.zeros(0, dtype=np.float32)
        self._frames_received, self._failure, self._is_running = 0, None, True
        self._opened_s = self._clock()

    def read(self) -> Samples:
        """Return the frames that are due by now."""
        now_s = self._clock()
        wanted = max(0, self._due_frames(now_s) - self._frames_received)
        parts = [self._pending]
        held = self._pending.size
        while self._is_running and held < wanted:
            parts.append(self._next_block())
            held += parts[-1].size
        frames = np.concatenate(parts)
        frames, self._pending = frames[:wanted], frames[wanted:]
        if frames.size:
            self._frames_received += frames.size
        return frames

    def _due_frames(self, now_s: float) -> int:
        """Return how many frames should have been returned by now, counted from ``open``."""
        if math.isinf(self._speed):
            return self._frames_received + BLOCK_FRAMES
        return round((now_s - self._opened_s) * self._speed * SAMPLE_RATE_HZ)

    def _next_block(self) -> Samples:
        """Decode one block; the end of the file, or an error in it, ends the stream."""
        try:
            block = next(self._blocks, None)
        except DictationError as error:
            self._failure, block = error, None
        if block is None:
            self._is_running = False
            return np.zeros(0, dtype=np.float32)
        return block

    def is_alive(self) -> bool:
        """Whether frames are left in the file."""
        return self._is_running or self._pending.size > 0

    def close(self) -> None:
        """Close the file; what was not due yet is dropped."""
        self._is_running = False
        self._pending = self._pending[:0]
        self._closing.close()
