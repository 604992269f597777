"""What the readers of games give to read_games.py."""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass

SAMPLE_RATE_HZ = 11_025


@dataclass(frozen=True)
class SpokenLine:
    """A recorded line of a game.

    Attributes:
        name: Of the file that will hold the recording.
        text: As the game shows it.
        recording: The bytes of that file, in a format ffmpeg reads.
    """

    name: str
    text: str
    recording: bytes


def wav_of(samples: bytes) -> bytes:
    """A WAV file of unsigned 8-bit samples, 11,025 a second."""
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setparams((1, 1, SAMPLE_RATE_HZ, 0, "NONE", ""))
        file.writeframes(samples)
    return stream.getvalue()
