"""The gain-threshold segmenter: samples in, utterances out, every sample accounted for.

The design is FLAPI's (``src/audio/wav.go``): a threshold, a silence timeout, a context prefix. What it does
differently, and why, is in docs/segmenter.md. Pure: no clock, no threads, no files. Thread: one owner.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from dictation.core.detector import LevelDetector, NoiseFloor, check_samples
from dictation.core.history import SampleHistory
from dictation.core.records import (
    HOP_FRAMES,
    SAMPLE_RATE_HZ,
    CloseCause,
    LevelBatch,
    Samples,
    Segment,
)
from dictation.core.settings import SegmenterSettings

HYSTERESIS_DB = 6.0
"""A segment stays open down to this far below the threshold that opened it, so that it does not flutter."""
FLOOR_OPEN_MARGIN_DB = 10.0
FLOOR_CLOSE_MARGIN_DB = 6.0
"""Where noise lifts the threshold: hops of Gaussian noise reach 5 dB above the minimum-statistics floor."""
POST_ROLL_MAX_MS = 160
"""Audio kept after speech: word-final fricatives lie below the threshold and last up to about 150 ms."""
MIN_RUN_HOPS = 3
"""48 ms without a break above the close threshold make speech; clicks and key strokes are shorter."""
STEADY_RANGE_DB = 8.0
"""A segment whose smoothed level rises less than this above its own minimum and the floor is steady noise; speech
moves by 20 dB and more."""
STEADY_MIN_HOPS = 32
"""Before the floor is known, a segment that the end of the input cuts off within 0.5 s is never called noise: it may
be a single vowel."""
LEVELS_KEPT_HOPS = 1000
"""16 s of levels wait for ``take_levels``; a caller that never asks costs no memory."""
SPLIT_SEARCH_S = 3.0
"""An utterance at its maximum is split at the quietest hop of this last stretch, or of its last third."""


@dataclass(frozen=True)
class SegmentOpened:
    """Sound crossed the threshold; the segment starts before that, with its pre-roll."""

    segment_id: int
    start_frame: int
    onset_frame: int


@dataclass(frozen=True)
class SegmentPaused:
    """Speech stopped. If it stays quiet until the timeout, exactly ``segment`` will be closed: decode it now."""

    segment: Segment


@dataclass(frozen=True)
class SegmentResumed:
    """Speech came back before the timeout: what ``SegmentPaused`` offered is void."""

    segment_id: int


@dataclass(frozen=True)
class SegmentClosed:
    """The segment is complete."""

    segment: Segment


@dataclass(frozen=True)
class SegmentRejected:
    """What opened was no speech; its audio stays available as the next segment's pre-roll."""

    segment_id: int
    start_frame: int
    onset_frame: int
    end_frame: int
    reason: str


SegmentEvent = SegmentOpened | SegmentPaused | SegmentResumed | SegmentClosed | SegmentRejected


@dataclass(frozen=True)
class OpenAudio:
    """A copy of the open segment's audio so far, or of its newest part; ``start_frame`` is that of the samples."""

    segment_id: int
    start_frame: int
    onset_frame: int
    samples: Samples


@dataclass
class _OpenSegment:
    """What is known of the segment that is being heard; one list entry per hop since its onset."""

    segment_id: int
    start_frame: int
    onset_hop: int
    smoothed_dbfs: list[float]
    is_voiced: list[bool]
    silent_hops: int = 0
    is_paused: bool = False

    @property
    def onset_frame(self) -> int:
        """First frame of the first loud hop that is this segment's own (a flush may have ended inside that hop)."""
        return max(self.start_frame, self.onset_hop * HOP_FRAMES)

    @property
    def speech_end_frame(self) -> int:
        """End of the last voiced hop."""
        return (self.onset_hop + len(self.is_voiced) - self.silent_hops) * HOP_FRAMES


