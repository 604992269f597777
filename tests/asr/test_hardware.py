"""The probe's parent with children that behave as drivers do: all are real processes."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import psutil
import pytest

from dictation.asr import hardware
from dictation.asr.hardware import PROBE_ARGUMENT, probe
from dictation.core.hardware import GpuReport, HardwareReport
from tests.support.tiny_model import make_tiny_model

SAY = f"""
import json, os, signal, sys, time
def say(what, **facts):
    print({hardware.PREFIX!r} + json.dumps({{"say": what, **facts}}), flush=True)
def found(*devices):
    say("machine", torch_version="2.11", cpu_capability="AVX2", cpu_threads=4)
    for device in devices:
        say("found", device=device, name="Test GPU " + device, memory_mb=8000, capability="9.0")
def well(device, **facts):
    say("testing", device=device)
    say("tested", device=device, **{{"precision": "float16", "fault": "", "test_ms": 5.0, **facts}})
skipped = sys.argv[2::2] if len(sys.argv) > 1 and sys.argv[1] == "--skip" else sys.argv[3::2]
"""


def child(code: str) -> list[str]:
    return [sys.executable, "-c", SAY + code]


def run(code: str, hang_s: float = 30.0) -> HardwareReport:
    return probe(None, child(code), hang_s)


def test_a_gpu_that_is_right_is_chosen() -> None:
    report = run("found('cuda:0'); well('cuda:0'); say('done')")
    gpu = GpuReport("cuda:0", "Test GPU cuda:0", 8000, "9.0", "float16", "", 5.0)
    assert report.gpus == (gpu,)
    assert report.problem == ""
    assert (report.torch_version, report.cpu_capability, report.cpu_threads) == ("2.11", "AVX2", 4)
    assert report.choose("auto") == report.choose("cuda") == gpu
    assert report.choose("cpu") is None
    assert report.note("auto") == ""


def test_a_gpu_that_computes_wrong_is_named_and_not_used() -> None:
    report = run("found('cuda:0'); well('cuda:0', precision='', fault='computed nonsense'); say('done')")
    assert report.choose("auto") is None
    assert report.note("auto") == "Test GPU cuda:0 computed nonsense; using the CPU."
    assert report.note("cpu") == ""


def test_single_precision_is_taken_where_half_is_wrong() -> None:
    report = run(
        "found('cuda:0'); well('cuda:0', precision='', fault='is odd')\n"
        "well('cuda:0', precision='float32'); say('done')"
    )
    assert report.choose("auto").precision == "float32"


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("name", ["SIGSEGV", "SIGABRT", "SIGKILL"])
def test_a_driver_that_takes_the_child_down_is_named(name: str) -> None:
    report = run(
        "found('cuda:0')\n"
        f"if 'cuda:0' not in skipped: say('testing', device='cuda:0'); os.kill(os.getpid(), signal.{name})\n"
        "say('done')"
    )
    assert report.note("auto") == f"Test GPU cuda:0 crashed ({name}) in its test; using the CPU."
    assert report.problem == ""


def test_after_a_crash_the_other_gpus_are_still_tested() -> None:
    report = run(
        "found('cuda:0', 'cuda:1', 'cuda:2')\n"
        "for device in ('cuda:0', 'cuda:1', 'cuda:2'):\n"
        "    if device in skipped: continue\n"
        "    if device != 'cuda:2': say('testing', device=device); os._exit(3)\n"
        "    well(device)\n"
        "say('done')"
    )
    assert [gpu.fault for gpu in report.gpus] == ["ended early (exit code 3) in its test"] * 2 + [""]
    assert report.choose("auto").device == "cuda:2"


def test_a_driver_that_hangs_is_named_and_its_child_gone(tmp_path: Path) -> None:
    report = run(
        f"open({str(tmp_path / 'pid')!r}, 'a').write(str(os.getpid()) + ' ')\n"
        "found('cuda:0')\n"
        "if not skipped: say('testing', device='cuda:0'); time.sleep(600)\n"
        "say('done')",
        hang_s=2.0,
    )
    assert report.note("auto") == "Test GPU cuda:0 did not answer within 2 s in its test; using the CPU."
    for pid in (tmp_path / "pid").read_text().split():
        assert not psutil.pid_exists(int(pid))


def test_chatter_and_garbage_are_passed_over() -> None:
    prefix = hardware.PREFIX
    report = run(
        "os.write(1, bytes(range(256)) * 40 + b'\\n')\n"
        f"print({prefix!r} + 'no json'); print({prefix!r} + '[1]'); print({prefix!r} + '{{}}'); print({prefix!r})\n"
        "say('found', device='cuda:9'); say('machine', nonsense=1); say('tested'); say('unheard of')\n"
        "found('cuda:0'); print('WARNING: something'); well('cuda:0'); say('done')"
    )
    assert [gpu.device for gpu in report.gpus] == ["cuda:0"]
    assert report.choose("auto") is not None


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("os._exit(1)", "The test of the GPUs ended early (exit code 1)"),
        ("raise ImportError('torch')", "ended early (exit code 1)"),
        ("os._exit(0)", "ended early (exit code 0)"),
        ("print('all is well')", "ended early (exit code 0)"),
    ],
)
def test_a_child_that_says_nothing_of_use_is_a_problem(code: str, said: str) -> None:
    report = run(code)
    assert report.gpus == ()
    assert said in report.problem
    assert report.note("auto").endswith("; using the CPU.")


def test_a_child_that_always_dies_of_the_same_gpu_is_not_run_for_ever() -> None:
    report = run("found('cuda:0'); say('testing', device='cuda:0'); os._exit(3)")
    assert "ended early" in report.problem
    assert report.choose("auto") is None


def test_a_child_that_cannot_be_started() -> None:
    assert "could not be started" in probe(None, ["/no/such/program"]).problem


def test_cancelled_it_ends_the_child() -> None:
    started_s = time.monotonic()
    report = probe(
        None, child("found('cuda:0'); time.sleep(600)"), is_cancelled=lambda: time.monotonic() > started_s + 1
    )
    assert not report.problem


FAKE_GPUS = """
import torch
from dictation.asr import probe
BEHAVIOUR = {BEHAVIOUR}
class Gpu(probe.TorchAcoustics):
    def __init__(self, front_end, network, device="cpu", precision="float32"):
        super().__init__(front_end, network)
        self.wrong, self.precision = BEHAVIOUR.get(device, "right"), precision
    def log_probs(self, samples, checkpoint):
        right = super().log_probs(samples, checkpoint)
        return eval(self.wrong)
