"""Where the network runs: a GPU that proved itself, else the CPU.

The GPU path is exercised by fakes on machines without a GPU; tests/asr/test_processor.py has one test that runs
on real CUDA where there is some.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import torch

from dictation.core.errors import OutOfMemory

if TYPE_CHECKING:
    from torch import Tensor, nn

    from dictation.asr.decoder import LogProbs
    from dictation.core.records import Samples

MOST_THREADS = 4
"""More do not help a network that takes 45 ms for 5 s of audio, and many-core machines stay cool."""

OWN_THREADS = torch.get_num_threads()
"""Torch's own choice, read once: one per core that this process may use, or OMP_NUM_THREADS."""

_log = logging.getLogger(__name__)


class Acoustics(Protocol):
    """Front end and network on one device."""

    device: str
    """``"cpu"`` or ``"cuda"``."""
    device_name: str
    """As a user knows it: ``CPU`` or the name of the GPU."""

    def log_probs(self, samples: Samples, checkpoint: Callable[[], None]) -> LogProbs:
        """Map samples to log-probabilities, shape (frames, labels); call ``checkpoint`` between the stages."""


class TorchAcoustics:
    """Front end in float32 and network in ``dtype`` on a torch device."""

    def __init__(self, front_end: nn.Module, network: nn.Module, device: str = "cpu") -> None:
        self.device = device
        self.device_name = "CPU" if device == "cpu" else torch.cuda.get_device_name(device)
        self._dtype = torch.float32 if device == "cpu" else torch.float16
        self._front_end = front_end.to(device)
        self._network = network.to(device, self._dtype)

    def log_probs(self, samples: Samples, checkpoint: Callable[[], None]) -> LogProbs:
        """Map samples to log-probabilities, shape (frames, labels); call ``checkpoint`` between the stages."""
        with torch.inference_mode():
            features = self._front_end(torch.tensor(samples, device=self.device))  # (time, mel)
            checkpoint()
            logits: Tensor = self._network(features.to(self._dtype).unsqueeze(0))[0]  # (frames, labels)
            log_probs: LogProbs = logits.float().log_softmax(dim=-1).cpu().numpy()
        return log_probs


def cuda_acoustics(front_end: nn.Module, network: nn.Module) -> Acoustics | None:
    """Put copies on the first GPU in half precision, or return None where torch finds none."""
    if not torch.cuda.is_available():
        return None
    return TorchAcoustics(copy.deepcopy(front_end), copy.deepcopy(network), "cuda")


class Processor:
    """Runs the acoustics on the device chosen by ``probe``, and moves to the CPU once if a GPU fails.

    Thread: whichever one, but only one at a time.
    """

    def __init__(self, cpu: Acoustics, make_gpu: Callable[[], Acoustics | None]) -> None:
        self.note = ""
        self._cpu = cpu
        self._current = cpu
        self._make_gpu = make_gpu

    @property
    def device(self) -> str:
        """``"cpu"`` or ``"cuda"``."""
        return self._current.device

    @property
    def device_name(self) -> str:
        """``CPU`` or the name of the GPU."""
        return self._current.device_name

    def probe(self, clip: Samples, find_fault: Callable[[LogProbs, LogProbs], str], *, is_gpu_wanted: bool) -> None:
        """Use the GPU if there is one and it hears in a clip what the CPU does; otherwise ``note`` says why not.

        Some drivers compute nonsense without any error, so agreement is the only proof.

        Args:
            clip: What both hear.
            find_fault: Called with what the GPU and what the CPU heard; says what the GPU gave that is wrong, or
                nothing.
            is_gpu_wanted: Makes the absence of a GPU worth a note, too.
        """
        try:
            gpu = self._make_gpu()
            if gpu is None:
                self.note = "No usable GPU was found; using the CPU." if is_gpu_wanted else ""
                return
            gpu_heard = gpu.log_probs(clip, _no_checkpoint)
        except RuntimeError as error:  # everything that torch raises on behalf of CUDA
            self._stay_on_cpu("The GPU failed its test", error)
            return
        if fault := find_fault(gpu_heard, self._cpu.log_probs(clip, _no_checkpoint)):
            self.note = f"The {gpu.device_name} gave {fault} in its test; using the CPU."
            return
        self._current = gpu

    def log_probs(self, samples: Samples, checkpoint: Callable[[], None]) -> LogProbs:
        """Map samples to log-probabilities, shape (frames, labels); a failing GPU costs time, never the segment.

        Raises:
            OutOfMemory: if the CPU has no room either.
        """
        if self._current is not self._cpu:
            try:
                return self._current.log_probs(samples, checkpoint)
            except RuntimeError as error:  # torch.OutOfMemoryError and AcceleratorError are RuntimeErrors
                self._stay_on_cpu(f"The {self._current.device_name} failed", error)
        try:
            return self._cpu.log_probs(samples, checkpoint)
        except MemoryError as error:
            raise OutOfMemory("The machine has no memory left for the model.") from error
        except RuntimeError as error:
            if "DefaultCPUAllocator" not in str(error):  # the only mark of a failed allocation on the CPU
                raise
            raise OutOfMemory("The machine has no memory left for the model.") from error

    def _stay_on_cpu(self, what: str, error: RuntimeError) -> None:
        """Move to the CPU for good and say so."""
        reason = "it ran out of memory" if isinstance(error, torch.OutOfMemoryError) else type(error).__name__
        self.note = f"{what} ({reason}); using the CPU."
        _log.warning("%s", self.note, exc_info=error)
        self._current = self._cpu


def use_threads() -> None:
    """Leave one core to the window and the microphone.

    OpenMP's threads wait for each other at every layer, so one that has no core stalls all. With two threads on two
    idle cores the starter takes 17, 21, 30, 64 ms for 1, 3, 5, 10 s of audio; with one, 18, 31, 45, 85 ms. With
    other programs busy on both cores it is 1380, 110, 200, 300 ms with two threads and 29, 63, 92, 142 ms with one.
    """
    torch.set_num_threads(max(1, min(MOST_THREADS, OWN_THREADS - 1)))


def _no_checkpoint() -> None:
    """A probe cannot be cancelled."""
