"""A GPU that is full: smaller batches, then half precision, then the CPU. Nothing is lost, and what matters is said.

The fake GPU has room for so many pieces of audio at once; it raises what CUDA raises beyond that.
"""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
import torch

from dictation.asr.processor import Processor, halved, is_out_of_memory
from dictation.core.hardware import GpuReport
from dictation.core.records import Samples

CLIP = np.ones(100, dtype=np.float32)
CALM = "The Small GPU ran out of memory; it goes on in half precision (bfloat16)."


class SmallGpu:
    """Hears the length of audio; has room for ``room`` pieces of it."""

    device, device_name = "cuda:0", "Small GPU"

    def __init__(self, room: int, precision: str = "float32", error: float = 0.0) -> None:
        self.room = room
        self.precision = precision
        self.error = error
        self.tried: list[int] = []
        self.dead: list[weakref.ref[np.ndarray]] = []

    def log_probs(self, samples: Samples, checkpoint: object) -> np.ndarray:
        return self.log_probs_of([samples], checkpoint)[0]

    def log_probs_of(self, batch: list[Samples], _checkpoint: object) -> list[np.ndarray]:
        self.tried.append(len(batch))
        if len(batch) > self.room:
            activations = np.zeros(1000)
            self.dead.append(weakref.ref(activations))
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return [np.full((1, 1), len(samples) + self.error) for samples in batch]


class Cpu(SmallGpu):
    device, device_name = "cpu", "CPU"


def make(gpu: SmallGpu, half: SmallGpu | None = None) -> Processor:
    processor = Processor(Cpu(1), lambda: gpu, make_halved_gpu=lambda: half)
    room, gpu.room = gpu.room, 1
    processor.probe(CLIP, lambda heard, wanted: "" if heard == wanted else "other numbers", is_gpu_wanted=True)
    gpu.room, gpu.tried = room, []
    assert processor.device_name == "Small GPU"
    return processor


def clips(count: int) -> list[Samples]:
    return [np.ones(length, dtype=np.float32) for length in range(1, count + 1)]


def hear(processor: Processor, count: int) -> list[float]:
    return [float(heard[0, 0]) for heard in processor.log_probs_of(clips(count), lambda: None)]


def test_a_full_gpu_hears_half_as_many_and_each_piece_once() -> None:
    gpu = SmallGpu(room=3)
    processor = make(gpu)
    assert hear(processor, 11) == list(range(1, 12))
    assert gpu.tried == [11, 5, 2, 2, 2, 2, 2, 1]
    assert hear(processor, 4) == [1, 2, 3, 4]
    assert gpu.tried[8:] == [2, 2]  # it remembers
    assert (processor.device_name, processor.note) == ("Small GPU", "")


def test_then_it_halves_the_precision_and_says_so() -> None:
    gpu, half = SmallGpu(room=0), SmallGpu(room=2, precision="bfloat16")
    processor = make(gpu, half)
    assert hear(processor, 4) == [1, 2, 3, 4]
    assert gpu.tried == [4, 2, 1]
    assert half.tried == [1, 1, 1, 1, 1]  # its test comes first
    assert (processor.device_name, processor.note) == ("Small GPU", CALM)


def test_then_it_falls_back_to_the_cpu_and_says_so() -> None:
    half = SmallGpu(room=1, precision="bfloat16")
    processor = make(SmallGpu(room=0), half)
    assert hear(processor, 1) == [1]
    half.room = 0
    assert hear(processor, 3) == [1, 2, 3]
    assert processor.device_name == "CPU"
    assert processor.note == "The Small GPU failed (it ran out of memory); using the CPU."
    tried = len(half.tried)
    assert hear(processor, 2) == [1, 2]
    assert len(half.tried) == tried  # for good


@pytest.mark.parametrize(
    "half",
    [None, SmallGpu(room=1, precision="bfloat16", error=0.5), SmallGpu(room=0, precision="bfloat16")],
    ids=["there is none", "it computes wrong", "it is too much, too"],
)
def test_half_precision_that_will_not_do_is_passed_over(half: SmallGpu | None) -> None:
    processor = make(SmallGpu(room=0), half)
    assert hear(processor, 3) == [1, 2, 3]
    assert processor.device_name == "CPU"
    assert "out of memory" in processor.note


def test_a_gpu_in_half_precision_that_was_given_back_is_taken_in_half_again() -> None:
    half = SmallGpu(room=1, precision="bfloat16")
    now_s, full = [0.0], SmallGpu(room=1)
    processor = Processor(Cpu(1), lambda: full, lambda: now_s[0], lambda: half)
    processor.probe(CLIP, lambda *_: "", is_gpu_wanted=True)
    full.room = 0
    hear(processor, 1)
    now_s[0] = 100.0
    assert processor.give_back_if_idle(10)
    tried = len(full.tried)
    assert hear(processor, 2) == [1, 2]
    assert (len(full.tried), processor.device_name) == (tried, "Small GPU")


def test_what_filled_the_memory_is_let_go_before_the_next_try() -> None:
    """The traceback of an error holds the frames that failed, and those hold their tensors."""

    class Watched(SmallGpu):
        def log_probs_of(self, batch: list[Samples], checkpoint: object) -> list[np.ndarray]:
            held.extend(ref() is not None for ref in self.dead)
            return super().log_probs_of(batch, checkpoint)

    held: list[bool] = []
    processor = make(Watched(room=1))
    gc.disable()  # it must not depend on luck
    try:
        hear(processor, 8)
    finally:
        gc.enable()
    assert held
    assert not any(held)


@pytest.mark.parametrize(
    ("error", "is_full"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 8 GB)"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), False),
    ],
)
def test_how_a_full_device_is_told_from_a_broken_one(error: RuntimeError, is_full: bool) -> None:
    assert is_out_of_memory(error) is is_full


def test_a_real_allocation_that_fails_is_told_as_one() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 50)
    assert is_out_of_memory(caught.value)


def test_only_single_precision_has_a_half() -> None:
    gpu = GpuReport("cuda:0", "Small GPU", 2000, "9.0", "float32", "", 5.0)
    assert halved(gpu).precision == "bfloat16"
    assert halved(GpuReport("cuda:0", "Small GPU", 2000, "9.0", "float16", "", 5.0)) is None
    assert halved(None) is None
