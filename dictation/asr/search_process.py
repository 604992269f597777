"""What runs in a process of ``search_beside``: the search of a model, for one segment after the other."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from pathlib import Path
from typing import TYPE_CHECKING

from dictation.asr.search import MOST_ALTERNATIVES, Search
from dictation.core.records import Hypothesis

if TYPE_CHECKING:
    from dictation.asr.decoder import LogProbs
    from dictation.asr.ngrams import PersonalFiles
    from dictation.core.settings import RecognizerSettings

NICENESS = 5
"""The window and the microphone come first."""

Found = tuple[tuple[Hypothesis, ...], float]
"""The best readings, and the seconds that the search took."""


class _Process:
    """What a process of the pool keeps from task to task."""

    search: Search
    settings: RecognizerSettings | None = None
    configure: Callable[[RecognizerSettings], None]


def begin_process(model: Path, personal: PersonalFiles | None) -> None:
    """Make the search, in a process that gives way to others and ends when the one that started it does."""
    from dictation.asr.build_decoder import build_decoder
    from dictation.asr.model_folder import open_model_folder

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C in a terminal reaches all; the parent decides
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True).start()
    folder = open_model_folder(model)
    decoder, _ = build_decoder(folder, personal)
    _Process.search = Search(folder, decoder)
    _Process.configure = lambda settings: decoder.configure(folder.decoding.adapt(settings))


def _end_with_parent() -> None:
    """Nobody closes the queues of a parent that was killed, and this process would wait for them for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def say_ready() -> None:
    """Answered as soon as a process is up."""


def find(log_probs: LogProbs, audio_s: float, settings: RecognizerSettings) -> Found:
    """Search one segment of that length with the full beam."""
    if settings != _Process.settings:
        _Process.configure(settings)
        _Process.settings = settings
    started_s = time.perf_counter()
    n_best = _Process.search.find(log_probs, audio_s, settings.beam_width, MOST_ALTERNATIVES, lambda: None)
    return n_best, time.perf_counter() - started_s
