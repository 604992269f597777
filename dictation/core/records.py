"""Immutable records that cross thread and layer borders.

Positions are counted in frames of the 16 kHz recognition stream since the input was opened; times in
seconds are relative to whatever the field says. Every record may be read by any thread.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
import numpy.typing as npt

SAMPLE_RATE_HZ = 16_000
"""The rate of everything behind the resampler."""
HOP_FRAMES = 256
"""16 ms at 16 kHz: FLAPI's activation window, and the grid on which segments start and end."""

Samples = npt.NDArray[np.float32]
"""Mono float32 in [-1, 1] at 16 kHz, one-dimensional, finite."""


class CloseCause(Enum):
    """Why a segment ended."""

    SILENCE = "silence"
    MAX_LENGTH = "max length"
    END_OF_INPUT = "end of input"
    GAP = "gap"


class SegmentState(Enum):
    """What has become of a segment; the level strip colours its box by this."""

    OPEN = "open"
    QUEUED = "queued"
    RECOGNISED = "recognised"
    REJECTED = "rejected as noise"
    FAILED = "failed"


class LossCause(Enum):
    """Where audio went that should have arrived, counted apart because the cures differ."""

    DRIVER = "driver"
    RING = "ring"
    BACKLOG = "backlog"
    DEVICE = "device"
    RECOGNISER = "recogniser"


@dataclass(frozen=True)
class Segment:
    """One stretch of audio to recognise; segments never overlap and come in order.

    Attributes:
        segment_id: Counts up from 0 within one segmenter.
        start_frame: First frame, pre-roll included.
        onset_frame: First frame of the hop that crossed the open threshold.
        speech_end_frame: End of the last hop above the close threshold.
        end_frame: One past the last frame, post-roll included.
        cause: Why it ended.
        samples: The audio, shape (end_frame - start_frame,), read-only.
    """

    segment_id: int
    start_frame: int
    onset_frame: int
    speech_end_frame: int
    end_frame: int
    cause: CloseCause
    samples: Samples = field(repr=False)

    @property
    def length_s(self) -> float:
        """Length in seconds, pre-roll and post-roll included."""
        return (self.end_frame - self.start_frame) / SAMPLE_RATE_HZ


@dataclass(frozen=True)
class SegmentMark:
    """Where a segment lies and what state it is in, for the level strip; ``end_frame`` grows while open."""

    segment_id: int
    start_frame: int
    onset_frame: int
    end_frame: int
    state: SegmentState


@dataclass(frozen=True)
class LevelBatch:
    """Levels of consecutive hops, for the level strip.

    Attributes:
        first_hop: Index of the first hop; hop ``i`` covers frames ``[i * HOP_FRAMES, (i + 1) * HOP_FRAMES)``.
        levels_dbfs: One level per hop, -100 (digital silence) to 0.
        floor_dbfs: The measured noise floor after the last of these hops, on the same scale.
        open_threshold_dbfs: What the detector really compares with: the user's threshold, or higher where
            the noise floor forces it up.
    """

    first_hop: int
    levels_dbfs: tuple[float, ...]
    floor_dbfs: float
    open_threshold_dbfs: float


@dataclass(frozen=True)
class Word:
    """A recognised word; times in seconds from the first sample of its segment; confidence 0 to 1."""

    text: str
    start_s: float
    end_s: float
    confidence: float


@dataclass(frozen=True)
class Hypothesis:
    """One reading of a segment; ``score`` is the beam's combined natural-log score, higher is better."""

    words: tuple[Word, ...]
    score: float = 0.0

    @property
    def text(self) -> str:
        """The words joined by single spaces."""
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True)
class Recognition:
    """What the recogniser says of one piece of audio, and what it cost.

    Attributes:
        n_best: At least one hypothesis: the one to show, then the others by their scores.
        audio_s: Seconds of audio read.
        network_s: Seconds spent in features and network.
        decode_s: Seconds spent in the beam search.
        device: Where the network ran, as torch calls it: ``cpu``, ``cuda:0``, ``mps``.
    """

    n_best: tuple[Hypothesis, ...]
    audio_s: float
    network_s: float
    decode_s: float
    device: str

    @property
    def best(self) -> Hypothesis:
        """The first of ``n_best``."""
        return self.n_best[0]


@dataclass(frozen=True)
class Tentative:
    """The open utterance as heard so far: ``stable_text`` will most likely stay, ``tail_text`` may change."""

    segment_id: int
    revision: int
    stable_text: str
    tail_text: str


@dataclass(frozen=True)
class Utterance:
    """A finished segment with its words.

    Attributes:
        segment_id: The segment it came from.
        start_s: Start of the segment in seconds since the input was opened.
        end_s: End of the segment, likewise.
        recognition: Words, alternatives and cost.
        latency_ms: From the end of speech (the last hop above the close threshold) to this record, as a user
            waits for it; the silence timeout is part of it. ``None`` for audio that was not live.
        after_close_ms: From the moment the segment was closed to this record. ``None`` likewise.
    """

    segment_id: int
    start_s: float
    end_s: float
    recognition: Recognition
    latency_ms: float | None = None
    after_close_ms: float | None = None

    @property
    def text(self) -> str:
        """The best reading."""
        return self.recognition.best.text


GAP_MARK = re.compile(rf"\[\d+\.\d s lost: ({'|'.join(re.escape(cause.value) for cause in LossCause)})\]")
"""What ``Gap.text`` writes, found in a text that was kept."""


@dataclass(frozen=True)
class Gap:
    """A visible hole in the transcript, shown as for example ``[1.2 s lost: device]``."""

    at_s: float
    length_s: float
    cause: LossCause

    @property
    def text(self) -> str:
        """The gap as it stands in a transcript."""
        return f"[{self.length_s:.1f} s lost: {self.cause.value}]"


@dataclass(frozen=True)
class Health:
    """The numbers of the health line.

    Attributes:
        behind_s: Seconds of closed but not yet recognised audio.
        lost_s: Seconds lost since recording started, all causes; 0 in health.
        latency_p50_ms: Median from end of speech to final text over the last 100 utterances; None before the
            first.
        latency_p95_ms: 95th percentile of the same.
    """

    behind_s: float = 0.0
    lost_s: float = 0.0
    latency_p50_ms: float | None = None
    latency_p95_ms: float | None = None
