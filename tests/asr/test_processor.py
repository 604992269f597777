"""The choice of a processor, with fakes in the GPU's place; the last test runs where there is a real GPU."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dictation.asr import processor
from dictation.asr.model_folder import ModelFolder
from dictation.asr.probe import try_out
from dictation.asr.processor import Acoustics, Processor, gpu_acoustics, use_threads
from dictation.core.errors import OutOfMemory
from dictation.core.records import Samples

CLIP = np.ones(100, dtype=np.float32)


class FakeAcoustics:
    """Says ``answer``; raises what is queued in ``failures`` first, one per call."""

    def __init__(self, device: str, answer: float = 1.0, failures: list[Exception | None] | None = None) -> None:
        self.device = device
        self.device_name = {"cpu": "CPU"}.get(device, "Fake GPU")
        self.answer = answer
        self.failures = failures or []
        self.calls = 0

    def log_probs(self, _samples: Samples, _checkpoint: object) -> np.ndarray:
        self.calls += 1
        failure = self.failures.pop(0) if self.failures else None
        if failure:
            raise failure
        return np.full((1, 1), self.answer)


def find_other_numbers(heard: np.ndarray, wanted: np.ndarray) -> str:
    return "a wrong text" if heard != wanted else ""


def probed(cpu: Acoustics, gpu: Acoustics | None, *, is_gpu_wanted: bool = False) -> Processor:
    processor = Processor(cpu, lambda: gpu)
    processor.probe(CLIP, find_other_numbers, is_gpu_wanted=is_gpu_wanted)
    return processor


def listen(processor: Processor) -> float:
    return float(processor.log_probs(CLIP, lambda: None)[0, 0])


def test_a_gpu_that_agrees_is_used() -> None:
    cpu, gpu = FakeAcoustics("cpu"), FakeAcoustics("cuda")
    processor = probed(cpu, gpu)
    assert (processor.device, processor.device_name, processor.note) == ("cuda", "Fake GPU", "")
    listen(processor)
    assert (cpu.calls, gpu.calls) == (1, 2)


def test_a_gpu_that_computes_nonsense_is_not() -> None:
    processor = probed(FakeAcoustics("cpu", 1.0), FakeAcoustics("cuda", 2.0))
    assert processor.device == "cpu"
    assert "wrong text" in processor.note
    assert listen(processor) == 1.0


@pytest.mark.parametrize(
    ("failure", "reason"),
    [(torch.OutOfMemoryError("no room"), "out of memory"), (RuntimeError("CUDA error: no kernel"), "RuntimeError")],
)
def test_a_gpu_that_fails_its_probe_is_not(failure: Exception, reason: str) -> None:
    processor = probed(FakeAcoustics("cpu"), FakeAcoustics("cuda", failures=[failure]))
    assert processor.device_name == "CPU"
    assert reason in processor.note


def test_a_gpu_that_cannot_even_be_opened() -> None:
    def broken() -> Acoustics:
        raise RuntimeError("CUDA driver version is insufficient")

    processor = Processor(FakeAcoustics("cpu"), broken)
    processor.probe(CLIP, lambda *_: "", is_gpu_wanted=False)
    assert processor.device == "cpu"
    assert "failed its test" in processor.note


def test_the_absence_of_a_gpu_is_only_worth_a_note_if_one_was_wanted() -> None:
    assert probed(FakeAcoustics("cpu"), None).note == ""
    assert "No usable GPU" in probed(FakeAcoustics("cpu"), None, is_gpu_wanted=True).note


def test_a_gpu_that_fails_later_loses_no_segment_and_is_left_for_good(caplog: pytest.LogCaptureFixture) -> None:
    gpu = FakeAcoustics("cuda", failures=[None, None, torch.OutOfMemoryError("no room")])
    cpu = FakeAcoustics("cpu")
    processor = probed(cpu, gpu)
    listen(processor)
    assert processor.device == "cuda"
    assert listen(processor) == 1.0  # the failing segment, from the CPU
    assert (processor.device, processor.device_name) == ("cpu", "CPU")
    assert processor.note == "The Fake GPU failed (it ran out of memory); using the CPU."
    listen(processor)
    assert (gpu.calls, cpu.calls) == (3, 3)
    assert "Fake GPU failed" in caplog.text


@pytest.mark.parametrize("failure", [MemoryError(), RuntimeError("[...] DefaultCPUAllocator: can't allocate")])
def test_no_memory_on_the_cpu_is_said(failure: Exception) -> None:
    with pytest.raises(OutOfMemory):
        listen(Processor(FakeAcoustics("cpu", failures=[failure]), lambda: None))


def test_a_bug_on_the_cpu_stays_a_bug() -> None:
    with pytest.raises(RuntimeError, match="shapes differ"):
        listen(Processor(FakeAcoustics("cpu", failures=[RuntimeError("shapes differ")]), lambda: None))


def test_without_a_choice_there_is_no_gpu() -> None:
    assert gpu_acoustics(torch.nn.Identity(), torch.nn.Identity(), None) is None


class Borrowed:
    """A GPU that can be taken again and again, until ``failure`` is set."""

    def __init__(self) -> None:
        self.taken = 0
        self.failure: Exception | None = None

    def take(self) -> FakeAcoustics:
        self.taken += 1
        return FakeAcoustics("cuda", failures=[self.failure])


def test_an_idle_gpu_is_given_back_and_taken_again() -> None:
    now_s, gpu = [0.0], Borrowed()
    processor = Processor(FakeAcoustics("cpu"), gpu.take, lambda: now_s[0])
    assert not processor.give_back_if_idle(10)  # nothing to give
    processor.probe(CLIP, find_other_numbers, is_gpu_wanted=False)
    now_s[0] = 9.0
    assert not processor.give_back_if_idle(10)
    listen(processor)
    now_s[0] = 18.0
    assert not processor.give_back_if_idle(10)
    now_s[0] = 19.0
    assert not processor.give_back_if_idle(0)  # never
    assert processor.give_back_if_idle(10)
    assert not processor.give_back_if_idle(10)
    assert (processor.device, processor.device_name, gpu.taken) == ("cuda", "Fake GPU", 1)
    assert listen(processor) == 1.0
    assert gpu.taken == 2


def test_a_gpu_that_others_took_meanwhile_costs_no_segment() -> None:
    now_s, gpu = [0.0], Borrowed()
    processor = Processor(FakeAcoustics("cpu"), gpu.take, lambda: now_s[0])
    processor.probe(CLIP, find_other_numbers, is_gpu_wanted=False)
    now_s[0] = 10.0
    assert processor.give_back_if_idle(10)
    gpu.failure = torch.OutOfMemoryError("others have it")
    assert listen(processor) == 1.0
    assert processor.device == "cpu"
    assert processor.note == "The Fake GPU failed (it ran out of memory); using the CPU."


def test_closing_lets_the_gpu_go() -> None:
    processor = probed(FakeAcoustics("cpu"), FakeAcoustics("cuda"))
    processor.close()
    processor.close()
    assert processor.device == "cpu"


def test_the_probe_compares_texts_where_the_numbers_are_close() -> None:
    texts = iter(["one", "another"])
    found = try_out(lambda: FakeAcoustics("cuda"), CLIP, np.ones((1, 1)), lambda _: next(texts))
    assert found == ("gave a wrong text in its test", 0.0)


@pytest.mark.parametrize(("own", "used"), [(1, 1), (2, 1), (4, 3), (64, 4)])
def test_one_core_is_left_to_the_window(own: int, used: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads on two busy cores took 1.4 s for what one does in 29 ms."""
    asked: list[int] = []
    monkeypatch.setattr(processor, "OWN_THREADS", own)
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    use_threads()
    use_threads()  # a model loaded later must not take another core away
    assert asked == [used, used]


@pytest.mark.model
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU: none on this machine")
def test_the_real_gpu_reads_the_clip(starter: ModelFolder) -> None:
    from dictation.asr.recognizer import Recognizer
    from dictation.core.settings import RecognizerSettings

    report = Recognizer(starter, RecognizerSettings(processor="cuda")).load()
    assert report.device_name != "CPU", report.note
    assert report.is_ok
