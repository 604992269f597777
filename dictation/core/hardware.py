"""What a machine can compute with, as a probe found it, and how much of it recognition takes."""

from __future__ import annotations

import os
from dataclasses import dataclass

MOST_THREADS = 4
"""More do not help a network that takes 45 ms for 5 s of audio, and many-core machines stay cool."""

LEAST_HALF_GAIN = 1.5
"""A CPU multiplies in bfloat16 if that is so many times as fast. With less it has no instructions for it, or none that
are worth it: some have 2 to 16 times, the others a twentieth."""


def usable_cores() -> int:
    """Logical processors that this program may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def recogniser_threads(cores: int) -> int:
    """How many threads a network computes with on the CPU: one core is left to the window and the microphone.

    OpenMP's threads wait for each other at every layer, so one that has no core stalls all. With two threads on two
    idle cores the starter takes 17, 21, 30, 64 ms for 1, 3, 5, 10 s of audio; with one, 18, 31, 45, 85 ms. With
    other programs busy on both cores it is 1380, 110, 200, 300 ms with two threads and 29, 63, 92, 142 ms with one.
    """
    return max(1, min(MOST_THREADS, cores - 1))


@dataclass(frozen=True)
class GpuReport:
    """One GPU and how it did in the test.

    Attributes:
        device: As torch calls it: ``cuda:0``, ``mps``.
        name: As the user knows it.
        memory_mb: Of its own; 0 where it shares the machine's.
        capability: CUDA compute capability such as ``9.0``; empty for others.
        precision: The fastest one in which it computed rightly: ``float16`` or ``float32``; empty if none.
        fault: What is wrong with it, as a phrase that follows its name; empty if it may be used.
        test_ms: Time for the test clip, in that precision, when warm; 0 if it failed.
    """

    device: str
    name: str
    memory_mb: int
    capability: str
    precision: str
    fault: str
    test_ms: float

    @property
    def is_usable(self) -> bool:
        """Whether it computes what the CPU computes."""
        return not self.fault and bool(self.precision)


@dataclass(frozen=True)
class HardwareReport:
    """What a probe found.

    Attributes:
        gpus: In the system's order.
        problem: Why the probe could not even list the GPUs; mostly empty.
        cpu_capability: The vector instructions that torch uses, such as ``AVX2``; empty if not probed.
        cpu_threads: Threads that torch would use by itself; 0 if not probed.
        torch_version: With the CUDA version it was built for; empty if not probed.
        driver: The GPU driver, in words; empty if there is none.
    """

    gpus: tuple[GpuReport, ...] = ()
    problem: str = ""
    cpu_capability: str = ""
    cpu_threads: int = 0
    torch_version: str = ""
    driver: str = ""

    def choose(self, processor: str) -> GpuReport | None:
        """The GPU to use: the fastest usable one; ``cuda`` takes no other kind, ``cpu`` none at all."""
        usable = [gpu for gpu in self.gpus if gpu.is_usable and processor != "cpu"]
        if processor == "cuda":
            usable = [gpu for gpu in usable if gpu.device.startswith("cuda")]
        return min(usable, key=lambda gpu: gpu.test_ms, default=None)

    def note(self, processor: str) -> str:
        """Why a GPU is not used, for the user; empty if one is, or if there is none and none was asked for."""
        if processor == "cpu" or self.choose(processor) is not None:
            return ""
        faults = [f"{gpu.name} {gpu.fault}" for gpu in self.gpus if gpu.fault]
        if self.problem:
            faults.insert(0, self.problem)
        if faults:
            return f"{'; '.join(faults)}; using the CPU."
        return "No usable GPU was found; using the CPU." if processor == "cuda" else ""
