"""Propose a threshold from two seconds of room sound, and say why in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

QUIET_MARGIN_DB = 12.0
"""Threshold above the loudest ordinary hop of the room. Speech at 0.5 m peaks 25-40 dB above a quiet room."""
LOWEST_DBFS, HIGHEST_DBFS = -70.0, -10.0
NOISY_FLOOR_DBFS = -38.0
"""Above this floor, a threshold with the full margin would clip quiet talkers (-30 dBFS at arm's length)."""
RESTLESS_SPREAD_DB = 12.0
"""A room whose loud hops lie this far above its floor was not quiet: someone spoke or something moved."""


@dataclass(frozen=True)
class Calibration:
    """What was measured and what is proposed; all levels in dBFS of the detector's hop level."""

    floor_dbfs: float
    loudest_dbfs: float
    threshold_dbfs: float
    sentence: str

    @property
    def margin_db(self) -> float:
        """How far the proposed threshold lies above the floor."""
        return self.threshold_dbfs - self.floor_dbfs


def calibrate(levels_dbfs: Sequence[float]) -> Calibration:
    """Propose a threshold from hop levels of a room in which nobody speaks.

    Args:
        levels_dbfs: At least one level; two seconds are 125 hops.

    Returns:
        Floor (median), loudest (95th percentile, so that one click does not decide), the threshold rounded to
        whole decibels within the slider's range, and a sentence with floor, margin and verdict.

    Raises:
        ValueError: if there are no levels.
    """
    if not levels_dbfs:
        raise ValueError("calibration needs at least one level")
    floor_dbfs = float(np.median(levels_dbfs))
    loudest_dbfs = float(np.percentile(levels_dbfs, 95))
    wanted_dbfs = loudest_dbfs + QUIET_MARGIN_DB
    threshold_dbfs = float(round(min(max(wanted_dbfs, LOWEST_DBFS), HIGHEST_DBFS)))
    if loudest_dbfs - floor_dbfs > RESTLESS_SPREAD_DB:
        verdict = "but it was not quiet: calibrate again while nobody speaks"
    elif floor_dbfs > NOISY_FLOOR_DBFS:
        verdict = "a loud room: speak close to the microphone"
    else:
        verdict = "a good room"
    sentence = (
        f"Noise floor {floor_dbfs:.0f} dBFS, threshold {threshold_dbfs:.0f} dBFS, "
        f"margin {threshold_dbfs - floor_dbfs:.0f} dB: {verdict}."
    )
    return Calibration(floor_dbfs, loudest_dbfs, threshold_dbfs, sentence)
