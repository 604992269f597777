from __future__ import annotations

import numpy as np

from dictation.core.levels import ZeroRun


def test_two_seconds_of_zeros_from_the_start_are_silence_and_the_first_sound_ends_it() -> None:
    zeros, run = np.zeros(1600, dtype=np.float32), ZeroRun(16_000)
    assert [run.push(zeros) for _ in range(20)] == [False] * 19 + [True]
    faint = zeros.copy()
    faint[3] = 1e-9
    assert run.push(faint) is False


def test_after_sound_a_pause_of_zeros_may_last_ten_seconds() -> None:
    """Noise-suppressed inputs deliver exact zeros between sentences; a warning each time would cry wolf."""
    zeros, run = np.zeros(1600, dtype=np.float32), ZeroRun(16_000)
    run.push(np.full(1600, 0.1, dtype=np.float32))
    assert [run.push(zeros) for _ in range(100)] == [False] * 99 + [True]


def test_the_run_counts_from_the_last_sound_within_a_block() -> None:
    block, run = np.zeros(161_000, dtype=np.float32), ZeroRun(16_000)
    block[999] = -0.5
    assert run.push(block) is True
    block[1_000] = -0.5
    assert run.push(block) is False
    assert run.push(np.zeros(1, dtype=np.float32)) is True


def test_an_empty_block_changes_nothing_and_a_fresh_input_is_not_silent() -> None:
    run = ZeroRun(48_000)
    assert not run.is_silent
    assert run.push(np.zeros(0, dtype=np.float32)) is False
