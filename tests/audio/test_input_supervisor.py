"""An input that vanishes, refuses, falls silent and comes back, without PortAudio and without waiting."""

from __future__ import annotations

import numpy as np
import pytest

from dictation.audio.input_supervisor import DEAD_AFTER_S, RETRY_EVERY_S, InputSupervisor
from dictation.core.errors import FormatRefused, NoInputDevice, PortAudioMissing
from dictation.core.records import LossCause, Samples
from dictation.core.settings import AudioSettings
from dictation.core.status import InputState

RATE_HZ = 16_000


class ScriptedSource:
    """Returns exactly the blocks a test feeds it."""

    rate_hz = RATE_HZ
    failure: Exception | None = None

    def __init__(self, settings: AudioSettings, refusal: Exception | None) -> None:
        self.device_name = settings.device_name or "default"
        self.refusal = refusal
        self.blocks: list[Samples] = []
        self.frames_received = 0
        self.overrun_frames = 0
        self.alive = True
        self.closed = False

    def open(self) -> None:
        if self.refusal is not None:
            raise self.refusal

    def read(self) -> Samples:
        block = self.blocks.pop(0) if self.blocks else np.empty(0, dtype=np.float32)
        self.frames_received += block.size
        return block

    def is_alive(self) -> bool:
        return self.alive

    def close(self) -> None:
        self.closed = True


