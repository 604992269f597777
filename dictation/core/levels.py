"""Notice an input that delivers exact zeros: muted, or the system denies access to the microphone."""

from __future__ import annotations

import numpy as np

from dictation.core.records import Samples

DIGITAL_SILENCE_S = 2.0
"""macOS and Windows deliver zeros when permission is denied. Bluetooth headsets do so for 0.7 s while waking up."""


class ZeroRun:
    """Counts how long every sample has been exactly zero; a real microphone's own noise never is.

    Thread: one at a time.
    """

    def __init__(self, rate_hz: float, limit_s: float = DIGITAL_SILENCE_S) -> None:
        """Set the sample rate in Hz and the length in seconds from which the input counts as silent."""
        self._limit_frames = rate_hz * limit_s
        self._zero_frames = 0

    @property
    def is_silent(self) -> bool:
        """Whether the last ``limit_s`` or more were exact zeros; False again at the first other sample."""
        return self._zero_frames >= self._limit_frames

    def push(self, block: Samples) -> bool:
        """Take the next block, any length, and return ``is_silent`` after its last sample."""
        nonzero = np.flatnonzero(block)
        if nonzero.size:
            self._zero_frames = block.size - int(nonzero[-1]) - 1
        else:
            self._zero_frames += block.size
        return self.is_silent
