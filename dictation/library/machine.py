"""What this machine can carry: memory, graphics cards, and how fast it multiplies."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass

import numpy as np
import psutil

_SIDE = 512
_MEASURE_S = 0.15
_ASK_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Gpu:
    """A CUDA device: its name and 10⁶ bytes of its own memory."""

    name: str
    memory_mb: int


@dataclass(frozen=True)
class Machine:
    """A machine.

    Attributes:
        cores: Logical processors that this program may use.
        memory_mb: 10⁶ bytes of main memory.
        cpu_gflops: 10⁹ floating-point operations a second in float32 matrix products, on all cores.
        gpus: CUDA devices, the one with most memory first.
    """

    cores: int
    memory_mb: int
    cpu_gflops: float
    gpus: tuple[Gpu, ...] = ()


def look_at_machine() -> Machine:
    """Look and measure; takes about a second, mostly for the graphics driver. Never raises."""
    gpus = sorted(_nvidia_gpus(), key=lambda gpu: gpu.memory_mb, reverse=True)
    return Machine(_cores(), round(psutil.virtual_memory().total / 1e6), measure_gflops(), tuple(gpus))


def measure_gflops() -> float:
    """The best of several matrix products, so that other programs disturb little. An n x n product takes 2 n³."""
    factor = np.random.default_rng(0).random((_SIDE, _SIDE), dtype=np.float32)
    factor @ factor
    best_s, started_s = float("inf"), time.perf_counter()
    while time.perf_counter() - started_s < _MEASURE_S:
        before_s = time.perf_counter()
        factor @ factor
        best_s = min(best_s, time.perf_counter() - before_s)
    return float(2 * _SIDE**3 / best_s / 1e9)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _nvidia_gpus() -> list[Gpu]:
    """Ask the driver's own program: it answers without torch, and a driver that crashes takes only it along."""
    question = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(  # noqa: S603  # a fixed command, found on the PATH like any driver tool
            question, capture_output=True, text=True, timeout=_ASK_TIMEOUT_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return parse_gpus(answer.stdout)


def parse_gpus(text: str) -> list[Gpu]:
    """Read lines of ``name, MiB``; others are skipped."""
    gpus = []
    for line in text.splitlines():
        name, _, memory_mib = line.rpartition(",")
        if name and memory_mib.strip().isdecimal():
            gpus.append(Gpu(name.strip(), round(int(memory_mib) * 2**20 / 1e6)))
    return gpus
