"""``scripts/bench --peers`` in miniature: every system that is installed runs, on the same clips and weights."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def peers() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("bench_peers", ROOT / "scripts" / "bench_peers.py")
    assert spec is not None
    assert spec.loader is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", list(sys.path))
        module = importlib.util.module_from_spec(spec)
        patch.setitem(sys.modules, "bench_peers", module)
        spec.loader.exec_module(module)
        yield module


@pytest.mark.model
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the peers' own
def test_the_table_of_peers_in_miniature(
    peers: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    apart, is_installed = peers.measure_apart, {one: _is_installed(one) for one in peers.SYSTEMS}
    own = next(one for one in peers.SYSTEMS if one.task == "sounds")  # a process of its own each takes a minute
    monkeypatch.setattr(
        peers,
        "measure_apart",
        lambda one, work: peers.measure(one, work) if is_installed[one] and one is not own else apart(one, work),
    )
    monkeypatch.setattr(peers.tempfile, "tempdir", str(tmp_path))
    threads = torch.get_num_threads()
    peers.print_table(2, 2, is_small=True)
    torch.set_num_threads(threads)
    rows = {(row[0], row[1]): row[2:] for row in _table(capsys.readouterr().out)}
    tasks = {"network", "sounds"} | ({"letters"} if peers.LETTERS.exists() else set())
    systems = {(one.task, one.name): one for one in peers.SYSTEMS if one.task in tasks}
    assert list(rows) == list(systems)
    for (task, name), figures in rows.items():
        if not is_installed[systems[task, name]]:
            assert figures[0] == "not installed"
            continue
        assert re.fullmatch(r"[0-2] of 2", figures[0]), name
        assert float(figures[2]) > 0
        assert float(figures[5].removesuffix(" MiB")) > 10
        if name in {"this program", "transformers pipeline", "pyctcdecode"}:
            assert figures[0] == "2 of 2", name
        if task != "network":
            assert float(figures[1].removesuffix(" %")) < 100, name
    missing = sorted({one.name for one, is_here in is_installed.items() if not is_here})
    if missing:
        pytest.skip(f"not installed (uv sync --group peers), so not measured: {', '.join(missing)}")


def test_a_peer_that_is_not_installed_is_skipped_loudly(
    peers: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    absent = peers.System("sounds", "somebody's decoder", "no_such_decoder_is_installed", lambda _: str)
    assert peers.measure_apart(absent, tmp_path) is None
    assert "SKIPPED: somebody's decoder is not installed" in capsys.readouterr().err


def _is_installed(system: Any) -> bool:
    return importlib.util.find_spec(system.module) is not None


def _table(text: str) -> list[list[str]]:
    """The cells of the rows below the head."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]
