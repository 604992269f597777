from __future__ import annotations

import sys
import threading

import numpy as np
import pytest

from dictation.core.records import Samples
from dictation.core.ring import AudioRing


def count_up(start: int, size: int) -> Samples:
    """Frames that say their own position; float32 counts exactly up to 2**24."""
    return np.arange(start, start + size, dtype=np.float32)


def test_what_is_written_is_read_once() -> None:
    ring = AudioRing(100, 20)
    ring.write(count_up(0, 7))
    ring.write(count_up(7, 5))
    np.testing.assert_array_equal(ring.read(), count_up(0, 12))
    assert ring.read().size == 0
    assert (ring.written, ring.overrun_frames) == (12, 0)


def test_a_block_longer_than_the_limit_is_written_whole() -> None:
    ring = AudioRing(100, 20)
    ring.write(count_up(0, 70))
    np.testing.assert_array_equal(ring.read(), count_up(0, 70))
    assert ring.overrun_frames == 0


def test_a_late_reader_gets_the_newest_frames_and_the_count_of_the_others() -> None:
    ring = AudioRing(100, 20)
    for start in range(0, 1000, 20):
        ring.write(count_up(start, 20))
    np.testing.assert_array_equal(ring.read(), count_up(920, 80))
    assert ring.overrun_frames == 920


@pytest.mark.parametrize(("written_meanwhile", "kept_from"), [(20, 20), (60, 60), (80, 80), (500, 80)])
def test_frames_overwritten_during_the_copy_are_given_up_not_returned(written_meanwhile: int, kept_from: int) -> None:
    """The re-check after the copy: without it the reader would hand out a mixture of old and new frames."""

    class OvertakenRing(AudioRing):
        def _copy(self, start: int, stop: int) -> Samples:
            self.write(count_up(self.written, written_meanwhile))
            return super()._copy(start, stop)

    ring = OvertakenRing(100, 20)
    ring.write(count_up(0, 80))
    frames = ring.read()
    np.testing.assert_array_equal(frames, count_up(kept_from, 80 - kept_from))
    assert ring.overrun_frames == kept_from


def test_the_result_is_a_copy() -> None:
    ring = AudioRing(40, 20)
    ring.write(count_up(0, 20))
    first = ring.read()
    for start in range(20, 100, 20):
        ring.write(count_up(start, 20))
    np.testing.assert_array_equal(first, count_up(0, 20))


@pytest.mark.parametrize(("capacity", "max_block"), [(10, 0), (10, 6), (0, 1)])
def test_impossible_sizes_are_refused(capacity: int, max_block: int) -> None:
    with pytest.raises(ValueError, match="cannot take blocks"):
        AudioRing(capacity, max_block)


def test_two_threads_never_see_torn_or_reordered_frames() -> None:
    """Writer and reader race over a ring small enough to be overrun; every frame is right or counted as lost."""
    total_frames, block_frames = 1_500_000, 700  # numpy releases the GIL while it copies more than 500 elements
    ring = AudioRing(4 * block_frames, block_frames)
    is_done = threading.Event()
    problems: list[str] = []

    def write_all() -> None:
        for start in range(0, total_frames, block_frames):
            ring.write(count_up(start, min(block_frames, total_frames - start)))
        is_done.set()

    def read_all() -> None:
        position, was_last = 0, False
        while not was_last and not problems:
            was_last = is_done.is_set()
            lost_before = ring.overrun_frames
            frames = ring.read()
            position += ring.overrun_frames - lost_before
            if not np.array_equal(frames, count_up(position, frames.size)):
                problems.append(f"wrong frames at {position}")
            position += frames.size
        if position != total_frames:
            problems.append(f"{position} of {total_frames} frames accounted for")

    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=write_all), threading.Thread(target=read_all)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    finally:
        sys.setswitchinterval(interval_s)
    assert problems == []
    assert ring.written == total_frames
