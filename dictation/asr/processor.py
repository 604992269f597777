"""Where the network runs: a GPU that proved itself, else the CPU.

Which GPU is right was found by a child process (``hardware``); here it is asked once more before it is trusted. The GPU
path is exercised by fakes on machines without one; tests/asr/test_processor.py has a test that runs on real CUDA where
there is some.
"""

from __future__ import annotations

import contextlib
import copy
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import torch

from dictation.asr.half_products import HasHalfProducts, half_gain
from dictation.asr.together import logits_together, room_samples
from dictation.core.errors import OutOfMemory
from dictation.core.hardware import LEAST_HALF_GAIN, recogniser_threads

if TYPE_CHECKING:
    from torch import Tensor, nn

    from dictation.asr.decoder import LogProbs
    from dictation.asr.model_folder import ModelFolder
    from dictation.core.hardware import GpuReport
    from dictation.core.records import Samples

UNLIMITED = 1 << 30
"""Pieces of audio at once, as long as no GPU has been too full for some."""

OWN_THREADS = torch.get_num_threads()
"""Torch's own choice, read once: one per core that this process may use, or OMP_NUM_THREADS."""

HALVES = {"float32": "bfloat16"}
"""What a full GPU goes on in. float16 has no half. float32 is used only where float16 failed its test, mostly by
overflow, and bfloat16 reaches as far as float32 does."""

_OUT_OF_MEMORY = ("out of memory", "ALLOC_FAILED", "DefaultCPUAllocator")
"""How a full device words it where torch raises no error of its own kind: CUDA and MPS, cuBLAS and cuDNN, the CPU."""

_log = logging.getLogger(__name__)


class Acoustics(Protocol):
    """Front end and network on one device."""

    device: str
    """As torch calls it: ``cpu``, ``cuda:0``, ``mps``."""
    device_name: str
    """As a user knows it: ``CPU``, ``CPU (bfloat16)`` or the name of the GPU."""

    def log_probs(self, samples: Samples, checkpoint: Callable[[], None]) -> LogProbs:
        """Map samples to log-probabilities, shape (frames, labels); call ``checkpoint`` between the stages."""


class BatchAcoustics(Acoustics, Protocol):
    """Front end and network on one device, for several pieces of audio at once."""

    precision: str
    """The network's, as torch calls it."""

    def log_probs_of(self, batch: Sequence[Samples], checkpoint: Callable[[], None]) -> list[LogProbs]:
        """Map each piece of audio to what ``log_probs`` gives for it, within 1e-4 in float32."""

    def room_samples(self) -> int:
        """How many samples of audio there is room for at once; 0 where one piece is heard after the other."""


class TorchAcoustics:
    """Front end in float32 and network in ``precision``, a name of a torch type, on a torch device."""

    def __init__(
        self, front_end: nn.Module, network: nn.Module, device: str = "cpu", precision: str = "float32"
    ) -> None:
        self.device = device
        self.device_name = _device_name(device)
        self.precision = precision
        self._dtype: torch.dtype = getattr(torch, precision)
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

    def log_probs_of(self, batch: Sequence[Samples], checkpoint: Callable[[], None]) -> list[LogProbs]:
        """Map each piece of audio to what ``log_probs`` gives for it, within 1e-4 in float32."""
        with torch.inference_mode():
            features = [self._front_end(torch.tensor(samples, device=self.device)).to(self._dtype) for samples in batch]
            checkpoint()
            logits = logits_together(self._network, features)
            return [one.float().log_softmax(dim=-1).cpu().numpy() for one in logits]

    def room_samples(self) -> int:
        """How many samples of audio there is room for at once; 0 where one piece is heard after the other."""
        return room_samples(self.device, self._dtype.itemsize)


