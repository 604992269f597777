"""Notice an input that delivers exact zeros: muted, or the system denies access to the microphone."""

from __future__ import annotations

import numpy as np

from dictation.core.records import Samples

DIGITAL_SILENCE_S = 2.0
"""macOS and Windows deliver zeros when permission is denied. Bluetooth headsets do so for 0.7 s while waking up."""


SILENCE_AFTER_SOUND_S = 10.0
"""Once there was sound, permission is no question: noise suppression and headsets send zeros between sentences too."""


class ZeroRun:
    """Counts how long every sample has been exactly zero; a real microphone's own noise never is.

    Thread: one at a time.
    """

    def __init__(self, rate_hz: float) -> None:
        """Set the sample rate in Hz."""
        self._rate_hz = rate_hz
        self._limit_s = DIGITAL_SILENCE_S
        self._zero_frames = 0

    @property
    def is_silent(self) -> bool:
        """Whether there were exact zeros for 2 s from the start, or for 10 s after sound; False at the first other."""
        return self._zero_frames >= self._limit_s * self._rate_hz

    def push(self, block: Samples) -> bool:
        """Take the next block, any length, and return ``is_silent`` after its last sample."""
        nonzero = np.flatnonzero(block)
        if nonzero.size:
            self._limit_s = SILENCE_AFTER_SOUND_S
            self._zero_frames = block.size - int(nonzero[-1]) - 1
        else:
            self._zero_frames += block.size
        return self.is_silent