def fail(error):
    raise error
def find():
    for device in BEHAVIOUR:
        probe.say("found", device=device, name="Fake", memory_mb=1, capability="")
    return list(BEHAVIOUR)
probe.TorchAcoustics, probe.find_gpus = Gpu, find
probe.main([{MODEL}])
"""
OTHER = "computed other values than the CPU in its test"
BEHAVIOUR = {
    "right": ("right", "float16", ""),
    "halves": ("right if self.precision == 'float32' else right * float('nan')", "float32", ""),
    "swaps": ("right[:, ::-1]", "", OTHER),
    "zeros": ("right * 0", "", OTHER),
    "shortens": ("right[:-1]", "", OTHER),
    "small": ("fail(torch.OutOfMemoryError())", "", "has too little free memory for this model"),
    "broken": ("fail(RuntimeError('CUDA error'))", "", "failed its test (RuntimeError)"),
}


@pytest.mark.model
def test_the_real_child_tells_right_from_wrong(tmp_path: Path) -> None:
    """The child's own code with fake devices in the GPUs' place, each of which behaves in its way."""
    model = make_tiny_model(tmp_path / "tiny")
    wrong = repr({device: how for device, (how, _, _) in BEHAVIOUR.items()})
    code = FAKE_GPUS.replace("{BEHAVIOUR}", wrong).replace("{MODEL}", repr(str(model)))
    report = probe(None, [sys.executable, "-c", code])
    assert report.problem == ""
    assert {gpu.device: (gpu.precision, gpu.fault) for gpu in report.gpus} == {
        device: (precision, fault) for device, (_, precision, fault) in BEHAVIOUR.items()
    }
    assert report.choose("auto").device in {"right", "halves"}


def test_a_frozen_program_runs_itself_with_a_hidden_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert hardware._command() == [sys.executable, PROBE_ARGUMENT]


@pytest.mark.model
def test_the_real_child_by_its_hidden_argument(tmp_path: Path) -> None:
    """Lists what is there; a machine without a GPU has nothing to test, and that is no problem."""
    report = probe(make_tiny_model(tmp_path / "tiny"), [sys.executable, "-m", "dictation", PROBE_ARGUMENT])
    assert report.problem == ""
    assert "CUDA" in report.torch_version
    assert report.cpu_threads >= 1
    assert all(gpu.precision or gpu.fault for gpu in report.gpus)
