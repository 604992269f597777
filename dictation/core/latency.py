"""How long users wait for final text: the last hundred utterances, as percentiles."""

from __future__ import annotations

from collections import deque

import numpy as np

KEPT_UTTERANCES = 100


class LatencyStatistics:
    """Percentiles of the most recent latencies. Thread: one owner."""

    def __init__(self) -> None:
        self._latencies_ms: deque[float] = deque(maxlen=KEPT_UTTERANCES)

    def add(self, latency_ms: float) -> None:
        """Count one utterance."""
        self._latencies_ms.append(latency_ms)

    def percentile_ms(self, percent: float) -> float | None:
        """Linear-interpolated percentile (0 to 100) in milliseconds; None before the first utterance."""
        if not self._latencies_ms:
            return None
        return float(np.percentile(self._latencies_ms, percent))
