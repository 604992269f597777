"""What the meter promises for any block size, jitter, drift and polling interval within the stated bounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dictation.core.loss_meter import LossMeter
from tests.support.driver_clock import SimulatedDriver, Stall

RATES = st.sampled_from([8_000, 16_000, 44_100, 48_000, 96_000])
DRIFTS = st.floats(-500, 500)
POLLS = st.floats(0.01, 0.1)


def total_lost_s(driver: SimulatedDriver, length_s: float, poll_s: float) -> float:
    meter = LossMeter(driver.rate_hz)
    losses = [meter.update(frames, now_s) for frames, now_s in driver.states(length_s, poll_s)]
    assert min(losses) >= 0.0
    return sum(losses)


@given(RATES, st.floats(0.005, 0.1), st.floats(0, 0.1), DRIFTS, POLLS, st.integers(0, 99))
def test_jitter_and_drift_are_never_loss(
    rate_hz: int, block_s: float, jitter_s: float, drift_ppm: float, poll_s: float, seed: int
) -> None:
    driver = SimulatedDriver(rate_hz, block_s, jitter_s, drift_ppm, seed=seed)
    assert total_lost_s(driver, 60, poll_s) == 0.0


@given(RATES, st.floats(0.005, 0.05), DRIFTS, st.floats(0.2, 5.0), POLLS, st.integers(0, 99))
def test_a_lost_stall_is_counted_and_a_late_one_is_not(
    rate_hz: int, block_s: float, drift_ppm: float, length_s: float, poll_s: float, seed: int
) -> None:
    late = Stall(10, length_s, is_lost=False)
    lost = Stall(30, length_s + 0.1, is_lost=True)
    only_late = SimulatedDriver(rate_hz, block_s, 0.02, drift_ppm, [late], seed)
    both = SimulatedDriver(rate_hz, block_s, 0.02, drift_ppm, [late, lost], seed)
    assert total_lost_s(only_late, 25, poll_s) == 0.0
    assert total_lost_s(both, 45, poll_s) == pytest.approx(length_s + 0.1, abs=0.15)