def _device_name(device: str) -> str:
    """A device as a user knows it."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    return {"cpu": "CPU", "mps": "Apple GPU"}.get(device, device)


def load_modules(folder: ModelFolder) -> tuple[nn.Module, nn.Module]:
    """Build a model's front end and network on the CPU, in float32; raises ``ModelDamaged``."""
    from dictation.asr.network import load_network

    network = load_network(
        folder.architecture,
        folder.architecture_parameters,
        folder.features.width,
        len(folder.labels),
        folder.required_file("weights"),
    )
    return folder.features.build(), network


def faster_cpu_acoustics(front_end: nn.Module, network: nn.Module) -> Acoustics | None:
    """Make a copy that multiplies in bfloat16; None where the CPU is not faster so, or the network has no such twin."""
    if not isinstance(network, HasHalfProducts) or half_gain() < LEAST_HALF_GAIN:
        return None
    faster = TorchAcoustics(front_end, network.with_half_products())
    faster.device_name = f"{faster.device_name} (bfloat16)"
    return faster


def gpu_acoustics(front_end: nn.Module, network: nn.Module, gpu: GpuReport | None) -> BatchAcoustics | None:
    """Put copies on a GPU in the precision in which it was found right; None for none."""
    if gpu is None:
        return None
    return TorchAcoustics(copy.deepcopy(front_end), copy.deepcopy(network), gpu.device, gpu.precision)


def halved(gpu: GpuReport | None) -> GpuReport | None:
    """The same GPU in half of its precision; None if there is none."""
    return replace(gpu, precision=HALVES[gpu.precision]) if gpu and gpu.precision in HALVES else None