class Segmenter:
    """Cuts a 16 kHz stream into segments.

    Every frame pushed belongs to exactly one place: a segment, ``silence_frames``, or the not yet decided rest
    (``pending_frames``). Cutting the stream into other blocks gives identical events. While disarmed nothing
    opens, but levels, noise floor and pre-roll go on, so that a recording starts in the past.
    """

    def __init__(self, settings: SegmenterSettings, *, is_armed: bool = True) -> None:
        self._settings = settings
        self._detector = LevelDetector()
        self._floor = NoiseFloor()
        self._history = SampleHistory()
        self._open: _OpenSegment | None = None
        self._next_id = 0
        self._hops = 0
        self._settled_frame = 0
        self._levels: deque[float] = deque(maxlen=LEVELS_KEPT_HOPS)
        self._is_armed = is_armed
        self.silence_frames = 0
        self.segment_frames = 0

    def configure(self, settings: SegmenterSettings) -> None:
        """Use other settings from the next hop on."""
        self._settings = settings

    @property
    def received_frames(self) -> int:
        """All frames pushed so far."""
        return self._history.end_frame

    @property
    def pending_frames(self) -> int:
        """Frames not yet given to a segment or to silence: the pre-roll reserve, or the open segment."""
        return self.received_frames - self._settled_frame

    @property
    def is_open(self) -> bool:
        """Whether a segment is being heard."""
        return self._open is not None

    @property
    def open_threshold_dbfs(self) -> float:
        """What hops are compared with: the user's threshold, or more where the noise floor forces it up."""
        if not self._floor.is_settled:
            return self._settings.threshold_dbfs
        return max(self._settings.threshold_dbfs, self._floor.level_dbfs + FLOOR_OPEN_MARGIN_DB)

    @property
    def close_threshold_dbfs(self) -> float:
        """The level that keeps an open segment open."""
        lowest_dbfs = self._settings.threshold_dbfs - HYSTERESIS_DB
        if not self._floor.is_settled:
            return lowest_dbfs
        return max(lowest_dbfs, self._floor.level_dbfs + FLOOR_CLOSE_MARGIN_DB)

    def push(self, samples: Samples) -> list[SegmentEvent]:
        """Take the next samples of any number; return what happened, in order.

        Raises:
            InvalidAudio: for anything but finite one-dimensional float32; nothing of the block is used then.
        """
        check_samples(samples)
        self._history.append(samples)
        events: list[SegmentEvent] = []
        for level_dbfs in self._detector.push(samples):
            self._hear_hop(level_dbfs, events)
        return events

    def flush(self) -> list[SegmentEvent]:
        """End of the input: close the open segment with all audio received and settle the rest as silence."""
        events = self._close_early(CloseCause.END_OF_INPUT)
        self._settle_silence(self.received_frames)
        return events

    def arm(self) -> None:
        """Start recording: sound may open segments from the next hop on."""
        self._is_armed = True

    def disarm(self) -> list[SegmentEvent]:
        """Stop recording: close the open segment; levels go on."""
        self._is_armed = False
        return self._close_early(CloseCause.END_OF_INPUT)

    def mark_gap(self) -> list[SegmentEvent]:
        """Audio is missing here: nothing may span this point."""
        events = self._close_early(CloseCause.GAP)
        self._settle_silence(self.received_frames)
        self._detector.forget_offset()
        return events

    def take_levels(self) -> LevelBatch | None:
        """Levels of the hops since the last call, or None if there are none."""
        if not self._levels:
            return None
        levels = tuple(self._levels)
        self._levels.clear()
        return LevelBatch(self._hops - len(levels), levels, self._floor.level_dbfs, self.open_threshold_dbfs)

    def open_audio(self, from_frame: int = 0) -> OpenAudio | None:
        """Copy what has been heard of the open segment from a frame on; None while it could still be a click."""
        segment = self._open
        if segment is None or not _has_run(segment.is_voiced):
            return None
        first_frame = max(segment.start_frame, from_frame)
        samples = self._history.copy(first_frame, self.received_frames)
        return OpenAudio(segment.segment_id, first_frame, segment.onset_frame, samples)

    def open_span(self) -> tuple[int, int, int, int] | None:
        """Identity, start, onset and end so far of the open segment, in frames; None if there is none."""
        if self._open is None:
            return None
        return self._open.segment_id, self._open.start_frame, self._open.onset_frame, self.received_frames

    def _hear_hop(self, level_dbfs: float, events: list[SegmentEvent]) -> None:
        """Advance the state machine by one hop."""
        smoothed_dbfs = self._floor.push(level_dbfs)
        self._levels.append(level_dbfs)
        self._hops += 1
        if self._open is not None:
            is_voiced = level_dbfs > self.close_threshold_dbfs
            self._extend_segment(self._open, is_voiced, smoothed_dbfs, events)
        elif self._is_armed and level_dbfs > self.open_threshold_dbfs:
            self._settle_silence((self._hops - 1) * HOP_FRAMES - self._pre_roll_frames)
            self._start_segment(self._settled_frame, self._hops - 1, [smoothed_dbfs], [True], events)
        else:
            self._settle_silence(self._hops * HOP_FRAMES - self._pre_roll_frames)

    def _start_segment(
        self, start_frame: int, onset_hop: int, smoothed_dbfs: list[float], is_voiced: list[bool],
        events: list[SegmentEvent],
    ) -> None:  # fmt: skip
        """Open a segment with the hops heard so far."""
        self._open = _OpenSegment(
            self._next_id, start_frame, onset_hop, smoothed_dbfs, is_voiced, _trailing_silence(is_voiced)
        )
        self._next_id += 1
        events.append(SegmentOpened(self._open.segment_id, start_frame, self._open.onset_frame))

    def _extend_segment(
        self, segment: _OpenSegment, is_voiced: bool, smoothed_dbfs: float, events: list[SegmentEvent]
    ) -> None:
        """Add one hop to the open segment; pause, resume, close or split it."""
        segment.smoothed_dbfs.append(smoothed_dbfs)
        segment.is_voiced.append(is_voiced)
        if is_voiced:
            segment.silent_hops = 0
            if segment.is_paused:
                segment.is_paused = False
                events.append(SegmentResumed(segment.segment_id))
        else:
            segment.silent_hops += 1
        hop_end = self._hops * HOP_FRAMES
        if segment.silent_hops >= self._timeout_hops:
            end_frame = min(segment.speech_end_frame + self._post_roll_frames, hop_end)
            self._close(segment, end_frame, CloseCause.SILENCE, events)
        elif hop_end - segment.start_frame >= self._settings.max_segment_s * SAMPLE_RATE_HZ:
            self._split(segment, events)
        elif (
            not segment.is_paused
            and segment.silent_hops * HOP_FRAMES >= self._post_roll_frames
            and self._rejection(segment, CloseCause.SILENCE) is None
        ):
            segment.is_paused = True
            end_frame = segment.speech_end_frame + self._post_roll_frames
            events.append(SegmentPaused(self._cut(segment, end_frame, CloseCause.SILENCE)))

    def _split(self, segment: _OpenSegment, events: list[SegmentEvent]) -> None:
        """Close an utterance that is too long at its quietest recent hop and go on with the rest."""
        search_hops = int(min(SPLIT_SEARCH_S, self._settings.max_segment_s / 3) * SAMPLE_RATE_HZ / HOP_FRAMES)
        hops = len(segment.smoothed_dbfs)
        first = max(1, hops - search_hops)
        quietest = min(range(first, hops), key=lambda hop: (segment.smoothed_dbfs[hop], -hop))
        # The smoothed level of a hop covers it and the three before: their middle is one hop back.
        cut = max(1, quietest - 1)
        cut_frame = (segment.onset_hop + cut) * HOP_FRAMES
        rest_smoothed, rest_voiced = segment.smoothed_dbfs[cut:], segment.is_voiced[cut:]
        segment.smoothed_dbfs, segment.is_voiced = segment.smoothed_dbfs[:cut], segment.is_voiced[:cut]
        segment.silent_hops = _trailing_silence(segment.is_voiced)
        self._close(segment, cut_frame, CloseCause.MAX_LENGTH, events)
        # If the first part was no speech, its audio is silence now: the cut stays where it is all the same.
        self._settle_silence(cut_frame)
        self._start_segment(cut_frame, segment.onset_hop + cut, rest_smoothed, rest_voiced, events)

    def _close_early(self, cause: CloseCause) -> list[SegmentEvent]:
        """Close the open segment, if any, because the input ends here."""
        events: list[SegmentEvent] = []
        segment = self._open
        if segment is not None:
            end_frame = self.received_frames
            if segment.is_paused:
                end_frame = segment.speech_end_frame + self._post_roll_frames
            self._close(segment, min(end_frame, self.received_frames), cause, events)
        return events

    def _close(self, segment: _OpenSegment, end_frame: int, cause: CloseCause, events: list[SegmentEvent]) -> None:
        """Emit the segment, or reject it and leave its audio to the pre-roll."""
        self._open = None
        reason = self._rejection(segment, cause)
        if reason is not None:
            events.append(SegmentRejected(
                segment.segment_id, segment.start_frame, segment.onset_frame, end_frame, reason,
            ))  # fmt: skip
            return
        events.append(SegmentClosed(self._cut(segment, end_frame, cause)))
        self.segment_frames += end_frame - segment.start_frame
        self._settled_frame = end_frame
        self._history.discard_before(end_frame)

    def _rejection(self, segment: _OpenSegment, cause: CloseCause) -> str | None:
        """Say why a segment is no speech, or None."""
        if not _has_run(segment.is_voiced):
            return "click"
        # The first hops of a segment are averaged with the quiet before it, which is not the segment's own level.
        own_levels = segment.smoothed_dbfs[MIN_RUN_HOPS:]
        lowest_dbfs = min(own_levels, default=0.0)
        if self._floor.is_settled:
            lowest_dbfs = min(lowest_dbfs, self._floor.level_dbfs)
        elif cause in {CloseCause.END_OF_INPUT, CloseCause.GAP} and len(own_levels) < STEADY_MIN_HOPS:
            return None
        is_steady = max(own_levels, default=0.0) - lowest_dbfs < STEADY_RANGE_DB
        return "steady noise" if is_steady else None

    def _cut(self, segment: _OpenSegment, end_frame: int, cause: CloseCause) -> Segment:
        """Copy the segment's audio up to ``end_frame`` into a record."""
        return Segment(
            segment.segment_id,
            segment.start_frame,
            segment.onset_frame,
            min(segment.speech_end_frame, end_frame),
            end_frame,
            cause,
            self._history.copy(segment.start_frame, end_frame),
        )

    def _settle_silence(self, up_to_frame: int) -> None:
        """Count frames before ``up_to_frame`` that belong to no segment as silence and forget them."""
        if up_to_frame > self._settled_frame:
            self.silence_frames += up_to_frame - self._settled_frame
            self._settled_frame = up_to_frame
            self._history.discard_before(up_to_frame)

    @property
    def _pre_roll_frames(self) -> int:
        return self._settings.pre_roll_ms * SAMPLE_RATE_HZ // 1000

    @property
    def _timeout_hops(self) -> int:
        return math.ceil(self._settings.timeout_ms * SAMPLE_RATE_HZ / 1000 / HOP_FRAMES)

    @property
    def _post_roll_frames(self) -> int:
        """Audio kept after speech: half the timeout, so that the other half is there to decode in."""
        longest_hops = POST_ROLL_MAX_MS * SAMPLE_RATE_HZ // 1000 // HOP_FRAMES
        return min(self._timeout_hops // 2, longest_hops) * HOP_FRAMES


def _has_run(is_voiced: list[bool]) -> bool:
    """Whether some ``MIN_RUN_HOPS`` successive hops are voiced."""
    if len(is_voiced) < MIN_RUN_HOPS:
        return False
    return bool(np.convolve(is_voiced, np.ones(MIN_RUN_HOPS, dtype=int)).max() == MIN_RUN_HOPS)


def _trailing_silence(is_voiced: list[bool]) -> int:
    """Number of unvoiced hops at the end."""
    return next((count for count, voiced in enumerate(reversed(is_voiced)) if voiced), len(is_voiced))
