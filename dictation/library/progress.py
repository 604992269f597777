"""How far a download is, and how fast."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

WINDOW_S = 5.0
"""The speed shown is that of the last seconds: steady enough to read, quick enough to follow a stall."""
SHORTEST_S = 1.0
"""Over less, the wait for the first byte would make it look like hours."""
REPORTS_PER_S = 10


@dataclass(frozen=True)
class DownloadProgress:
    """A moment of a download.

    Attributes:
        name: The file under way.
        done_bytes: What has arrived, with what earlier runs left.
        total_bytes: What there is in all, or None while no one knows.
        bytes_per_s: Speed over the last 5 s; 0 in the first second.
    """

    name: str
    done_bytes: int
    total_bytes: int | None
    bytes_per_s: float

    @property
    def eta_s(self) -> float | None:
        """Seconds to go at this speed, or None while that is unknown."""
        if self.total_bytes is None or self.bytes_per_s <= 0:
            return None
        return max(0, self.total_bytes - self.done_bytes) / self.bytes_per_s

    @property
    def fraction(self) -> float | None:
        """0 to 1, or None while the total is unknown."""
        return min(1.0, self.done_bytes / self.total_bytes) if self.total_bytes else None


class Speedometer:
    """Turns counted bytes into reports, at most ten a second.

    Args:
        name: The file under way.
        on_progress: Gets the reports.
        clock: Seconds that never run backwards.
    """

    def __init__(
        self, name: str, on_progress: Callable[[DownloadProgress], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._name = name
        self._on_progress = on_progress
        self._clock = clock
        self._moments: deque[tuple[float, int]] = deque()
        self._reported_s = -1.0

    def count(self, done_bytes: int, total_bytes: int | None, *, is_last: bool = False) -> None:
        """Note how many bytes there are by now; reports if it is time, or the last one."""
        now_s = self._clock()
        if self._moments and done_bytes < self._moments[-1][1]:
            self._moments.clear()  # it began anew
        self._moments.append((now_s, done_bytes))
        while now_s - self._moments[0][0] > WINDOW_S:
            self._moments.popleft()
        if not is_last and self._reported_s >= 0 and now_s - self._reported_s < 1 / REPORTS_PER_S:
            return
        self._reported_s = now_s
        first_s, first_bytes = self._moments[0]
        elapsed_s = now_s - first_s
        bytes_per_s = (done_bytes - first_bytes) / elapsed_s if elapsed_s >= SHORTEST_S else 0.0
        self._on_progress(DownloadProgress(self._name, done_bytes, total_bytes, bytes_per_s))
