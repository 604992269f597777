"""The ring against its definition: what is read is what was written, minus what was counted as lost."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dictation.core.ring import AudioRing

SIZES = st.tuples(st.integers(1, 50), st.integers(0, 200)).map(lambda pair: (2 * pair[0] + pair[1], pair[0]))
SCRIPT = st.lists(st.one_of(st.integers(0, 400), st.just("read")), max_size=60)


@given(SIZES, SCRIPT)
def test_content_equals_the_sequence_minus_the_counted_loss(sizes: tuple[int, int], script: list[int | str]) -> None:
    capacity, max_block = sizes
    ring = AudioRing(capacity, max_block)
    written = position = 0
    for step in [*script, "read"]:
        if step == "read":
            unread, lost_before = written - position, ring.overrun_frames
            frames = ring.read()
            lost = ring.overrun_frames - lost_before
            assert lost == max(0, unread - (capacity - max_block))
            np.testing.assert_array_equal(frames, np.arange(position + lost, written, dtype=np.float32))
            assert frames.dtype == np.float32
            position = written
        else:
            ring.write(np.arange(written, written + int(step), dtype=np.float32))
            written += int(step)
        assert ring.written == written
