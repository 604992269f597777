"""The recogniser works on the CPU while the GPUs are tested, and moves when one is right. Fakes stand in for both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dictation.asr import processor, recognizer
from dictation.asr.model_folder import ModelFolder, open_model_folder
from dictation.asr.recognizer import Recognizer
from dictation.core.hardware import GpuReport, HardwareReport
from dictation.core.settings import RecognizerSettings
from tests.support.tiny_model import make_tiny_model

GOOD = HardwareReport((GpuReport("cuda:0", "Fake GPU", 8000, "9.0", "float16", "", 5.0),))
CRASHED = HardwareReport((GpuReport("cuda:0", "Fake GPU", 8000, "9.0", "", "crashed (SIGSEGV) in its test", 0.0),))


class FakeProbe:
    """Answers when the test says so, or when it is waited for."""

    made: list[FakeProbe]

    def __init__(self, model: Path, fingerprint: str) -> None:
        assert model.is_dir()
        assert len(fingerprint) == 64
        self.answer: HardwareReport | None = None
        self.is_cancelled = False
        self.made.append(self)

    def start(self) -> None:
        pass

    def wait(self, timeout_s: float | None) -> None:
        if timeout_s is None:
            self.answer = GOOD

    def cancel(self) -> None:
        self.is_cancelled = True


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelFolder]:
    """A tiny model on a machine whose GPU is the CPU in disguise."""
    FakeProbe.made = []
    monkeypatch.setattr(recognizer, "HardwareProbe", FakeProbe)
    monkeypatch.setattr(processor, "_device_name", lambda device: "CPU" if device == "cpu" else "Fake GPU")

    def on_cpu(front_end: object, network: object, gpu: GpuReport) -> processor.TorchAcoustics:
        made = processor.TorchAcoustics(front_end, network)
        made.device_name = gpu.name
        return made

    monkeypatch.setattr(processor, "gpu_acoustics", on_cpu)
    return open_model_folder(make_tiny_model(tmp_path / "tiny"))


def test_the_window_does_not_wait_for_the_test(folder: ModelFolder) -> None:
    made = Recognizer(folder, RecognizerSettings(), waits_for_gpu=False)
    report = made.load()
    assert (report.device_name, made.device_name) == ("CPU", "CPU")
    assert "being tested" in made.note
    made.tend()
    assert made.device_name == "CPU"
    FakeProbe.made[0].answer = GOOD
    made.tend()
    assert made.device_name == "Fake GPU"
    assert made.note == ""
    made.close()


def test_a_command_does(folder: ModelFolder) -> None:
    made = Recognizer(folder, RecognizerSettings())
    assert made.load().device_name == "Fake GPU"
    made.close()


def test_a_gpu_that_crashed_is_named_and_not_touched(folder: ModelFolder) -> None:
    made = Recognizer(folder, RecognizerSettings(), waits_for_gpu=False)
    made.load()
    FakeProbe.made[0].answer = CRASHED
    made.tend()
    assert made.device_name == "CPU"
    assert made.note == "Fake GPU crashed (SIGSEGV) in its test; using the CPU."
    made.close()


def test_who_wants_the_cpu_is_not_asked_about_gpus(folder: ModelFolder) -> None:
    made = Recognizer(folder, RecognizerSettings(processor="cpu"))
    made.load()
    assert FakeProbe.made == []
    assert made.note == ""
    made.close()


def test_closing_ends_the_test(folder: ModelFolder) -> None:
    made = Recognizer(folder, RecognizerSettings(), waits_for_gpu=False)
    made.tend()  # before load there is nothing to tend
    made.load()
    made.close()
    made.close()
    assert FakeProbe.made[0].is_cancelled


def test_an_idle_gpu_is_given_back_as_the_settings_say(folder: ModelFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Recognizer(folder, RecognizerSettings(gpu_idle_release_s=60))
    made.load()
    asked: list[float] = []
    monkeypatch.setattr(processor.Processor, "give_back_if_idle", lambda _, idle_s: asked.append(idle_s))
    made.tend()
    made.configure(RecognizerSettings(gpu_idle_release_s=0))
    made.tend()
    assert asked == [60, 0]
    made.close()
