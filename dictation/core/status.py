"""What the app is doing, as values that a window can show."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class SessionState(Enum):
    """The life of a recording session; the record button and the status line show nothing else."""

    LOADING = "loading"
    READY = "ready"
    LISTENING = "listening"
    HEARING = "hearing speech"
    RECOGNISING = "recognising"
    DRAINING = "finishing"
    FAILED = "failed"


class InputState(Enum):
    """The condition of the input device, recording or not."""

    CLOSED = "closed"
    OPENING = "opening"
    DELIVERING = "delivering"
    SILENT = "digital silence"
    LOST = "lost"
    NO_DEVICE = "no device"
    REFUSED = "format refused"
    NO_PORTAUDIO = "PortAudio missing"


BROKEN_INPUT = frozenset({InputState.LOST, InputState.NO_DEVICE, InputState.REFUSED, InputState.NO_PORTAUDIO})
"""States in which no sound comes and a user has to know."""


@dataclass(frozen=True)
class InputStatus:
    """The input device in words: ``message`` and ``remedy`` are empty while all is well."""

    state: InputState
    device_name: str = ""
    rate_hz: int = 0
    message: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class InputDevice:
    """One input as the picker shows it; identified by name and host API, never by index, which changes."""

    name: str
    host_api: str
    channels: int
    default_rate_hz: int
    is_default: bool = False


class ModelState(Enum):
    """The condition of the recogniser."""

    LOADING = "loading"
    READY = "ready"
    MISSING = "no model"
    FAILED = "failed"


@dataclass(frozen=True)
class ModelFallback:
    """A chosen model could not be loaded, and the one before stays in use; both as ``recognizer.model_path``."""

    refused_path: str
    used_path: str


@dataclass(frozen=True)
class ModelStatus:
    """The model in words.

    ``device`` is ``"CPU"``, ``"CPU (bfloat16)"`` or the GPU's name; ``note`` a visible remark such as a fallback to the
    CPU; ``fallback`` is set while another model than the chosen one is in use.
    """

    state: ModelState
    name: str = ""
    device: str = ""
    note: str = ""
    remedy: str = ""
    fallback: ModelFallback | None = None


@dataclass(frozen=True)
class ModelChoice:
    """One installed model as the picker shows it."""

    name: str
    path: str
    language: str
    licence: str
    size_bytes: int


class FileJobState(Enum):
    """Where a file to transcribe stands."""

    WAITING = "waiting"
    RUNNING = "transcribing"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class FileJob:
    """A snapshot of one file to transcribe.

    Attributes:
        job_id: Counts up from 0 within one queue.
        path: The file.
        state: Where it stands.
        progress: 0 to 1, or None while the length is unknown.
        audio_s: Seconds of audio read so far.
        speed: Seconds of audio per second of work; 0 before the first segment.
        text: The text so far, one line per segment.
        message: One line for the user: why it failed, or a remark such as "no speech found".
        remedy: What to do about it.
    """

    job_id: int
    path: str
    state: FileJobState = FileJobState.WAITING
    progress: float | None = 0.0
    audio_s: float = 0.0
    speed: float = 0.0
    text: str = ""
    message: str = ""
    remedy: str = ""


def session_state(*, model: ModelState, recording: bool, hearing: bool, draining: bool, queued: int,
                  input_failed: bool) -> SessionState:  # fmt: skip
    """Fold the separate facts into the one state shown on the record button.

    Recording may start while the model still loads, so what the microphone does comes before what the model
    does; a broken input only matters while it is wanted.
    """
    if draining:
        return SessionState.DRAINING
    if recording:
        if input_failed:
            return SessionState.FAILED
        if hearing:
            return SessionState.HEARING
        is_working = queued > 0 and model is ModelState.READY
        return SessionState.RECOGNISING if is_working else SessionState.LISTENING
    if model is ModelState.LOADING:
        return SessionState.LOADING
    return SessionState.FAILED if model is ModelState.FAILED else SessionState.READY
