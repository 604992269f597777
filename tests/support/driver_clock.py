"""A simulated audio driver: how many frames it has delivered at any time, with jitter, drift, loss and late bursts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Stall:
    """Nothing is delivered for ``length_s``; then it comes in a burst, or is lost."""

    at_s: float
    length_s: float
    is_lost: bool


@dataclass(frozen=True)
class SimulatedDriver:
    """Delivers blocks of ``block_s``, each late by up to ``jitter_s``, from a clock ``drift_ppm`` fast."""

    rate_hz: int = 48_000
    block_s: float = 0.02
    jitter_s: float = 0.0
    drift_ppm: float = 0.0
    stalls: Sequence[Stall] = ()
    seed: int = 0

    def states(self, length_s: float, poll_s: float = 0.02) -> Iterator[tuple[int, float]]:
        """Yield (frames delivered so far, time) at each poll."""
        rng = np.random.default_rng(self.seed)
        block_frames = round(self.block_s * self.rate_hz)
        device_block_s = block_frames / self.rate_hz / (1 + self.drift_ppm * 1e-6)
        frames, block, now_s = 0, 1, 0.0
        arrival_s = device_block_s
        while now_s < length_s:
            while arrival_s <= now_s:
                recorded_s = block * device_block_s
                if not any(s.is_lost and s.at_s <= recorded_s < s.at_s + s.length_s for s in self.stalls):
                    frames += block_frames
                block += 1
                arrival_s = self._arrival_s(block * device_block_s, rng)
            yield frames, 1000.0 + now_s
            now_s += poll_s

    def _arrival_s(self, recorded_s: float, rng: np.random.Generator) -> float:
        late_s = self.jitter_s * float(rng.random())
        for stall in self.stalls:
            if stall.at_s <= recorded_s < stall.at_s + stall.length_s:
                return stall.at_s + stall.length_s + late_s
        return recorded_s + late_s
