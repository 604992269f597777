"""Hash tables as KenLM looks things up in them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dictation.language.kenlm_tables import place, slots, word_hashes, write_table

KEYS = st.lists(st.integers(1, 2**64 - 1) | st.integers(1, 40), min_size=0, max_size=40, unique=True)


def look_up(keys: list[int], key: int) -> int | None:
    """Linear probing: the slot of a key, None if an empty slot comes before it."""
    slot = key % len(keys)
    while keys[slot] != key:
        if keys[slot] == 0:
            return None
        slot = (slot + 1) % len(keys)
    return slot


@given(keys=KEYS, free=st.integers(1, 30))
def test_every_entry_is_found_and_no_other(keys: list[int], free: int) -> None:
    """Few free slots make long runs, some of which go on at the start."""
    size = len(keys) + free
    order, positions = place(np.array(keys, dtype=np.uint64), size)
    assert sorted(order) == list(range(len(keys)))
    assert list(positions) == sorted(set(positions))
    table = [0] * size
    for entry, position in zip(order, positions, strict=True):
        table[position] = keys[entry]
    assert {look_up(table, key) for key in keys} == set(positions.tolist())
    assert all(look_up(table, other) is None for other in range(1, 60) if other not in keys)


def test_runs_beyond_the_end_push_others_on() -> None:
    keys = np.array([8, 18, 28, 9, 1, 2, 11], dtype=np.uint64)  # of ten slots: three want 8, one 9, two 1, one 2
    order, positions = place(keys, 10)
    assert list(keys[order]) == [28, 9, 1, 11, 2, 8, 18]
    assert list(positions) == [0, 1, 2, 3, 4, 8, 9]


def test_tables_are_written_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = np.random.default_rng(0).integers(1, 2**63, 1000, dtype=np.uint64)
    columns = {"key": keys, "prob": np.arange(1000, dtype=np.float32)}
    whole, parts, calls = io.BytesIO(), io.BytesIO(), []
    write_table(whole, slots(1000), columns, lambda: None)
    monkeypatch.setattr("dictation.language.kenlm_tables._SLOTS_PER_PIECE", 7)
    write_table(parts, slots(1000), columns, lambda: calls.append(1))
    assert len(whole.getvalue()) == 1500 * 12
    assert parts.getvalue() == whole.getvalue()
    assert len(calls) == 215


@pytest.mark.parametrize(("entries", "size"), [(0, 1), (1, 2), (2, 3), (3, 4), (4, 6), (16_777_219, 25_165_830)])
def test_sizes_are_rounded_as_kenlm_rounds(entries: int, size: int) -> None:
    """The last in float32: 16,777,219 becomes 16,777,220."""
    assert slots(entries) == size


def murmur(word: bytes) -> int:
    """MurmurHash64A by its definition, with Python's integers."""
    factor, mask = 0xC6A4A7935BD1E995, 2**64 - 1
    state = len(word) * factor & mask
    for start in range(0, len(word) - 7, 8):
        block = int.from_bytes(word[start : start + 8], "little") * factor & mask
        state = (state ^ ((block ^ block >> 47) * factor & mask)) * factor & mask
    if len(word) % 8:
        state = (state ^ int.from_bytes(word[-(len(word) % 8) :], "little")) * factor & mask
    state = (state ^ state >> 47) * factor & mask
    return state ^ state >> 47


@given(st.lists(st.binary(max_size=40)))
def test_words_are_hashed_all_at_once(words: list[bytes]) -> None:
    assert word_hashes(words).tolist() == [murmur(word) for word in words]
