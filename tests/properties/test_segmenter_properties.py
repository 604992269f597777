"""Invariants of the segmenter, for any signal and any way of cutting it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dictation.core.records import HOP_FRAMES, SAMPLE_RATE_HZ, Samples
from dictation.core.segmenter import SegmentClosed, Segmenter, SegmentEvent, SegmentOpened, SegmentRejected
from dictation.core.settings import SegmenterSettings
from tests.support.synth import babble, click, join, noise, silence, tone

SETTINGS = st.builds(
    SegmenterSettings,
    threshold_dbfs=st.floats(-60, -25),
    timeout_ms=st.integers(100, 800),
    pre_roll_ms=st.integers(0, 1000),
    max_segment_s=st.floats(3, 6),
)
PART = st.one_of(
    st.builds(silence, st.floats(0.01, 1.2)),
    st.builds(babble, st.floats(0.05, 4.0), st.floats(-45, -3), st.integers(0, 9)),
    st.builds(noise, st.floats(0.05, 2.0), st.floats(-80, -10), st.integers(0, 9)),
    st.builds(tone, st.floats(0.05, 2.0), st.floats(-50, -3), st.floats(60, 4000)),
    st.builds(click, st.floats(1, 30), st.floats(-30, -1)),
)
SIGNAL = st.lists(PART, min_size=1, max_size=6).map(lambda parts: join(*parts))
CUTS = st.lists(st.integers(1, 9000), min_size=1, max_size=40)


def feed(signal: Samples, settings: SegmenterSettings, cuts: list[int]) -> tuple[list[SegmentEvent], Segmenter]:
    """Push the signal in blocks whose sizes cycle through ``cuts``, then flush."""
    segmenter, events, start, turn = Segmenter(settings), [], 0, 0
    while start < signal.size:
        size = cuts[turn % len(cuts)]
        events += segmenter.push(signal[start : start + size])
        start, turn = start + size, turn + 1
    return events + segmenter.flush(), segmenter


def shape(events: list[SegmentEvent]) -> list[tuple[object, ...]]:
    """Everything of the events that can be compared with ==, samples included."""
    rows = []
    for event in events:
        segment = getattr(event, "segment", None)
        if segment is None:
            rows.append((type(event), event))
        else:
            fields = (segment.segment_id, segment.start_frame, segment.onset_frame, segment.speech_end_frame)
            rows.append((type(event), *fields, segment.end_frame, segment.cause, segment.samples.tobytes()))
    return rows


@given(SIGNAL, SETTINGS, CUTS, CUTS)
def test_any_cutting_into_blocks_gives_identical_events(
    signal: Samples, settings: SegmenterSettings, cuts: list[int], other_cuts: list[int]
) -> None:
    assert shape(feed(signal, settings, cuts)[0]) == shape(feed(signal, settings, other_cuts)[0])


@given(SIGNAL, SETTINGS, CUTS)
def test_every_frame_is_in_one_segment_or_counted_as_silence(
    signal: Samples, settings: SegmenterSettings, cuts: list[int]
) -> None:
    events, segmenter = feed(signal, settings, cuts)
    found = [event.segment for event in events if isinstance(event, SegmentClosed)]
    assert all(one.end_frame <= two.start_frame for one, two in pairwise(found))
    assert all(0 <= one.start_frame <= one.onset_frame < one.end_frame <= signal.size for one in found)
    assert all(one.onset_frame <= one.speech_end_frame <= one.end_frame for one in found)
    assert all(np.array_equal(one.samples, signal[one.start_frame : one.end_frame]) for one in found)
    assert sum(one.samples.size for one in found) == segmenter.segment_frames
    assert segmenter.segment_frames + segmenter.silence_frames == signal.size
    assert segmenter.pending_frames == 0


@given(SIGNAL, SETTINGS)
def test_every_opened_segment_is_closed_or_rejected_once_and_none_is_too_long(
    signal: Samples, settings: SegmenterSettings
) -> None:
    events, _ = feed(signal, settings, [1600])
    opened = [event.segment_id for event in events if isinstance(event, SegmentOpened)]
    ended = [event.segment.segment_id for event in events if isinstance(event, SegmentClosed)]
    ended += [event.segment_id for event in events if isinstance(event, SegmentRejected)]
    assert opened == list(range(len(opened)))
    assert sorted(ended) == opened
    longest = settings.max_segment_s * SAMPLE_RATE_HZ + HOP_FRAMES
    assert all(event.segment.samples.size <= longest for event in events if isinstance(event, SegmentClosed))


@given(SIGNAL, SETTINGS)
def test_a_second_flush_does_nothing(signal: Samples, settings: SegmenterSettings) -> None:
    _, segmenter = feed(signal, settings, [1600])
    counted = segmenter.silence_frames
    assert segmenter.flush() == []
    assert segmenter.silence_frames == counted


@given(st.floats(-90, -14), st.floats(0, 0.95), st.integers(0, 10_000), st.floats(3.2, 15), st.floats(3, 30))
def test_silence_and_steady_noise_give_no_segments(
    level_dbfs: float, colour: float, seed: int, length_s: float, max_segment_s: float
) -> None:
    settings = SegmenterSettings(max_segment_s=max_segment_s)
    signal = noise(length_s, level_dbfs, seed, colour)
    events, _ = feed(np.clip(signal, -1, 1), settings, [1600])
    assert [event for event in events if isinstance(event, SegmentClosed)] == []
    assert feed(silence(length_s), settings, [1600])[0] == []


@given(
    st.integers(0, 1000), st.floats(-12, 3), st.floats(-0.2, 0.2), st.lists(st.floats(0.6, 1.2), min_size=1, max_size=3)
)
def test_gain_and_offset_within_range_move_borders_by_at_most_one_hop(
    seed: int, gain_db: float, offset: float, lengths_s: list[float]
) -> None:
    parts = [join(silence(0.8), babble(length_s, -18, seed + turn)) for turn, length_s in enumerate(lengths_s)]
    signal = join(*parts, silence(0.8))
    changed = (signal * 10 ** (gain_db / 20) + offset).astype(np.float32)
    plain, moved = (
        [event.segment for event in feed(one, SegmenterSettings(), [1600])[0] if isinstance(event, SegmentClosed)]
        for one in (signal, changed)
    )
    assert len(plain) == len(moved) == len(lengths_s)
    for before, after in zip(plain, moved, strict=True):
        assert abs(before.start_frame - after.start_frame) <= HOP_FRAMES
        assert abs(before.end_frame - after.end_frame) <= HOP_FRAMES
