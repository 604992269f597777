"""Measure what the audio driver lost by comparing frames with the clock.

Overflow flags cannot be trusted: friture's pull request 119 and our own measurement (a 1.5 s stall lost 1.5 s
of audio with no flag raised) agree. Time cannot lie: a device of ``rate_hz`` owes that many frames per second.
"""

from __future__ import annotations

import math
from collections import deque

SUSTAINED_S = 1.0
"""A deficit counts once it has lasted this long while audio flows; late delivery has caught up by then."""
MIN_LOSS_S = 0.150
"""A smaller deficit is jitter: drivers deliver in blocks of 10 to 100 ms, and a busy machine asks late."""
STALL_S = 0.5
"""No frames for this long is a stall, during which nothing can be said: they may be lost or only late."""
CATCH_UP_S = 0.100
"""A deficit that shrank by more than this within the window is still being caught up."""
DRIFT_PPM = 600.0
"""The baseline follows a slow device clock this fast. Sound cards stay within 500 ppm of the system clock."""


class LossMeter:
    """Tells lost frames from late ones and from clock drift.

    The deficit is the time passed minus the audio received. Its running lower envelope is the baseline: jitter
    only ever adds to it, a fast device clock lowers it, a slow one raises it by at most ``DRIFT_PPM``. When the
    smallest deficit of a whole second of flowing audio lies more than ``MIN_LOSS_S`` above the baseline, that
    difference is lost for good, and becomes part of the baseline. Losses below ``MIN_LOSS_S`` add up until they
    count, unless they are slower than the drift allowed (2 s in an hour).

    A device that stays silent for good is the watchdog's business: its loss counts only if frames come again.

    Thread: one at a time; the caller supplies the time.
    """

    def __init__(self, rate_hz: float) -> None:
        """Remember the device's rate in Hz; nothing starts before the first frames arrive."""
        self._rate_hz = rate_hz
        self._window: deque[tuple[float, float]] = deque()  # (time, deficit) of the last SUSTAINED_S or a bit more
        self._baseline_s = math.inf  # until the first frames set it
        self._frames = 0
        self._moved_s = 0.0
        self._updated_s = 0.0

    def update(self, frames_received: int, now_s: float) -> float:
        """Take the state of the stream and return the seconds newly found to be lost, 0 in health.

        Args:
            frames_received: All frames delivered by the driver since the stream was opened; never decreases.
            now_s: Time in seconds on any steady clock, not before the last one given. Call it at least every
                250 ms.
        """
        if frames_received == 0:
            return 0.0
        deficit_s = now_s - frames_received / self._rate_hz
        if now_s - self._moved_s > STALL_S:
            self._window.clear()
        if frames_received > self._frames:
            self._frames, self._moved_s = frames_received, now_s
        self._baseline_s = min(deficit_s, self._baseline_s + (now_s - self._updated_s) * DRIFT_PPM * 1e-6)
        self._updated_s = now_s
        return self._judge(deficit_s, now_s)

    def _judge(self, deficit_s: float, now_s: float) -> float:
        """Add the newest deficit to the window and return what a full window shows to be lost."""
        window = self._window
        window.append((now_s, deficit_s))
        while len(window) > 1 and window[1][0] <= now_s - SUSTAINED_S:
            window.popleft()
        if now_s - window[0][0] < SUSTAINED_S:
            return 0.0
        sustained_s = min(deficit for _, deficit in window)
        is_catching_up = deficit_s < window[0][1] - CATCH_UP_S
        lost_s = sustained_s - self._baseline_s
        if is_catching_up or lost_s <= MIN_LOSS_S:
            return 0.0
        self._baseline_s = sustained_s
        return lost_s
