"""A WAV file that may end at any byte: sound is added while it is heard, and all of it that arrived can be read.

The header is that of 16-bit PCM (Microsoft and IBM, *Multimedia Programming Interface and Data Specifications 1.0*,
1991). While the file grows it states the largest size there is, as programs do that write WAV into a pipe, so that any
player opens what a killed program has left. Why this form: docs/adr/0031-journal-of-unrecognised-speech.md.
"""

from __future__ import annotations

import os
import struct
from io import FileIO
from pathlib import Path

import numpy as np

from dictation.core.errors import MediaUnreadable
from dictation.core.records import SAMPLE_RATE_HZ, Samples

HEADER_BYTES = 44
FRAME_BYTES = 2
_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_UNKNOWN_SIZE = 0xFFFFFFFF
_FULL_SCALE = 32768.0
_PRIVATE = 0o600


class GrowingWav:
    """One file at 16 kHz mono. Thread: one owner.

    Every ``append`` has reached the operating system when it returns, so that killing the program loses none of it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: FileIO | None = None
        self.frames = 0
        """Whole frames in the file."""

    def open(self) -> None:
        """Create the file, readable by its owner alone.

        Raises:
            OSError: it exists, or the folder or the disk does not take it.
        """
        self._file = FileIO(self._path, "xb", opener=lambda path, flags: os.open(path, flags, _PRIVATE))
        try:
            self._write(_header(None))
        except OSError:
            self.close()
            self._path.unlink(missing_ok=True)
            raise

    def append(self, samples: Samples) -> None:
        """Add samples, rounded to 16 bits.

        Raises:
            OSError: the disk is full, say; ``frames`` counts what was written all the same.
        """
        data = np.rint(samples * _FULL_SCALE).clip(-_FULL_SCALE, _FULL_SCALE - 1).astype("<i2").tobytes()
        try:
            self._write(data)
        except OSError:
            self._count_frames()
            raise
        self.frames += samples.size

    def finish(self, frames: int) -> None:
        """Cut the file to its first ``frames``, state its true length, and close it.

        Raises:
            OSError: the disk fails; the sound written so far can still be read.
        """
        file = self._opened()
        try:
            file.truncate(HEADER_BYTES + frames * FRAME_BYTES)
            file.seek(0)
            self._write(_header(frames))
            self.frames = frames
        finally:
            self.close()

    def close(self) -> None:
        """Close the file as it is."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _opened(self) -> FileIO:
        if self._file is None:
            raise ValueError(f"{self._path} is not open")
        return self._file

    def _write(self, data: bytes) -> None:
        """Write all of it: the operating system may take a part, and say why not the rest only when asked again."""
        rest = memoryview(data)
        while rest:
            rest = rest[self._opened().write(rest) :]

    def _count_frames(self) -> None:
        """After a write that failed half way: keep whole frames, so that the next one does not begin within one."""
        file = self._opened()
        self.frames = (file.seek(0, os.SEEK_END) - HEADER_BYTES) // FRAME_BYTES
        file.truncate(HEADER_BYTES + self.frames * FRAME_BYTES)
        file.seek(0, os.SEEK_END)


def read_growing_wav(path: Path) -> Samples:
    """Read all whole frames of a file that ``GrowingWav`` wrote, finished or not; shape (frames,).

    Raises:
        MediaUnreadable: the file is gone, cannot be read, or is of another kind.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise MediaUnreadable(f"{path}: {error.strerror}.") from error
    if not _header(None).startswith(data[:4]) or (len(data) >= HEADER_BYTES and not _is_ours(data[:HEADER_BYTES])):
        raise MediaUnreadable(f"{path}: not a recording of this program.")
    whole = max(0, len(data) - HEADER_BYTES) // FRAME_BYTES
    if not whole:
        return np.empty(0, dtype=np.float32)
    pcm = np.frombuffer(data, dtype="<i2", count=whole, offset=HEADER_BYTES)
    return (pcm / np.float32(_FULL_SCALE)).astype(np.float32)


def _header(frames: int | None) -> bytes:
    """The header of a file of so many frames, or of one that still grows."""
    size = _UNKNOWN_SIZE if frames is None else frames * FRAME_BYTES
    whole = _UNKNOWN_SIZE if frames is None else size + HEADER_BYTES - 8
    rate = SAMPLE_RATE_HZ
    return _HEADER.pack(
        b"RIFF", whole, b"WAVE", b"fmt ", 16, 1, 1, rate, rate * FRAME_BYTES, FRAME_BYTES, 8 * FRAME_BYTES,
        b"data", size,
    )  # fmt: skip


def _is_ours(header: bytes) -> bool:
    """Whether a header states our format, whatever length it states."""
    fields, wanted = list(_HEADER.unpack(header)), list(_HEADER.unpack(_header(None)))
    return fields[0] == wanted[0] and fields[2:-1] == wanted[2:-1]
