"""Freed memory goes back to the machine."""

from __future__ import annotations

import platform

import psutil
import pytest

from dictation.runtime.freed_memory import give_back_freed_memory

MIB = 2**20


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc, whose allocator keeps what is freed")
def test_memory_freed_below_what_is_still_in_use_is_given_back() -> None:
    pieces = [bytearray(b"x" * 100_000) for _ in range(1000)]  # each too small for glibc to map it by itself
    last_in_use = pieces[-1]
    process = psutil.Process()
    del pieces
    kept = process.memory_info().rss
    assert give_back_freed_memory()
    assert kept - process.memory_info().rss > 50 * MIB
    assert len(last_in_use) == 100_000


def test_elsewhere_than_on_linux_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    assert not give_back_freed_memory()