class Processor:
    """Runs the acoustics on the GPU that ``probe`` found right, else on the CPU, and moves there once a GPU fails.

    A full GPU hears fewer pieces at once, half as many each time; if one alone is too many, in half of its precision,
    should that pass the same test; then the CPU is next. What it failed on is heard again. ``note``
    says what the user has of it: not that batches are smaller, which changes the speed alone.

    Thread: whichever one, but only one at a time.
    """

    def __init__(
        self,
        cpu: Acoustics,
        make_gpu: Callable[[], BatchAcoustics | None],
        clock: Callable[[], float] = time.monotonic,
        make_halved_gpu: Callable[[], BatchAcoustics | None] = lambda: None,
    ) -> None:
        """Make a processor that works on the CPU.

        Args:
            cpu: What always works.
            make_gpu: Puts the network on the GPU; None if there is none.
            clock: Monotonic, in seconds.
            make_halved_gpu: Puts it there in half the precision; None if there is no half.
        """
        self.note = ""
        self._cpu = cpu
        self._make_gpu = make_gpu
        self._make_halved_gpu = make_halved_gpu
        self._clock = clock
        self._chosen: tuple[str, str] | None = None
        self._gpu: BatchAcoustics | None = None
        self._used_s = 0.0
        self._most_together = UNLIMITED
        self._exact: LogProbs | None = None
        self._test: Callable[[Acoustics], str] = lambda _: ""

    @property
    def device(self) -> str:
        """As torch calls it: ``cpu``, ``cuda:0``, ``mps``."""
        return self._chosen[0] if self._chosen else self._cpu.device

    @property
    def device_name(self) -> str:
        """``CPU``, ``CPU (bfloat16)`` or the name of the GPU, also while that is given back."""
        return self._chosen[1] if self._chosen else self._cpu.device_name

    def keep_exact(self, heard: LogProbs) -> None:
        """Remember what the exact CPU heard in the clip of all tests: the copy that may follow it is no measure."""
        self._exact = heard

    def hasten_cpu(
        self, make: Callable[[], Acoustics | None], clip: Samples, find_fault: Callable[[LogProbs, LogProbs], str]
    ) -> None:
        """Let a faster copy work on the CPU if there is one and it hears in a clip what the exact one does.

        Args:
            make: Makes the copy; None if there is none.
            clip: What ``keep_exact`` was given the log-probabilities of.
            find_fault: Called with what the copy and what the exact one heard; says what is wrong, or nothing.
        """
        try:
            faster = make()
            if faster is None:
                return
            heard = faster.log_probs(clip, _no_checkpoint)
        except (RuntimeError, MemoryError) as error:  # such as no room for a copy
            _log.warning("the CPU goes on in float32", exc_info=error)
            return
        fault = find_fault(heard, self._heard_exactly(clip))
        if fault:
            _log.warning("the %s gave %s; the CPU goes on in float32", faster.device_name, fault)
            return
        self._cpu = faster

    def forget_gpu(self) -> None:
        """No GPU is going to be used: let go of what copies for it would be made from."""
        self._make_gpu = self._make_halved_gpu = lambda: None

    def probe(self, clip: Samples, find_fault: Callable[[LogProbs, LogProbs], str], *, is_gpu_wanted: bool) -> None:
        """Use the GPU if there is one and it hears in a clip what the CPU does; otherwise ``note`` says why not.

        Some drivers compute nonsense without any error, so agreement is the only proof.

        Args:
            clip: What both hear.
            find_fault: Called with what the GPU and what the CPU heard; says what the GPU gave that is wrong, or
                nothing.
            is_gpu_wanted: Makes the absence of a GPU worth a note, too.
        """

        def test(gpu: Acoustics) -> str:
            heard = gpu.log_probs(clip, _no_checkpoint)
            return find_fault(heard, self._heard_exactly(clip))

        try:
            gpu = self._make_gpu()
            if gpu is None:
                self.note = "No usable GPU was found; using the CPU." if is_gpu_wanted else ""
                return
            fault = test(gpu)
        except RuntimeError as error:  # everything that torch raises on behalf of CUDA
            self._stay_on_cpu("The GPU failed its test", error)
            return
        if fault:
            self.note = f"The {gpu.device_name} gave {fault} in its test; using the CPU."
            self.forget_gpu()
            return
        self._test = test
        self._gpu, self._chosen, self._used_s = gpu, (gpu.device, gpu.device_name), self._clock()

    def log_probs(self, samples: Samples, checkpoint: Callable[[], None]) -> LogProbs:
        """Map samples to log-probabilities, shape (frames, labels); see ``log_probs_of``."""
        return self.log_probs_of([samples], checkpoint)[0]

    def log_probs_of(self, batch: Sequence[Samples], checkpoint: Callable[[], None]) -> list[LogProbs]:
        """Map pieces of audio to log-probabilities, shape (frames, labels) each; a failing GPU costs time, never audio.

        A GPU that was given back is taken again first. The CPU hears one piece after the other.

        Raises:
            OutOfMemory: if the CPU has no room either.
        """
        heard: list[LogProbs] = []
        while self._chosen is not None and len(heard) < len(batch):
            part = batch[len(heard) : len(heard) + self._most_together]
            heard += self._hear_on_gpu(part, checkpoint)
        return heard + [self._hear_on_cpu(samples, checkpoint) for samples in batch[len(heard) :]]

    @property
    def hears_together(self) -> bool:
        """Whether several pieces of audio take less time together; only where CUDA is. Thread: any."""
        chosen = self._chosen
        return chosen is not None and chosen[0].startswith("cuda") and self._most_together > 1

    def room_samples(self) -> int:
        """How many samples of audio it is worth hearing at once; 0 for one piece after the other."""
        return self._gpu.room_samples() if self._gpu is not None and self.hears_together else 0

    def give_back_if_idle(self, idle_s: float) -> bool:
        """Free the GPU's memory for others if it has heard nothing for ``idle_s``; 0 never does. True if it did."""
        if self._gpu is None or not idle_s or self._clock() - self._used_s < idle_s:
            return False
        self._free_gpu()
        return True

    def close(self) -> None:
        """Free the GPU; idempotent."""
        self._chosen = None
        self._free_gpu()

    def _hear_on_gpu(self, part: Sequence[Samples], checkpoint: Callable[[], None]) -> list[LogProbs]:
        """What the GPU hears, nothing if it failed and this has changed what is to be tried next."""
        try:
            gpu = self._take_gpu()
            return gpu.log_probs_of(part, checkpoint) if len(part) > 1 else [gpu.log_probs(part[0], checkpoint)]
        except RuntimeError as error:  # torch.OutOfMemoryError and AcceleratorError are RuntimeErrors
            if not is_out_of_memory(error):
                self._stay_on_cpu(f"The {self.device_name} failed", error)
                return []
            failure = error.with_traceback(None)
        # Only here: within the except clause the traceback's frames keep what filled the memory
        # (https://docs.pytorch.org/docs/stable/notes/faq.html).
        self._make_room(len(part), failure)
        return []

    def _make_room(self, tried_together: int, failure: RuntimeError) -> None:
        """Take the next step down after ``tried_together`` pieces of audio were too much for the GPU's memory."""
        if tried_together > 1:
            self._most_together = tried_together // 2
            _log.warning("the GPU has no room for %d segments at once; trying half as many", tried_together)
        elif not self._halve_precision():
            self._stay_on_cpu(f"The {self.device_name} failed", failure)

    def _halve_precision(self) -> bool:
        """Go on in half of the precision if there is one and it passes the GPU's test; whether it did."""
        make_halved, self._make_halved_gpu = self._make_halved_gpu, lambda: None
        self._free_gpu()
        try:
            gpu = make_halved()
            if gpu is None or self._test(gpu):
                return False
        except (RuntimeError, MemoryError) as error:
            _log.warning("the GPU failed in half precision", exc_info=error)
            return False
        self._gpu, self._make_gpu = gpu, make_halved
        self.note = f"The {self.device_name} ran out of memory; it goes on in half precision ({gpu.precision})."
        _log.warning("%s", self.note)
        return True

    def _heard_exactly(self, clip: Samples) -> LogProbs:
        """What float32 on the CPU makes of the clip of all tests."""
        return self._cpu.log_probs(clip, _no_checkpoint) if self._exact is None else self._exact

    def _hear_on_cpu(self, samples: Samples, checkpoint: Callable[[], None]) -> LogProbs:
        """What the CPU hears; ``OutOfMemory`` if it has no room."""
        try:
            return self._cpu.log_probs(samples, checkpoint)
        except MemoryError as error:
            raise OutOfMemory("The machine has no memory left for the model.") from error
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            raise OutOfMemory("The machine has no memory left for the model.") from error

    def _take_gpu(self) -> BatchAcoustics:
        """The GPU, with copies on it once more if it was given back; ``RuntimeError`` if it is gone."""
        self._gpu = self._gpu or self._make_gpu()
        if self._gpu is None:
            raise RuntimeError("the GPU is gone")
        self._used_s = self._clock()
        return self._gpu

    def _free_gpu(self) -> None:
        """Drop the copies there, and what torch keeps for the next ones."""
        self._gpu = None
        with contextlib.suppress(RuntimeError):  # a driver in trouble shall not stop a window from closing
            torch.cuda.empty_cache()  # does nothing where CUDA was never used
            if torch.backends.mps.is_available():
                torch.mps.empty_cache()

    def _stay_on_cpu(self, what: str, error: RuntimeError) -> None:
        """Move to the CPU for good and say so."""
        reason = "it ran out of memory" if is_out_of_memory(error) else type(error).__name__
        self.note = f"{what} ({reason}); using the CPU."
        _log.warning("%s", self.note, exc_info=error)
        self._chosen = None
        self._free_gpu()
        self.forget_gpu()


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether a device failed because it is full."""
    return isinstance(error, torch.OutOfMemoryError) or any(words in str(error) for words in _OUT_OF_MEMORY)


def use_threads() -> None:
    """Have torch compute with as many threads as recognition may take."""
    torch.set_num_threads(recogniser_threads(OWN_THREADS))


def _no_checkpoint() -> None:
    """A probe cannot be cancelled."""
