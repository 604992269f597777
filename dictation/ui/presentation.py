"""How every state looks: words, icon and colour role, so that colour alone never says anything."""

from __future__ import annotations

from dataclasses import dataclass

from dictation.core import errors
from dictation.core.records import LossCause, SegmentState
from dictation.core.status import FileJobState, InputState, InputStatus, ModelState, ModelStatus, SessionState


@dataclass(frozen=True)
class Look:
    """Words, the name of an icon and of a theme colour."""

    text: str
    icon: str
    role: str = "text"


SESSION_LOOKS = {
    SessionState.LOADING: Look("loading", "clock", "muted"),
    SessionState.READY: Look("ready", "check", "good"),
    SessionState.LISTENING: Look("listening", "microphone", "accent"),
    SessionState.HEARING: Look("hearing speech", "pulse", "accent"),
    SessionState.RECOGNISING: Look("recognising", "chip", "accent"),
    SessionState.DRAINING: Look("finishing", "clock", "warning"),
    SessionState.FAILED: Look("failed", "warning", "danger"),
}

NO_SOUND_LOOK = Look("no sound", "warning", "danger")
"""A recording whose microphone is gone has not failed: it goes on when sound returns."""

SEGMENT_LOOKS = {
    SegmentState.OPEN: Look("open", "record", "accent"),
    SegmentState.QUEUED: Look("queued", "clock", "warning"),
    SegmentState.RECOGNISED: Look("recognised", "check", "good"),
    SegmentState.REJECTED: Look("noise", "noise", "muted"),
    SegmentState.FAILED: Look("failed", "warning", "danger"),
}

JOB_LOOKS = {
    FileJobState.WAITING: Look("waiting", "clock", "muted"),
    FileJobState.RUNNING: Look("transcribing", "pulse", "accent"),
    FileJobState.DONE: Look("done", "check", "good"),
    FileJobState.FAILED: Look("failed", "warning", "danger"),
    FileJobState.CANCELLED: Look("cancelled", "cancel", "muted"),
}

INPUT_LOOKS = {
    InputState.CLOSED: Look("Microphone off", "microphone", "muted"),
    InputState.OPENING: Look("Opening microphone", "clock", "muted"),
    InputState.DELIVERING: Look("Microphone", "microphone", "text"),
    InputState.SILENT: Look("No sound: muted?", "warning", "warning"),
    InputState.LOST: Look("Microphone lost", "warning", "danger"),
    InputState.NO_DEVICE: Look("No microphone", "warning", "warning"),
    InputState.REFUSED: Look("Format refused", "warning", "danger"),
    InputState.NO_PORTAUDIO: Look("PortAudio missing", "warning", "danger"),
}

MODEL_LOOKS = {
    ModelState.LOADING: Look("Loading model", "clock", "muted"),
    ModelState.READY: Look("Model", "chip", "text"),
    ModelState.MISSING: Look("No model", "warning", "warning"),
    ModelState.FAILED: Look("Model failed", "warning", "danger"),
}

LOSS_WORDS = {
    LossCause.DRIVER: "audio driver",
    LossCause.RING: "computer too busy",
    LossCause.BACKLOG: "recogniser too far behind",
    LossCause.RECOGNISER: "recogniser failed",
    LossCause.DEVICE: "device",
}

_INPUT_TROUBLES = {
    InputState.SILENT: ("The microphone delivers digital silence.", errors.MicrophoneSilent),
    InputState.LOST: ("The microphone stopped delivering.", errors.DeviceLost),
    InputState.NO_DEVICE: ("There is no microphone.", errors.NoInputDevice),
    InputState.REFUSED: ("The microphone refused every sample rate.", errors.FormatRefused),
    InputState.NO_PORTAUDIO: ("The PortAudio library is missing.", errors.PortAudioMissing),
}


def session_look(state: SessionState, *, is_recording: bool) -> Look:
    """The session's state; while it records, only the input can fail."""
    return NO_SOUND_LOOK if is_recording and state is SessionState.FAILED else SESSION_LOOKS[state]


def input_trouble(status: InputStatus) -> tuple[str, str] | None:
    """What is wrong with the input and what to do about it, or None while all is well."""
    if status.state not in _INPUT_TROUBLES:
        return None
    sentence, error = _INPUT_TROUBLES[status.state]
    return status.message or sentence, status.remedy or error.remedy


def input_text(status: InputStatus) -> str:
    """The input in a few words, for the bar."""
    look = INPUT_LOOKS[status.state]
    if status.state is InputState.DELIVERING:
        return status.device_name or look.text
    return f"{look.text}: {status.device_name}" if status.state is InputState.LOST and status.device_name else look.text


def model_trouble(status: ModelStatus) -> tuple[str, str] | None:
    """What is wrong with the model and what to do about it, or None while all is well."""
    if status.state is ModelState.MISSING:
        reason = status.note or "There is no recognition model."
        return f"{reason} Everything else works.", status.remedy or errors.ModelMissing.remedy
    if status.state is ModelState.FAILED:
        message = f"The model could not be used: {status.note}" if status.note else "The model could not be used."
        return message, status.remedy or errors.ModelDamaged.remedy
    if status.fallback is not None:
        return f"The chosen model could not be loaded: {status.note}", status.remedy
    return None


def model_text(status: ModelStatus) -> str:
    """The model and where it runs, for the bar."""
    if status.state is not ModelState.READY:
        return MODEL_LOOKS[status.state].text
    note = "another model failed" if status.fallback is not None else status.note
    return " · ".join(part for part in (status.name, status.device, note) if part)
