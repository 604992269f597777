"""The answer about bfloat16 is measured once, kept, and never in the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from dictation.asr import half_products
from dictation.library import half_gain
from dictation.library.half_gain import known_half_gain


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "cache" / "half-gain.json"
    monkeypatch.setattr(half_gain, "_cache_file", lambda: path)
    return path


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What will be measured, the next one last."""
    values = [2.0, 4.0]
    monkeypatch.setattr(half_products, "half_gain", values.pop)
    return values


@pytest.mark.usefixtures("cache")
def test_it_is_measured_once(measured: list[float]) -> None:
    assert [known_half_gain(), known_half_gain()] == [4.0, 4.0]
    assert measured == [2.0]


@pytest.mark.usefixtures("cache", "measured")
def test_another_processor_is_measured_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = tmp_path / "cpuinfo"
    monkeypatch.setattr(half_gain, "_CPU_FACTS", facts)
    found = []
    for flags in ("avx2", "avx2 avx512_bf16"):
        facts.write_text(f"model name : any\nflags : {flags}\ncpu MHz : 2000\n")
        found.append(known_half_gain())
    assert found == [4.0, 2.0]


@pytest.mark.usefixtures("measured")
def test_a_damaged_cache_is_written_anew(cache: Path) -> None:
    cache.parent.mkdir()
    cache.write_text("[torn")
    assert [known_half_gain(), known_half_gain()] == [4.0, 4.0]


@pytest.mark.usefixtures("measured")
def test_a_cache_that_cannot_be_written_is_no_failure(cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache.parent.write_text("a file where the folder should be")
    assert known_half_gain() == 4.0
    assert "cannot be kept" in caplog.text


@pytest.mark.usefixtures("cache")
def test_a_torch_that_fails_is_taken_for_one_that_gains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> float:
        raise RuntimeError("could not create a primitive")

    monkeypatch.setattr(half_products, "half_gain", fail)
    assert known_half_gain() == 1.0
