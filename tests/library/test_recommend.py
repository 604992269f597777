"""What is recommended to whom, and how the machine is looked at."""

from __future__ import annotations

from dataclasses import replace
from importlib.machinery import ModuleSpec
from itertools import accumulate, chain, repeat
from pathlib import Path

import pytest

from dictation.asr.hardware_answers import write_answer
from dictation.core.hardware import GpuReport, HardwareReport
from dictation.library.catalogue import read_catalogue
from dictation.library.machine import (
    Gpu,
    Machine,
    look_at_machine,
    measure_gflops,
    parse_gpus,
    torch_is_for_cuda,
    without_unused_gpus,
)
from dictation.library.recommend import cpu_real_time_factor, judged_percent, recommend

ENTRIES = read_catalogue()
BY_KEY = {entry.key: entry for entry in ENTRIES}
LAPTOP = Machine(2, 8_000, 88.0)
WORKSTATION = Machine(16, 64_000, 352.0)
"""Four of its cores recognise."""


def keys(machine: Machine, language: str = "en") -> list[str]:
    return [entry.key for entry in recommend(ENTRIES, machine, language)]


def test_two_cores_carry_the_base_model() -> None:
    assert keys(LAPTOP) == ["wav2vec2-base-960h"]


def test_a_workstation_carries_a_large_one() -> None:
    assert keys(WORKSTATION) == ["wav2vec2-large-lv60k-960h", "wav2vec2-base-960h"]
    assert keys(Machine(16, 64_000, 700.0)) == ["hubert-xlarge", "wav2vec2-base-960h"]


def test_memory_limits_as_speed_does() -> None:
    assert keys(Machine(16, 4_000, 700.0)) == ["wav2vec2-large-lv60k-960h", "wav2vec2-base-960h"]
    assert keys(Machine(16, 500, 700.0)) == []


@pytest.mark.parametrize(
    ("memory_mb", "best"),
    [(1_000, "wav2vec2-base-960h"), (4_000, "wav2vec2-large-lv60k-960h"), (8_000, "hubert-xlarge")],
)
def test_a_gpu_with_memory_makes_up_for_a_slow_cpu(memory_mb: int, best: str) -> None:
    machine = Machine(2, 8_000, 88.0, (Gpu("any", memory_mb),))
    assert keys(machine)[0] == best


def test_a_machine_that_is_too_slow_keeps_the_starter() -> None:
    assert keys(Machine(1, 8_000, 20.0)) == []


@pytest.mark.parametrize("language", ["de", "es", "fr", "it"])
def test_other_languages_get_theirs(language: str) -> None:
    assert keys(WORKSTATION, language) == [f"voxpopuli-{language}"]


def test_a_language_without_models_gets_none() -> None:
    assert keys(WORKSTATION, "fi") == []


def test_figures_of_a_search_that_this_program_lacks_do_not_count() -> None:
    assert judged_percent(BY_KEY["hubert-large"]) == float("inf")
    assert judged_percent(BY_KEY["hubert-xlarge"]) == 1.71


def test_the_expected_speed_is_that_of_the_work() -> None:
    base, large = BY_KEY["wav2vec2-base-960h"], BY_KEY["wav2vec2-large-960h"]
    assert cpu_real_time_factor(large, LAPTOP) / cpu_real_time_factor(base, LAPTOP) == pytest.approx(38.4 / 14.8)


def test_products_in_bfloat16_carry_a_larger_model() -> None:
    assert keys(replace(LAPTOP, half_gain=4.2))[0] == "wav2vec2-large-lv60k-960h"
    assert cpu_real_time_factor(BY_KEY["wav2vec2-base-960h"], replace(LAPTOP, half_gain=4.2)) < 0.08
    assert keys(replace(LAPTOP, half_gain=0.05)) == keys(replace(LAPTOP, half_gain=1.4)) == keys(LAPTOP)


def test_this_machine_can_be_looked_at() -> None:
    machine = look_at_machine()
    assert machine.cores >= 1
    assert machine.memory_mb > 500
    assert machine.cpu_gflops > 0
    assert measure_gflops() > 0


def test_graphics_cards_are_read_from_the_drivers_answer() -> None:
    text = "NVIDIA H200, 143771\nQuadro, RTX, 8192\n[N/A]\nbroken, [N/A]\n"
    assert parse_gpus(text) == [Gpu("NVIDIA H200", 150755), Gpu("Quadro, RTX", 8590)]


@pytest.mark.parametrize(
    ("version", "is_for_cuda"),
    [
        ("cuda: Optional[str] = '13.0'\nhip: Optional[str] = None\n", True),
        ("cuda: Optional[str] = None\nhip: Optional[str] = None\n", False),
        ("cuda = None\n", False),
        (None, True),
    ],
)
def test_a_torch_for_cpus_uses_no_graphics_card(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str | None, is_for_cuda: bool
) -> None:
    if version is not None:
        (tmp_path / "version.py").write_text(version)
    found = ModuleSpec("torch", None, origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr("dictation.library.machine.find_spec", lambda _: found)
    assert torch_is_for_cuda() == is_for_cuda
    monkeypatch.setattr("dictation.library.machine._nvidia_gpus", lambda: [Gpu("any", 8_000)])
    assert bool(look_at_machine().gpus) == is_for_cuda


def test_a_gpu_that_is_not_used_recommends_no_model() -> None:
    good = GpuReport("cuda:0", "Good", 80_000, "9.0", "float16", "", 5.0)
    write_answer("a", HardwareReport((good, replace(good, device="cuda:1", name="Bad", precision="", fault="crashed"))))
    machine = replace(LAPTOP, gpus=(Gpu("Bad", 90_000), Gpu("Good", 80_000), Gpu("Untested", 8_000)))
    assert [gpu.name for gpu in without_unused_gpus(machine, "auto").gpus] == ["Good", "Untested"]
    assert without_unused_gpus(machine, "cpu") == LAPTOP
    assert without_unused_gpus(LAPTOP, "auto") == LAPTOP


def test_the_best_of_several_runs_counts_for_every_core_that_recognises(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run reads the clock at its start and before each product, until 50 ms have passed."""
    steps_s = chain([1 / 128] * 8, [1 / 256] * 14, repeat(1 / 128))  # in the second run products go twice as fast
    monkeypatch.setattr("dictation.library.machine.usable_cores", lambda: 4)
    found = measure_gflops(accumulate(steps_s).__next__)
    assert found == pytest.approx(3 * 12 / (13 / 256) * 2 * 512**3 / 1e9)
