"""Speech that an earlier run of the program heard and could not turn into text any more."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from dictation.core.records import Utterance


class RecoveryState(Enum):
    """What has become of it."""

    RUNNING = "recovering"
    DONE = "recovered"
    KEPT = "kept"


@dataclass(frozen=True)
class RecoveryStatus:
    """All that was found, in numbers and words.

    Attributes:
        state: Being recognised, recognised, or waiting on the disk for another try.
        length_s: Seconds of speech: found, or for ``KEPT`` still waiting.
        said_at_s: When the first of it was said, in seconds since the epoch.
        word_count: Words found so far.
        folder: Where the sound lies.
        message: Why it is kept; empty else.
        remedy: What helps.
    """

    state: RecoveryState
    length_s: float
    said_at_s: float
    word_count: int = 0
    folder: str = ""
    message: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class RecoveredUtterance:
    """An utterance of an earlier run; its times count from when that run opened the input.

    Attributes:
        utterance: Its words.
        said_at_s: When it was said, in seconds since the epoch.
        is_first: Whether it is the first of its run.
    """

    utterance: Utterance
    said_at_s: float
    is_first: bool