class Bench:
    """A supervisor, its sources and a clock that a test moves."""

    def __init__(self, settings: AudioSettings | None = None) -> None:
        self.sources: list[ScriptedSource] = []
        self.refusals: dict[str, Exception] = {}
        self.refreshes = 0
        self.now_s = 100.0
        self.supervisor = InputSupervisor(settings or AudioSettings(), self._make, self._refresh)

    def _make(self, settings: AudioSettings) -> ScriptedSource:
        self.sources.append(ScriptedSource(settings, self.refusals.get(settings.device_name)))
        return self.sources[-1]

    def _refresh(self) -> None:
        assert all(source.closed or source.refusal for source in self.sources)
        self.refreshes += 1

    @property
    def state(self) -> InputState:
        return self.supervisor.status.state

    def tick(self, block: Samples | None = None, after_s: float = 0.02):
        self.now_s += after_s
        if block is not None:
            self.sources[-1].blocks.append(block)
        return self.supervisor.tick(self.now_s)

    def run(self, length_s: float, value: float = 0.01) -> list[object]:
        block = np.full(RATE_HZ // 50, value, dtype=np.float32)
        return [self.tick(block) for _ in range(round(length_s * 50))]


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.tick()
    bench.run(0.2)
    return bench


def test_it_opens_by_itself_and_delivers(bench: Bench) -> None:
    assert bench.state is InputState.DELIVERING
    reading = bench.tick(np.full(320, 0.5, dtype=np.float32))
    assert reading.samples.size == 320
    assert reading.missing == ()


def test_a_device_that_stops_calling_back_is_lost_within_a_second(bench: Bench) -> None:
    bench.tick(after_s=DEAD_AFTER_S + 0.01)
    assert DEAD_AFTER_S < 1.0
    assert bench.state is InputState.LOST
    assert "stopped delivering" in bench.supervisor.status.message
    assert bench.supervisor.status.remedy
    assert bench.sources[0].closed


def test_a_finished_stream_is_lost_at_once(bench: Bench) -> None:
    bench.sources[-1].alive = False
    bench.tick()
    assert bench.state is InputState.LOST


def test_a_bug_in_the_callback_is_a_lost_device_with_a_traceback_in_the_log(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.sources[-1].failure = TypeError("a bug")
    bench.sources[-1].alive = False
    bench.tick()
    assert bench.state is InputState.LOST
    assert [record.exc_info[1] for record in caplog.records] == [bench.sources[-1].failure]


def test_it_comes_back_to_the_same_device_and_says_what_is_missing(bench: Bench) -> None:
    bench.sources[-1].alive = False
    bench.tick()
    bench.refusals[""] = NoInputDevice("none")
    bench.tick(after_s=RETRY_EVERY_S)
    assert bench.state is InputState.LOST
    del bench.refusals[""]
    bench.tick(after_s=RETRY_EVERY_S)
    reading = bench.tick(np.full(320, 0.01, dtype=np.float32))
    assert bench.state is InputState.DELIVERING
    assert bench.refreshes == 2
    (missing,) = reading.missing
    assert missing.cause is LossCause.DEVICE
    assert missing.lost_s == pytest.approx(2.04, abs=0.05)
    assert bench.tick(np.full(320, 0.01, dtype=np.float32)).missing == ()


def test_a_lost_named_device_gives_way_to_the_default() -> None:
    bench = Bench(AudioSettings(device_name="headset"))
    bench.tick()
    bench.run(0.2)
    assert bench.supervisor.status.device_name == "headset"
    bench.refusals["headset"] = NoInputDevice("gone")
    bench.sources[-1].alive = False
    bench.tick()
    bench.tick(after_s=RETRY_EVERY_S)
    bench.run(0.1)
    assert bench.supervisor.status.device_name == "default"
    assert bench.state is InputState.DELIVERING


@pytest.mark.parametrize(
    ("refusal", "state"),
    [
        (NoInputDevice("none"), InputState.NO_DEVICE),
        (FormatRefused("no rate"), InputState.REFUSED),
        (PortAudioMissing("no library"), InputState.NO_PORTAUDIO),
    ],
)
def test_each_refusal_is_its_own_state_with_a_remedy_and_is_tried_again(refusal: Exception, state: InputState) -> None:
    bench = Bench()
    bench.refusals[""] = refusal
    bench.tick()
    assert bench.state is state
    assert bench.supervisor.status.message == str(refusal)
    assert bench.supervisor.status.remedy
    bench.tick(after_s=0.1)
    assert len(bench.sources) == 1
    bench.refusals.clear()
    bench.tick(after_s=RETRY_EVERY_S)
    bench.run(0.1)
    assert bench.state is InputState.DELIVERING


def test_exact_zeros_are_shown_and_the_first_sound_recovers(bench: Bench) -> None:
    bench.run(9.5, 0.0)
    assert bench.state is InputState.DELIVERING
    bench.run(0.8, 0.0)
    assert bench.state is InputState.SILENT
    assert bench.supervisor.status.remedy
    bench.run(0.04)
    assert bench.state is InputState.DELIVERING
    assert bench.supervisor.status.message == ""


def test_a_ring_overrun_is_counted_before_the_block_it_precedes(bench: Bench) -> None:
    bench.sources[-1].overrun_frames = 8000
    reading = bench.tick(np.full(320, 0.01, dtype=np.float32))
    assert [(missing.cause, missing.lost_s) for missing in reading.missing] == [(LossCause.RING, 0.5)]


def test_a_stall_that_the_driver_hides_is_measured(bench: Bench) -> None:
    """PortAudio lost 1.5 s without a flag (measured): callbacks go on as if nothing had happened."""
    bench.run(2)
    bench.now_s += 0.6
    readings = bench.run(3)
    lost = [missing for reading in readings for missing in reading.missing]
    assert [missing.cause for missing in lost] == [LossCause.DRIVER]
    assert lost[0].lost_s == pytest.approx(0.6, abs=0.05)


def test_a_block_that_is_not_finite_is_lost_and_the_next_one_is_heard(bench: Bench) -> None:
    reading = bench.tick(np.array([0.1, np.nan] * 160, dtype=np.float32))
    assert reading.samples.size == 0
    assert [(missing.cause, missing.lost_s) for missing in reading.missing] == [(LossCause.DRIVER, 0.02)]
    assert bench.tick(np.full(320, 0.1, dtype=np.float32)).samples.size == 320


def test_choosing_another_device_closes_the_first_and_counts_the_time_between(bench: Bench) -> None:
    bench.supervisor.choose(AudioSettings(device_name="other"))
    assert bench.sources[0].closed
    assert bench.supervisor.lost_since_s is not None
    bench.tick()
    assert bench.supervisor.status.device_name == "other"
    reading = bench.tick(np.full(320, 0.01, dtype=np.float32), after_s=0.5)
    assert [missing.cause for missing in reading.missing] == [LossCause.DEVICE]
    assert reading.missing[0].lost_s == pytest.approx(0.5, abs=0.05)
    assert bench.supervisor.lost_since_s is None


def test_the_sound_still_in_the_resampler_is_not_lost_with_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ScriptedSource, "rate_hz", 48_000)
    for end in ("unplugged", "closed"):
        bench = Bench()
        bench.tick()
        readings = [bench.tick(np.full(960, 0.5, dtype=np.float32)).samples for _ in range(50)]
        if end == "unplugged":
            bench.sources[-1].alive = False
            readings.append(bench.tick().samples)
        else:
            readings.append(bench.supervisor.close())
        assert sum(samples.size for samples in readings) == pytest.approx(16_000, abs=2)


def test_a_slow_waking_device_gets_five_seconds() -> None:
    bench = Bench()
    bench.tick()
    bench.tick(after_s=4.5)
    assert bench.state is InputState.OPENING
    bench.tick(after_s=1.0)
    assert bench.state is InputState.LOST


def test_looking_again_without_portaudio_shows_that_state_instead_of_raising() -> None:
    bench = Bench()
    bench.tick()
    bench.refusals[""] = PortAudioMissing("no library")

    def refresh() -> None:
        raise PortAudioMissing("no library")

    bench.supervisor._refresh = refresh
    bench.supervisor.look_again()
    assert bench.sources[0].closed
    bench.tick()
    assert bench.state is InputState.NO_PORTAUDIO
