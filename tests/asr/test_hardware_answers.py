"""What the probe found is kept while it holds, asked for anew when it may not, and never waited for in the window."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from dictation.asr import hardware, hardware_answers
from dictation.asr.hardware_answers import HardwareProbe, answer_key, failed_gpus, read_answer, write_answer
from dictation.core.hardware import GpuReport, HardwareReport

GOOD = GpuReport("cuda:0", "Test GPU", 8000, "9.0", "float16", "", 5.0)
REPORT = HardwareReport((GOOD,), cpu_capability="AVX2", cpu_threads=4, torch_version="2.11", driver="NVIDIA 1")
FAULTY = replace(REPORT, gpus=(GOOD, replace(GOOD, device="cuda:1", precision="", fault="crashed")))


@pytest.fixture(autouse=True)
def driver_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine with an NVIDIA driver, of which only the version file is there."""
    path = tmp_path / "version"
    path.write_text("NVRM version: 580.1\n")
    monkeypatch.setattr(hardware, "_NVIDIA_VERSION", path)
    return path


def test_what_is_written_is_read() -> None:
    assert read_answer("a") is None
    write_answer("a", REPORT)
    write_answer("b", FAULTY)
    assert read_answer("a") == REPORT
    assert read_answer("b") == FAULTY
    assert read_answer("c") is None


@pytest.mark.parametrize("report", [FAULTY, replace(REPORT, gpus=(), problem="broken")])
def test_a_fault_is_forgotten_after_a_day_and_rightness_is_not(
    report: HardwareReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_answer("a", report)
    write_answer("b", REPORT)
    now_s = hardware_answers.time.time()
    monkeypatch.setattr(hardware_answers.time, "time", lambda: now_s + 25 * 3600)
    assert read_answer("a") is None
    assert read_answer("b") == REPORT


def test_the_newest_test_of_a_gpu_counts_whichever_model_it_was_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert failed_gpus({"Test GPU"}) == set()
    wrong = replace(REPORT, gpus=(replace(GOOD, precision="", fault="crashed"),))
    write_answer("a", wrong)
    assert failed_gpus({"Test GPU", "Other GPU"}) == {"Test GPU"}
    write_answer("b", FAULTY)  # of two of that name one is right
    assert failed_gpus({"Test GPU"}) == set()
    write_answer("c", replace(REPORT, gpus=(), problem="broken"))
    assert failed_gpus({"Test GPU", "Other GPU"}) == {"Test GPU", "Other GPU"}
    now_s = hardware_answers.time.time()
    monkeypatch.setattr(hardware_answers.time, "time", lambda: now_s + 25 * 3600)
    assert failed_gpus({"Test GPU", "Other GPU"}) == set()


@pytest.mark.parametrize("data", [b"", b"\xff", b"[]", b"null", b'{"a": 1}', b'{"a": {"time_s": "x", "report": {}}}'])
def test_a_damaged_cache_is_no_answer_and_is_replaced(data: bytes) -> None:
    path = hardware_answers._cache_file()
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    assert read_answer("a") is None
    assert failed_gpus({"Test GPU"}) == set()
    write_answer("a", REPORT)
    assert read_answer("a") == REPORT


def test_a_cache_that_cannot_be_written_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    path = hardware_answers._cache_file().parent
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("in the way")
    write_answer("a", REPORT)
    assert "cannot be kept" in caplog.text


def test_only_the_newest_answers_are_kept() -> None:
    for count in range(20):
        write_answer(str(count), REPORT)
    assert [str(count) for count in range(20) if read_answer(str(count))] == [str(count) for count in range(12, 20)]


def test_the_key_changes_with_driver_torch_and_model(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {answer_key("model", "580.1"), answer_key("other model", "580.1"), answer_key("model", "580.2")}
    monkeypatch.setattr(hardware_answers.metadata, "version", lambda _: "3.0")
    keys.add(answer_key("model", "580.1"))
    assert len(keys) == 4
    assert answer_key("model", "580.1") in keys


def test_without_a_driver_no_child_is_started(driver_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver_file.unlink()
    monkeypatch.setattr(hardware, "_ask_nvidia_smi", lambda: "")
    monkeypatch.setattr(hardware, "_AMD_DEVICE", driver_file)
    monkeypatch.setattr(hardware_answers, "probe", None)
    asked = HardwareProbe(Path("model"), "x")
    asked.start()
    asked.wait()
    assert asked.answer == HardwareReport()


def test_the_answer_comes_later_and_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    let_go, runs = threading.Event(), []

    def slow_probe(model: Path, **_: object) -> HardwareReport:
        runs.append(model)
        let_go.wait(30)
        return REPORT

    monkeypatch.setattr(hardware_answers, "probe", slow_probe)
    asked = HardwareProbe(Path("model"), "x")
    asked.start()
    asked.wait(0.01)
    assert asked.answer is None
    let_go.set()
    asked.wait()
    assert asked.answer == REPORT
    again = HardwareProbe(Path("model"), "x")
    again.start()
    again.wait()
    assert again.answer == REPORT
    assert runs == [Path("model")]


def test_a_cancelled_probe_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def probe_until_cancelled(_: Path, is_cancelled: threading.Event) -> HardwareReport:
        while not is_cancelled():
            threading.Event().wait(0.01)
        return FAULTY

    monkeypatch.setattr(hardware_answers, "probe", probe_until_cancelled)
    asked = HardwareProbe(Path("model"), "x")
    asked.start()
    asked.cancel()
    asked.wait()
    assert asked.answer is None
    assert read_answer(answer_key("x", "NVRM version: 580.1")) is None
