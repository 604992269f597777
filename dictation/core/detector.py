"""The detector path: how loud each 16 ms hop is, blind to DC and rumble.

Thread: one owner; no locks.
"""

from __future__ import annotations

from collections import deque

import numpy as np
import numpy.typing as npt

from dictation.core.errors import InvalidAudio
from dictation.core.records import HOP_FRAMES, Samples

SILENCE_DBFS = -100.0
"""Level of digital silence; 20 log10 of the smallest amplitude told apart, 1e-5 (16-bit audio ends at 3e-5)."""

_EMA = 0.97
"""FLAPI's gain smoothing: y = 0.97 y + 0.03 x follows DC and rumble, x - y is what is measured (-3 dB at 78 Hz)."""
_DECAY = _EMA ** np.arange(HOP_FRAMES)
"""What is left of the average after so many frames; 4e-4 at the end of a hop, so its inverse is harmless."""

_FLOOR_SMOOTHING_HOPS = 4
"""Levels are averaged over 64 ms first: shorter than most stop closures, long enough that noise has no deep dips."""
_FLOOR_WINDOW_HOPS = 188
"""3 s: fluent speech always dips within it, steady noise never does (minimum statistics, Martin 2001)."""


def check_samples(samples: Samples) -> None:
    """Refuse what is not mono, one-dimensional, finite float32.

    Raises:
        InvalidAudio: naming what is wrong.
    """
    if samples.ndim != 1 or samples.dtype != np.float32:
        raise InvalidAudio(f"Audio must be one channel of float32, not shape {samples.shape} of {samples.dtype}.")
    if not np.isfinite(samples).all():
        raise InvalidAudio(f"Audio holds {int((~np.isfinite(samples)).sum())} samples that are not numbers.")


class LevelDetector:
    """Turns samples into one level per hop of ``HOP_FRAMES``.

    A hop's level is the smaller of its highest and its lowest excursion, after the high-pass: the signal must
    cross the threshold on both sides of zero (FLAPI's activation window), which plops and DC steps do not.
    The result does not depend on how the signal is cut into blocks.
    """

    def __init__(self) -> None:
        self._average: float | None = None
        self._rest: Samples = np.empty(0, dtype=np.float32)

    def push(self, samples: Samples) -> list[float]:
        """Return the levels, in dBFS from -100 to 0, of the hops completed by these samples."""
        pending = np.concatenate((self._rest, samples))
        hop_count = pending.size // HOP_FRAMES
        self._rest = pending[hop_count * HOP_FRAMES :]
        if not hop_count:
            return []
        hops = pending[: hop_count * HOP_FRAMES].reshape(hop_count, HOP_FRAMES).astype(np.float64)
        filtered = hops - self._averages(hops)
        amplitude = np.minimum(filtered.max(axis=1), -filtered.min(axis=1))
        levels = 20.0 * np.log10(np.clip(amplitude, 1e-5, 1.0))
        return [float(level) for level in levels]

    def _averages(self, hops: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Run the moving average over hops, shape (hops, HOP_FRAMES), and keep its last value.

        Within a hop the recursion is a cumulative sum: y[n] = 0.97^n (0.97 y[-1] + 0.03 sum of x[k] / 0.97^k).
        ``scipy.signal.lfilter`` does the same, but importing it takes 2 s and 50 MB.
        """
        if self._average is None:
            # Start as if the first sample had lasted for ever, so that an offset is not heard as a step.
            self._average = float(hops[0, 0])
        averages = np.cumsum(hops * ((1 - _EMA) / _DECAY), axis=1)
        for row in range(len(averages)):
            averages[row] = _DECAY * (averages[row] + _EMA * self._average)
            self._average = float(averages[row, -1])
        return averages

    def forget_offset(self) -> None:
        """Start the high-pass anew after a gap; the hop grid goes on."""
        self._average = None


class NoiseFloor:
    """The level that the input never falls below: the minimum over 3 s of levels averaged over 64 ms."""

    def __init__(self) -> None:
        self._recent: deque[float] = deque(maxlen=_FLOOR_SMOOTHING_HOPS)
        self._candidates: deque[tuple[int, float]] = deque()
        self._hops = 0

    def push(self, level_dbfs: float) -> float:
        """Add one hop's level; return its smoothed value in dBFS."""
        self._recent.append(level_dbfs)
        smoothed = sum(self._recent) / len(self._recent)
        # A monotonic queue: the front is always the minimum of the window, at amortised constant cost.
        while self._candidates and self._candidates[-1][1] >= smoothed:
            self._candidates.pop()
        self._candidates.append((self._hops, smoothed))
        while self._candidates[0][0] <= self._hops - _FLOOR_WINDOW_HOPS:
            self._candidates.popleft()
        self._hops += 1
        return smoothed

    @property
    def level_dbfs(self) -> float:
        """The floor so far; -100 before the first hop."""
        return self._candidates[0][1] if self._candidates else SILENCE_DBFS

    @property
    def is_settled(self) -> bool:
        """Whether a full window has been heard. Before that, the floor may be speech that was there from the start."""
        return self._hops >= _FLOOR_WINDOW_HOPS
