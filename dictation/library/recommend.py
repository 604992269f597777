"""Which two models of the catalogue suit a machine: the best it can carry, and a lighter one."""

from __future__ import annotations

from collections.abc import Sequence

from dictation.core.hardware import LEAST_HALF_GAIN
from dictation.library.catalogue import CatalogueEntry
from dictation.library.machine import Machine

JUDGED_ON = "LibriSpeech test-clean"
"""The test set for which most models have a published figure that could be read at its source."""
MOST_REAL_TIME_FACTOR = 0.25
"""Then the words of a 10 s utterance stand 2.5 s after its end, and the words while speaking keep up. A limit of 0.15
would leave machines with two cores the starter, which makes ten times as many errors as the base model."""
CPU_EFFICIENCY = 0.75
"""Of the speed of bare matrix products that a whole network reaches: for wav2vec 2.0 base 0.82 to 0.9 measured on one
core (real-time factor 0.187 to 0.204 at 88 GFLOP/s), in PyTorch alone 0.76 on two."""
HALF_EFFICIENCY = 0.6
"""The same in bfloat16: 0.6 to 0.7 (wav2vec 2.0 base 0.047 to 0.055, large 0.12 to 0.14 at 456 GFLOP/s on one core)."""
SHARE_OF_MEMORY = 0.5
"""The network may take of main memory; the rest is the language model's, the program's and other programs'."""
GPU_FACTOR, GPU_RESERVE_MB = 1.3, 1000
"""Graphics memory for a network in float32: itself, what it computes with, and CUDA's own."""


def recommend(entries: Sequence[CatalogueEntry], machine: Machine, language: str = "en") -> tuple[CatalogueEntry, ...]:
    """At most two models of a language: the best that keeps up with speech here, then a lighter one if there is.

    The best is the one with the lowest published word error rate that this program's search can reach (with an n-gram
    model or none); models without a figure come last. The starter is no entry: it stays whatever is recommended.
    Transducers are left to those who want them: they read all their weights for every 160 ms of speech, so that their
    speed does not follow from the number of operations as that of the others does.
    """
    of_language = [entry for entry in entries if entry.language == language and not entry.is_transducer]
    fitting = [entry for entry in of_language if keeps_up(entry, machine)]
    if not fitting:
        return ()
    best = min(fitting, key=lambda entry: (judged_percent(entry), entry.gflop_per_s))
    lighter = [entry for entry in fitting if entry.gflop_per_s < best.gflop_per_s]
    return (best, *sorted(lighter, key=lambda entry: (entry.gflop_per_s, judged_percent(entry)))[:1])


def keeps_up(entry: CatalogueEntry, machine: Machine) -> bool:
    """Whether a machine has the memory and the speed for a model, on a GPU or on the CPU."""
    if any(gpu.memory_mb >= entry.memory_mb * GPU_FACTOR + GPU_RESERVE_MB for gpu in machine.gpus):
        return True
    fits = entry.memory_mb <= machine.memory_mb * SHARE_OF_MEMORY
    return fits and cpu_real_time_factor(entry, machine) <= MOST_REAL_TIME_FACTOR


def cpu_real_time_factor(entry: CatalogueEntry, machine: Machine) -> float:
    """Seconds of computing for a second of audio that are to be expected of the network on the CPU."""
    efficiency = HALF_EFFICIENCY * machine.half_gain if machine.half_gain >= LEAST_HALF_GAIN else CPU_EFFICIENCY
    return entry.gflop_per_s / max(1e-9, machine.cpu_gflops * efficiency)


def judged_percent(entry: CatalogueEntry) -> float:
    """The published word error rate that models are ranked by; infinite if there is none."""
    return min(
        (
            rate.percent
            for rate in entry.word_error_rates
            if rate.measured_on == JUDGED_ON and rate.language_model != "Transformer"
        ),
        default=float("inf"),
    )
