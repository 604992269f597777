"""What every source of live sound offers to the session."""

from __future__ import annotations

from typing import Protocol

from dictation.core.records import Samples


class AudioSource(Protocol):
    """A stream of mono float32 frames at the source's own rate.

    The life of a source is open, read until it is closed or no longer alive, close. One source may be opened
    again after it was closed.

    Thread: ``read`` belongs to one thread; the properties and ``is_alive`` may be asked from any; ``open`` and
    ``close`` must not overlap.
    """

    @property
    def rate_hz(self) -> int:
        """Frames per second of what ``read`` returns; 0 before the first ``open``."""

    @property
    def device_name(self) -> str:
        """What the sound comes from, as a user knows it; empty before the first ``open``."""

    @property
    def frames_received(self) -> int:
        """Frames delivered since ``open``, read or not; the loss meter compares them with the clock."""

    @property
    def overrun_frames(self) -> int:
        """Frames lost because ``read`` was called too late; they precede the block that ``read`` returns next."""

    @property
    def failure(self) -> Exception | None:
        """What broke the stream, if an error did; ``is_alive`` is False then."""

    def open(self) -> None:
        """Start delivering. May take seconds: not for the GUI thread. Raises ``AudioError``."""

    def read(self) -> Samples:
        """Return all new frames, shape (frames,), perhaps none. Never blocks."""

    def is_alive(self) -> bool:
        """Whether more can come: False once the stream has ended, failed or been closed."""

    def close(self) -> None:
        """Stop; nothing is delivered afterwards, but what was can still be read. Harmless when repeated."""
