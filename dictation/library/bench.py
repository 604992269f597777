"""How fast an installed model is on this machine."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from dictation.asr.model_folder import ModelFolder
from dictation.asr.open_recognizer import open_recognizer
from dictation.asr.self_test import read_clip
from dictation.core.errors import ModelError
from dictation.core.records import SAMPLE_RATE_HZ, Samples
from dictation.core.settings import RecognizerSettings

CLIP_S = 10
RUNS = 3


@dataclass(frozen=True)
class BenchResult:
    """One model on one processor; times are medians of ``RUNS`` after the first.

    Attributes:
        model_name: What the user calls it.
        device_name: ``CPU``, ``CPU (bfloat16)`` or the GPU's name.
        load_s: Until it could recognise.
        network_s: The network's part of a 10 s clip.
        search_s: The search's part, with the beam of the settings.
    """

    model_name: str
    device_name: str
    load_s: float
    network_s: float
    search_s: float

    @property
    def clip_s(self) -> float:
        """Seconds for a clip of 10 s."""
        return self.network_s + self.search_s

    @property
    def real_time_factor(self) -> float:
        """Seconds of computing for a second of audio."""
        return self.clip_s / CLIP_S


def bench(folder: ModelFolder, settings: RecognizerSettings, clip: Samples) -> BenchResult:
    """Load a model and time it; takes seconds to minutes.

    Args:
        folder: The model.
        settings: Its processor and beam; ``cuda`` falls back to the CPU visibly, by ``device_name``.
        clip: What to recognise; see ``make_clip``.

    Raises:
        ModelError: if the model cannot be loaded.
    """
    recognizer = open_recognizer(folder, settings)
    try:
        report = recognizer.load()
        recognizer.recognize(clip)
        runs = [recognizer.recognize(clip) for _ in range(RUNS)]
        network_s = statistics.median(run.network_s for run in runs)
        search_s = statistics.median(run.decode_s for run in runs)
        return BenchResult(folder.name, recognizer.device_name, report.load_s, network_s, search_s)
    finally:
        recognizer.close()


def make_clip(folders: Iterable[ModelFolder]) -> Samples:
    """10 s of speech, of the first self-test clip that there is; of soft noise if there is none.

    The network takes as long for either; the search takes longer for speech.
    """
    length = CLIP_S * SAMPLE_RATE_HZ
    for folder in folders:
        path = folder.file("self_test_clip")
        if path is None:
            continue
        try:
            return np.resize(read_clip(path), length)
        except ModelError:
            continue
    return np.random.default_rng(0).normal(0, 0.01, length).astype(np.float32)


def has_cuda() -> bool:
    """Whether torch sees a CUDA device; imports torch."""
    import torch

    return torch.cuda.is_available()


def for_processor(settings: RecognizerSettings, processor: str) -> RecognizerSettings:
    """The user's settings with another processor."""
    return replace(settings, processor=processor)
