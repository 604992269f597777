"""What the GPU probe found, kept from start to start, and found anew in the background.

The answers are kept in the user's cache folder under everything that can change them: driver, torch, program, model.
One with a fault is asked for again after a day, since a crash may have had a passing cause.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
import tempfile
import threading
import time
from collections.abc import Collection
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

import platformdirs

from dictation import __version__
from dictation.asr.hardware import find_driver, probe
from dictation.core.hardware import GpuReport, HardwareReport

FAULT_KEEPS_S = 24 * 3600
_MOST_ANSWERS = 8

_log = logging.getLogger(__name__)


class HardwareProbe:
    """Asks once, in a thread of its own, where an answer that was kept comes at once.

    Thread: ``start`` and ``cancel`` from any one thread; ``answer`` and ``wait`` from any.
    """

    def __init__(self, model: Path, fingerprint: str) -> None:
        self._model = model
        self._fingerprint = fingerprint
        self._answer: HardwareReport | None = None
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hardware-probe", daemon=True)

    @property
    def answer(self) -> HardwareReport | None:
        """What was found; None before."""
        return self._answer

    def start(self) -> None:
        """Begin; once only."""
        self._thread.start()

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait until there is an answer, or so long."""
        self._thread.join(timeout_s)

    def cancel(self) -> None:
        """End the child; there will be no answer."""
        self._cancelled.set()

    def _run(self) -> None:
        driver = find_driver()
        if not driver:  # then there is no GPU, and no need for a child that imports torch again
            self._answer = HardwareReport()
            return
        key = answer_key(self._fingerprint, driver)
        report = read_answer(key)
        if report is None:
            report = probe(self._model, is_cancelled=self._cancelled.is_set)
            if self._cancelled.is_set():
                return
            write_answer(key, report)
        self._answer = report


def answer_key(fingerprint: str, driver: str) -> str:
    """What an answer depends on: driver, torch, this program, and the model by its ``fingerprint``."""
    parts = (driver, metadata.version("torch"), __version__, platform.platform(), fingerprint)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def read_answer(key: str) -> HardwareReport | None:
    """Look an answer up; None if there is none, or one with a fault that is older than a day. Never raises."""
    try:
        return _still_true(json.loads(_cache_file().read_text(encoding="utf-8"))[key])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def failed_gpus(names: Collection[str]) -> frozenset[str]:
    """Which of these GPUs failed the newest test of theirs that still counts, whichever model it was for. Never raises.

    A test that could not even list the GPUs speaks of all of them.
    """
    try:
        kept = json.loads(_cache_file().read_text(encoding="utf-8"))
        entries = sorted(kept.values(), key=lambda entry: float(entry["time_s"]))
        reports = [report for report in map(_still_true, entries) if report is not None]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return frozenset()
    has_failed: dict[str, bool] = {}
    for report in reports:
        if report.problem:
            has_failed.update(dict.fromkeys(names, True))
        usable = {gpu.name for gpu in report.gpus if gpu.is_usable}
        has_failed.update((gpu.name, gpu.name not in usable) for gpu in report.gpus)
    return frozenset(name for name in names if has_failed.get(name, False))


def _still_true(entry: dict[str, Any]) -> HardwareReport | None:
    """The answer of a cache's entry; None for one with a fault that is older than a day. Raises for a damaged one."""
    kept = entry["report"]
    report = HardwareReport(**{**kept, "gpus": tuple(GpuReport(**gpu) for gpu in kept["gpus"])})
    is_faulty = bool(report.problem) or not all(gpu.is_usable for gpu in report.gpus)
    is_old = not 0 <= time.time() - float(entry["time_s"]) < FAULT_KEEPS_S
    return None if is_faulty and is_old else report


def write_answer(key: str, report: HardwareReport) -> None:
    """Keep an answer, and the newest few others; a cache that cannot be written costs a probe next time, no more."""
    path = _cache_file()
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        newest = sorted(kept.items(), key=lambda item: float(item[1]["time_s"]))[-(_MOST_ANSWERS - 1) :]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        newest = []
    answers = {**dict(newest), key: {"time_s": time.time(), "report": asdict(report)}}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".hardware", dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(answers, file)
        Path(temporary).replace(path)
    except OSError as error:
        _log.warning("what the GPU probe found cannot be kept: %s", error)


def _cache_file() -> Path:
    return platformdirs.user_cache_path("dictation", appauthor=False) / "hardware.json"
