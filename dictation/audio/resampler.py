"""From the device's own rate to the 16 kHz of the recogniser, block by block."""

from __future__ import annotations

import numpy as np
import soxr

from dictation.core.records import SAMPLE_RATE_HZ, Samples


class StreamingResampler:
    """Resamples a mono stream to 16 kHz with libsoxr's "HQ" recipe (20 bit, linear phase).

    ``16000 / rate_hz`` frames come out per frame put in; over a whole stream, ``flush`` included, the count is
    exact to one frame, and positions do not shift. The filter looks ahead and works in blocks of its own, so
    frames come out later than they went in: at 44.1 and 48 kHz 22 ms in the median and 40 ms at most, at 96 kHz
    twice that, at 8 kHz up to 115 ms (measured with soxr 1.1). At 16 kHz blocks pass through untouched.

    Thread: one at a time.
    """

    def __init__(self, rate_hz: int) -> None:
        """Prepare for a source of ``rate_hz`` Hz."""
        self._stream = None if rate_hz == SAMPLE_RATE_HZ else _new_stream(rate_hz)
        self._rate_hz = rate_hz

    @property
    def delay_s(self) -> float:
        """Seconds of sound taken in but not returned yet; 0 when passing through."""
        return 0.0 if self._stream is None else float(self._stream.delay()) / SAMPLE_RATE_HZ

    def push(self, block: Samples) -> Samples:
        """Take a float32 block of any length, shape (frames,), and return the 16 kHz frames that became ready."""
        if self._stream is None:
            return block
        ready: Samples = self._stream.resample_chunk(block)
        return ready

    def flush(self) -> Samples:
        """Return what is still held, at the end of the input; the next push starts a new stream."""
        if self._stream is None:
            return np.zeros(0, dtype=np.float32)
        rest: Samples = self._stream.resample_chunk(np.zeros(0, dtype=np.float32), last=True)
        self._stream = _new_stream(self._rate_hz)
        return rest


def _new_stream(rate_hz: int) -> soxr.ResampleStream:
    """Make a libsoxr stream for one channel."""
    return soxr.ResampleStream(rate_hz, SAMPLE_RATE_HZ, 1, dtype="float32", quality="HQ")
