"""Cut a recording of unknown loudness into utterances with a threshold that follows the recording.

A file has no slider: nobody can look at its level and move the threshold. Why the threshold is found this way is
in docs/adr/0010-threshold-of-files.md. Pure; memory is bounded by one look-ahead block and one open segment.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from dictation.core.detector import SILENCE_DBFS, LevelDetector, check_samples
from dictation.core.records import HOP_FRAMES, SAMPLE_RATE_HZ, Samples, Segment
from dictation.core.segmenter import SegmentClosed, Segmenter, SegmentEvent
from dictation.core.settings import SegmenterSettings

LOOK_AHEAD_FRAMES = 1875 * HOP_FRAMES
"""30 s: long enough to hear speech in, short enough to follow a change of speaker; 1.9 MB of float32."""
LOUD_PERCENTILE = 95.0
"""The loud hops of speech, but not a cough: 5 % of 30 s are 1.5 s."""
RANGE_DB = 34.0
"""How far below the loud hops speech still counts: weak syllables lie 20-25 dB down, room and breath 35-50."""


@dataclass(frozen=True)
class FileSegmenterSettings(SegmenterSettings):
    """The segmenter's settings with a threshold that may lie below the slider's range."""

    threshold_dbfs: float = dataclasses.field(
        default=SILENCE_DBFS,
        metadata={"low": SILENCE_DBFS, "high": 0, "step": 1, "unit": "dBFS", "label": "Threshold", "help": ""},
    )


@dataclass(frozen=True)
class FileCut:
    """What became known after some more audio.

    Attributes:
        end_frame: One past the last frame heard.
        loudest_dbfs: Highest hop level so far, -100 (digital silence) to 0.
        segments: Utterances that closed, in order.
    """

    end_frame: int
    loudest_dbfs: float
    segments: tuple[Segment, ...]


def cut_recording(blocks: Iterable[Samples], settings: SegmenterSettings) -> Iterator[FileCut]:
    """Cut a recording into utterances; all settings but the threshold are used as they are.

    Args:
        blocks: Consecutive samples at 16 kHz, in blocks of any length. If reading them raises, what was read is
            cut to its end and yielded before the exception goes on.
        settings: The user's segmenter settings.

    Yields:
        One record for each second of audio, so that a caller can show progress and stop between two.

    Raises:
        InvalidAudio: a block is not finite mono float32.
    """
    segmenter = Segmenter(settings)
    follower = _ThresholdFollower(settings)
    ahead = _LookAhead(blocks)
    for stretch in ahead:
        segmenter.configure(follower.hear(stretch))
        for start in range(0, stretch.size, SAMPLE_RATE_HZ):
            events = segmenter.push(stretch[start : start + SAMPLE_RATE_HZ])
            yield FileCut(segmenter.received_frames, follower.loudest_dbfs, _closed(events))
    yield FileCut(segmenter.received_frames, follower.loudest_dbfs, _closed(segmenter.flush()))
    if ahead.fault is not None:
        raise ahead.fault


class _LookAhead:
    """Joins blocks into stretches of ``LOOK_AHEAD_FRAMES``; the last one may be shorter."""

    def __init__(self, blocks: Iterable[Samples]) -> None:
        self._blocks = iter(blocks)
        self.fault: Exception | None = None
        """What ended the reading early, if anything did."""

    def __iter__(self) -> Iterator[Samples]:
        waiting: list[Samples] = []
        frames = 0
        while (block := self._read()) is not None:
            waiting.append(block)
            frames += block.size
            if frames >= LOOK_AHEAD_FRAMES:
                joined = np.concatenate(waiting)
                whole = frames - frames % LOOK_AHEAD_FRAMES
                for start in range(0, whole, LOOK_AHEAD_FRAMES):
                    yield joined[start : start + LOOK_AHEAD_FRAMES]
                waiting, frames = [joined[whole:].copy()], frames - whole
        if frames:
            yield np.concatenate(waiting)

    def _read(self) -> Samples | None:
        try:
            block = next(self._blocks, None)
            if block is not None:
                check_samples(block)
        except Exception as error:  # noqa: BLE001  # raised again by cut_recording once the rest is cut
            self.fault = error
            return None
        return block


class _ThresholdFollower:
    """Chooses the threshold for a stretch from its own loud hops."""

    def __init__(self, settings: SegmenterSettings) -> None:
        self._rest = {
            item.name: getattr(settings, item.name)
            for item in dataclasses.fields(SegmenterSettings)
            if item.name != "threshold_dbfs"
        }
        self._detector = LevelDetector()
        self.loudest_dbfs = SILENCE_DBFS

    def hear(self, stretch: Samples) -> FileSegmenterSettings:
        """Return the settings for this stretch."""
        levels = self._detector.push(stretch) or [SILENCE_DBFS]
        self.loudest_dbfs = max([self.loudest_dbfs, *levels])
        loud_dbfs = float(np.percentile(levels, LOUD_PERCENTILE))
        return FileSegmenterSettings(threshold_dbfs=max(loud_dbfs - RANGE_DB, SILENCE_DBFS), **self._rest)


def _closed(events: list[SegmentEvent]) -> tuple[Segment, ...]:
    return tuple(event.segment for event in events if isinstance(event, SegmentClosed))
