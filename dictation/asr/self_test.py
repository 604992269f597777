"""The self-test clip of a model: its reader, and the record of one run."""

from __future__ import annotations

import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dictation.core.errors import ModelDamaged
from dictation.core.records import SAMPLE_RATE_HZ, Samples


@dataclass(frozen=True)
class SelfTestRun:
    """The known clip recognised once: what came out, what should have, and how long it took."""

    text: str
    expected: str
    seconds: float

    @property
    def is_ok(self) -> bool:
        """Whether the text is the expected one."""
        return self.text == self.expected


def read_clip(path: Path) -> Samples:
    """Read a mono 16-bit 16 kHz WAV file into samples in [-1, 1).

    Raises:
        ModelDamaged: if it is anything else.
    """
    try:
        with wave.open(str(path), "rb") as clip:
            form = (clip.getnchannels(), clip.getsampwidth(), clip.getframerate())
            data = clip.readframes(clip.getnframes())
    except (wave.Error, EOFError, OSError) as error:
        raise ModelDamaged(f"The self-test clip {path.name} is not a readable WAV file: {error}.") from error
    if form != (1, 2, SAMPLE_RATE_HZ):
        raise ModelDamaged(f"The self-test clip {path.name} must be mono, 16 bit and {SAMPLE_RATE_HZ} Hz.")
    return np.frombuffer(data, dtype="<i2").astype(np.float32) / np.float32(32768)
