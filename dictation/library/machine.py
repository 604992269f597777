"""What this machine can carry: memory, graphics cards, and how fast it multiplies."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
import psutil

from dictation.asr.hardware_answers import failed_gpus
from dictation.core.hardware import recogniser_threads, usable_cores
from dictation.library.half_gain import known_half_gain

_SIDE = 512
_RUNS, _RUN_S = 4, 0.05
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
        cpu_gflops: 10⁹ floating-point operations a second in float32 matrix products, on the cores that recognition
            takes (``recogniser_threads``).
        gpus: CUDA devices that the installed torch can use, the one with most memory first.
        half_gain: How many times as fast products are in bfloat16.
    """

    cores: int
    memory_mb: int
    cpu_gflops: float
    gpus: tuple[Gpu, ...] = ()
    half_gain: float = 1.0


def look_at_machine() -> Machine:
    """Look and measure; takes about a second, mostly for the graphics driver, at first more for torch. Never raises."""
    gpus = sorted(_nvidia_gpus() if torch_is_for_cuda() else [], key=lambda gpu: gpu.memory_mb, reverse=True)
    memory_mb = round(psutil.virtual_memory().total / 1e6)
    return Machine(usable_cores(), memory_mb, measure_gflops(), tuple(gpus), known_half_gain())


def without_unused_gpus(machine: Machine, processor: str) -> Machine:
    """The machine as recognition will use it: no GPU that failed its test, and none at all where ``cpu`` is set."""
    if processor == "cpu" or not machine.gpus:
        return replace(machine, gpus=())
    failed = failed_gpus({gpu.name for gpu in machine.gpus})
    return replace(machine, gpus=tuple(gpu for gpu in machine.gpus if gpu.name not in failed))


def measure_gflops(clock: Callable[[], float] = time.process_time) -> float:
    """What one core computes in a second of its own time, in the best of several runs, times recognition's cores.

    A program that keeps a core busy takes time from this one, but not speed: a second of processor time holds as many
    products as ever. An n x n product takes 2 n³ operations.
    """
    factor = np.random.default_rng(0).random((_SIDE, _SIDE), dtype=np.float32)
    factor @ factor
    best = max(_products_per_s(factor, clock) for _ in range(_RUNS))
    return float(recogniser_threads(usable_cores()) * best * 2 * _SIDE**3 / 1e9)


def _products_per_s(factor: npt.NDArray[np.float32], clock: Callable[[], float]) -> float:
    """Products in a second of the clock, over as long as the coarsest clock (16 ms on Windows) needs."""
    started_s, count = clock(), 0
    while (taken_s := clock() - started_s) < _RUN_S:
        factor @ factor
        count += 1
    return count / taken_s


def torch_is_for_cuda() -> bool:
    """Whether the installed torch was built for CUDA, as its own ``version.py`` says; importing it takes seconds."""
    found = find_spec("torch")
    if found is None or found.origin is None:
        return False
    try:
        text = Path(found.origin).with_name("version.py").read_text(encoding="utf-8")
    except OSError:
        return True  # a torch in another packing: the probe will tell
    return re.search(r"^cuda\b.*= *None$", text, re.MULTILINE) is None


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
