"""The self-test clip of a model, or what stands in for one; how runs are compared and recorded."""

from __future__ import annotations

import logging
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dictation.asr.model_folder import ModelFolder, find_models
from dictation.core.errors import ModelDamaged, ModelError
from dictation.core.records import SAMPLE_RATE_HZ, Samples

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SelfTestRun:
    """A clip recognised once: what came out, what should have (None: not known), and how long it took."""

    text: str
    expected: str | None
    seconds: float

    @property
    def is_ok(self) -> bool:
        """Whether the text is the expected one, or none is known."""
        return self.expected is None or self.text == self.expected


STAND_IN_S = 2
MOST_DIFFERENCE = 0.1
"""In probability, between half precision and single: far less than nonsense. Rounding made 0.025 of it (wav2vec 2.0
base with random weights, on the CPU)."""


def stand_in_clip() -> Samples:
    """Two seconds of a rising buzz, for a model that has no clip: not speech, but something to compute with."""
    time_s = np.arange(STAND_IN_S * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    phase = 2 * np.pi * time_s * (100 + 50 * time_s)  # 100 to 300 Hz
    buzz = np.sum([np.sin(partial * phase) / partial for partial in range(1, 11)], axis=0)
    clip: Samples = (0.1 * buzz * np.sin(2 * np.pi * 4 * time_s) ** 2).astype(np.float32)  # bursts, as of syllables
    return clip


def clip_to_hear(folder: ModelFolder) -> tuple[Samples, bool]:
    """Find what a model is tried with, and whether it is speech.

    The model's own clip; else that of another installed model, of the same language if there is one; else the
    stand-in, which is no speech.

    Raises:
        ModelDamaged: if the model's own clip is not a mono 16-bit 16 kHz WAV file.
    """
    own = folder.file("self_test_clip")
    if own is not None:
        return read_clip(own), True
    try:
        alike_first = sorted(find_models(), key=lambda other: _primary(other.language) != _primary(folder.language))
        for other in alike_first:
            if clip := other.file("self_test_clip"):
                return read_clip(clip), True
    except ModelError as error:
        _log.warning("no clip of another model is used: %s", error)
    return stand_in_clip(), False


def _primary(language: str) -> str:
    """The first part of a BCP 47 tag: ``en`` of ``en-GB``."""
    return language.partition("-")[0].lower()


def are_close(log_probs: npt.NDArray[np.floating[Any]], reference: npt.NDArray[np.floating[Any]]) -> bool:
    """Whether two computations of the same frames agree, both shape (frames, labels)."""
    if log_probs.shape != reference.shape:
        return False
    return bool(np.abs(np.exp(log_probs) - np.exp(reference)).max(initial=0.0) <= MOST_DIFFERENCE)  # NaN is not


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
