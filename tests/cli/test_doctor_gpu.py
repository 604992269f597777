"""What ``dictation doctor`` says of the GPUs; the probe's answers are made up, the rest of the doctor is left out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from dictation.asr import hardware
from dictation.asr.hardware_answers import answer_key, read_answer
from dictation.asr.model_folder import open_model_folder
from dictation.cli import main
from dictation.core.hardware import GpuReport, HardwareReport
from tests.support.tiny_model import make_tiny_model

GOOD = GpuReport("cuda:0", "Test GPU", 143771, "9.0", "float16", "", 12.0)
CRASHED = replace(GOOD, device="cuda:1", precision="", fault="crashed (SIGSEGV) in its test")
MACHINE = HardwareReport((), "", "AVX512", 8, "2.11.0, CUDA 13.0", "NVIDIA 580.1")


def nothing(_choices: object) -> Iterator[str]:
    return iter(())


@pytest.fixture
def consult(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[HardwareReport], tuple[int, str]]:
    """Run the doctor on a machine of which the probe says this."""
    model = make_tiny_model(tmp_path / "tiny")
    for name in ("_packages", "_audio", "_models", "_self_test"):
        monkeypatch.setattr(sys.modules["dictation.cli.doctor"], name, nothing)

    def run(report: HardwareReport) -> tuple[int, str]:
        def fake_probe(folder: Path) -> HardwareReport:
            assert folder == model
            return report

        monkeypatch.setattr(hardware, "probe", fake_probe)
        result = CliRunner().invoke(main, ["doctor", "--model", str(model)])
        key = answer_key(open_model_folder(model).files["weights"].sha256, report.driver)
        assert read_answer(key) == report  # the program will not ask again
        return result.exit_code, result.stdout

    return run


def test_a_good_gpu(consult: Callable[[HardwareReport], tuple[int, str]]) -> None:
    code, text = consult(replace(MACHINE, gpus=(GOOD,)))
    assert code == 0
    assert "torch 2.11.0, CUDA 13.0" in text
    assert "CPU: AVX512, threads: 8" in text
    assert "GPU driver: NVIDIA 580.1" in text
    assert "cuda:0: Test GPU, 143771 MiB, compute capability 9.0: right in float16, 12 ms" in text


def test_none(consult: Callable[[HardwareReport], tuple[int, str]]) -> None:
    code, text = consult(replace(MACHINE, driver=""))
    assert code == 0
    assert "GPU driver: none" in text
    assert "no GPU; the CPU is used" in text


def test_one_that_crashes_is_named(consult: Callable[[HardwareReport], tuple[int, str]]) -> None:
    code, text = consult(replace(MACHINE, gpus=(CRASHED,)))
    assert code == 1
    assert "cuda:1: Test GPU, 143771 MiB, compute capability 9.0: crashed (SIGSEGV) in its test" in text
    assert "FAILED: Test GPU crashed (SIGSEGV) in its test; using the CPU." in text


def test_one_that_crashes_beside_a_good_one(consult: Callable[[HardwareReport], tuple[int, str]]) -> None:
    code, text = consult(replace(MACHINE, gpus=(GOOD, CRASHED)))
    assert code == 1
    assert "another one is used" in text


def test_a_probe_that_fails_altogether(consult: Callable[[HardwareReport], tuple[int, str]]) -> None:
    code, text = consult(HardwareReport(problem="The test of the GPUs did not answer within 120 s"))
    assert code == 1
    assert "did not answer within 120 s; using the CPU." in text
