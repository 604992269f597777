"""The table of networks, tried out with small sizes on the CPU: its program must not rot between two GPUs."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch

from tests.support.starter import STARTER_NAME

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "bench_networks.py"


@pytest.fixture(scope="module")
def bench() -> Iterator[ModuleType]:
    specification = importlib.util.spec_from_file_location("bench_networks", SCRIPT)
    module = importlib.util.module_from_spec(specification)
    sys.modules["bench_networks"] = module
    specification.loader.exec_module(module)
    yield module
    del sys.modules["bench_networks"]


@pytest.mark.model
def test_every_network_gets_its_rows(bench: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    bench.print_table("cpu", is_small=True, batches=[1, 3], precisions=["float32"], audio_s=0.5, runs=1)
    lines = capsys.readouterr().out.splitlines()
    assert "times mean nothing" in lines[1]
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")]
    assert tuple(rows[0]) == bench.HEADINGS
    models = ["wav2vec 2.0 base", "wav2vec 2.0 large", "HuBERT large", STARTER_NAME]
    assert [row[0] for row in rows[1:]] == [model for model in models for _ in range(2)]
    assert [row[2] for row in rows[1:]] == ["1", "3"] * 4
    for row in rows[1:]:
        assert float(row[3]) > 0
        assert float(row[4]) > 0
        assert bool(row[7].strip()) == (row[2] == "1")  # latency is a matter of single utterances


@pytest.mark.model
def test_products_in_bfloat16_are_for_some_networks_on_the_cpu(
    bench: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.print_table("cpu", is_small=True, batches=[1], precisions=[bench.HALF_PRODUCTS], audio_s=0.5, runs=1)
    lines = capsys.readouterr().out.splitlines()
    rows = [line.strip("| ").split(" | ")[:2] for line in lines if line.startswith("| ")]
    models = ["wav2vec 2.0 base", "wav2vec 2.0 large", "HuBERT large"]
    assert rows[1:] == [[model, bench.HALF_PRODUCTS] for model in models]
    assert f"{STARTER_NAME}, {bench.HALF_PRODUCTS}: for CPUs and networks that read the waveform." in lines


def test_the_limit_is_what_the_operations_take_at_full_speed(bench: ModuleType) -> None:
    row = bench.Row("one", "float16", 4, 80.0, 5.0, 10.0, flops=4e12, peak_flops=4e14, memory_mib=0.0)
    assert row.limit_ms == pytest.approx(10.0)
    assert row.throughput == pytest.approx(500.0)
    assert row.cells()[3:9] == ("80.0", "10.00", "12 %", "5.0", "", "0.00200")


def test_a_batch_that_finds_no_room_is_a_line_and_not_the_end(bench: ModuleType) -> None:
    class Full:
        device, precision = "cpu", "float32"

        def log_probs(self, *_: object) -> None:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    full = bench.Subject("full", lambda *_: Full(), lambda *_: None)
    found = list(bench.measure([full], "cpu", ["float32"], [1], 0.5, 1))
    assert found == ["full, float32, batch 1: the device has no room for it."]


def test_clear_letters_are_read_as_they_are(bench: ModuleType) -> None:
    search = bench._letter_search()
    (best, *_) = search(range(500), 10.0)
    assert best.text.startswith(bench.SENTENCE)
