from __future__ import annotations

import pytest

from dictation.core.loss_meter import LossMeter
from tests.support.driver_clock import SimulatedDriver, Stall


def total_lost_s(driver: SimulatedDriver, length_s: float, poll_s: float = 0.02) -> float:
    meter = LossMeter(driver.rate_hz)
    return sum(meter.update(frames, now_s) for frames, now_s in driver.states(length_s, poll_s))


def test_nothing_is_lost_before_the_first_frames() -> None:
    meter = LossMeter(16_000)
    assert [meter.update(0, now_s) for now_s in (0.0, 5.0, 10.0)] == [0.0, 0.0, 0.0]
    assert total_lost_s(SimulatedDriver(stalls=[Stall(0, 2.0, is_lost=True)]), 10) == 0.0


@pytest.mark.parametrize("drift_ppm", [-500, -90, 0, 90, 500])
def test_an_hour_of_clock_drift_is_no_loss(drift_ppm: float) -> None:
    driver = SimulatedDriver(drift_ppm=drift_ppm, block_s=0.05, jitter_s=0.08)
    assert total_lost_s(driver, 3600, poll_s=0.1) == 0.0


@pytest.mark.parametrize("drift_ppm", [-500, 0, 500])
def test_a_stall_lost_by_the_driver_is_counted(drift_ppm: float) -> None:
    driver = SimulatedDriver(drift_ppm=drift_ppm, jitter_s=0.03, stalls=[Stall(60, 1.5, is_lost=True)])
    assert total_lost_s(driver, 120) == pytest.approx(1.5, abs=0.1)


def test_a_stall_delivered_late_in_a_burst_is_no_loss() -> None:
    assert total_lost_s(SimulatedDriver(stalls=[Stall(60, 1.5, is_lost=False)]), 120) == 0.0


def test_a_stall_delivered_late_in_pieces_is_no_loss() -> None:
    """After 1.5 s of nothing the driver catches up at twice the speed of time."""
    meter, frames, lost_s = LossMeter(16_000), 0, 0.0
    for poll in range(1, 600):
        owed = poll * 320
        if poll < 100 or poll > 175:
            frames = min(owed, frames + 640)
        lost_s += meter.update(frames, poll * 0.02)
    assert frames == owed
    assert lost_s == 0.0


def test_a_half_delivered_stall_counts_the_other_half() -> None:
    driver = SimulatedDriver(stalls=[Stall(20, 0.8, is_lost=True), Stall(20.8, 0.7, is_lost=False)])
    assert total_lost_s(driver, 40) == pytest.approx(0.8, abs=0.1)


def test_the_loss_is_found_soon_after_it_happened_and_only_once() -> None:
    driver, meter = SimulatedDriver(stalls=[Stall(10, 1.5, is_lost=True)]), LossMeter(48_000)
    found = [(now_s, lost_s) for frames, now_s in driver.states(60) if (lost_s := meter.update(frames, now_s))]
    assert len(found) == 1
    assert 1011.5 < found[0][0] < 1013.5


def test_small_losses_add_up_until_they_count() -> None:
    """A driver that drops 40 ms every 2 s (a slow machine) is losing 2 % of what is said."""
    stalls = [Stall(2.0 * i, 0.04, is_lost=True) for i in range(1, 50)]
    assert total_lost_s(SimulatedDriver(stalls=stalls), 110) == pytest.approx(49 * 0.04, abs=0.3)


def test_a_device_that_stays_silent_is_left_to_the_watchdog() -> None:
    meter = LossMeter(16_000)
    lost = [meter.update(min(poll, 100) * 320, poll * 0.02) for poll in range(1, 2000)]
    assert sum(lost) == 0.0
