"""Real PortAudio, real PulseAudio, a microphone made of software."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from dictation.audio import devices
from dictation.audio.microphone import Microphone
from dictation.core.errors import FormatRefused, NoInputDevice
from dictation.core.loss_meter import LossMeter
from dictation.core.records import Samples
from dictation.core.settings import AudioSettings
from tests.support.media_files import main_frequency_hz, tone
from tests.support.pulse import VirtualMicrophone

pytestmark = pytest.mark.portaudio

PULSE = AudioSettings(device_name="pulse")


@contextmanager
def opened(microphone: Microphone) -> Iterator[Microphone]:
    microphone.open()
    try:
        yield microphone
    finally:
        microphone.close()


def wait_until(is_true: Callable[[], bool], timeout_s: float = 10.0) -> float:
    """Wait for a condition and return how long that took."""
    started_s = time.perf_counter()
    while not is_true():
        assert time.perf_counter() - started_s < timeout_s, "the condition never came true"
        time.sleep(0.005)
    return time.perf_counter() - started_s


def hear(microphone: Microphone, length_s: float) -> Samples:
    """Read until ``length_s`` more of sound has arrived."""
    parts: list[Samples] = []
    wait_until(lambda: parts.append(microphone.read()) or sum(p.size for p in parts) >= length_s * microphone.rate_hz)
    return np.concatenate(parts)


def noise(length_s: float) -> Samples:
    return np.random.default_rng(7).uniform(-0.8, 0.8, round(length_s * 16_000)).astype(np.float32)


def test_what_is_played_is_captured_bit_for_bit_and_nothing_is_lost(virtual_microphone: VirtualMicrophone) -> None:
    played, meter = noise(3.0), LossMeter(16_000)
    with opened(Microphone(PULSE, rates_hz=(16_000,))) as microphone:
        hear(microphone, 0.2)
        # The first 1 to 3 ms of a new stream fall into what the sink has already played: silence bears it.
        virtual_microphone.play_samples(np.concatenate([np.zeros(1600, np.float32), played]))
        heard = hear(microphone, 3.5)
        lost_s = meter.update(microphone.frames_received, time.perf_counter())
        assert (microphone.overrun_frames, microphone.failure, lost_s) == (0, None, 0.0)
        assert microphone.is_alive()
    start = int(np.flatnonzero(heard)[0])
    np.testing.assert_array_equal(heard[start : start + played.size], played)


def test_the_loss_meter_stays_at_zero_on_a_healthy_stream(virtual_microphone: VirtualMicrophone) -> None:
    with opened(Microphone(PULSE)) as microphone:
        meter, until_s = LossMeter(microphone.rate_hz), time.perf_counter() + 4
        while (now_s := time.perf_counter()) < until_s:
            microphone.read()
            assert meter.update(microphone.frames_received, now_s) == 0.0
            time.sleep(0.02)
        assert microphone.frames_received == pytest.approx(4 * microphone.rate_hz, rel=0.15)


def test_the_device_is_opened_at_its_own_rate(virtual_microphone: VirtualMicrophone) -> None:
    (own_rate_hz,) = {device.default_rate_hz for device in devices.list_inputs() if device.name == "pulse"}
    with opened(Microphone(PULSE)) as microphone:
        assert (microphone.rate_hz, microphone.device_name) == (own_rate_hz, "pulse")
        virtual_microphone.play_samples(tone(1.0, 16_000, 440.0))
        heard = hear(microphone, 0.1)
    loud = np.flatnonzero(np.abs(heard) > 0.1)
    assert main_frequency_hz(heard[loud[0] : loud[-1]], own_rate_hz) == pytest.approx(440, abs=3)


def test_inputs_are_listed_by_name_and_the_default_is_resolved(virtual_microphone: VirtualMicrophone) -> None:
    inputs = {device.name: device for device in devices.list_inputs()}
    assert inputs["pulse"].host_api == "ALSA"
    assert inputs["pulse"].channels >= 1
    assert [device.name for device in inputs.values() if device.is_default] == ["default"]
    assert devices.resolve(AudioSettings()).device.name == "default"
    assert devices.resolve(AudioSettings(device_name="pulse", host_api="ALSA")).device.name == "pulse"


@pytest.mark.parametrize("settings", [AudioSettings("nothing like it"), AudioSettings("pulse", host_api="ASIO")])
def test_an_input_that_is_not_there_is_named(virtual_microphone: VirtualMicrophone, settings: AudioSettings) -> None:
    with pytest.raises(NoInputDevice, match=settings.device_name):
        Microphone(settings).open()


@pytest.mark.parametrize("channel", [2, 64])
def test_another_channel_can_be_chosen_and_too_high_a_one_is_the_last(
    virtual_microphone: VirtualMicrophone, channel: int
) -> None:
    with opened(Microphone(AudioSettings("pulse", channel=channel), rates_hz=(16_000,))) as microphone:
        assert hear(microphone, 0.1).size


def test_a_rate_that_no_device_has_is_refused(virtual_microphone: VirtualMicrophone) -> None:
    with pytest.raises(FormatRefused, match="pulse"):
        Microphone(PULSE, rates_hz=(7,)).open()
    with opened(Microphone(PULSE, rates_hz=(7, 16_000))) as microphone:
        assert microphone.rate_hz == 16_000


def test_a_killed_daemon_is_noticed_within_a_second_and_closing_returns_at_once(
    virtual_microphone: VirtualMicrophone,
) -> None:
    with opened(Microphone(PULSE)) as microphone:
        hear(microphone, 0.3)
        virtual_microphone.kill()
        assert wait_until(lambda: not microphone.is_alive()) < 1.0
        assert microphone.failure is None
        started_s = time.perf_counter()
        microphone.close()
        microphone.close()
        assert time.perf_counter() - started_s < 1.0
        microphone.read()
        devices.refresh()
        with pytest.raises(NoInputDevice):
            Microphone(PULSE).open()


def test_after_a_restart_the_microphone_can_be_opened_again(virtual_microphone: VirtualMicrophone) -> None:
    """The same object and a fresh one; a device list from before the restart would not do."""
    microphone = Microphone(PULSE)
    with opened(microphone):
        hear(microphone, 0.1)
        virtual_microphone.kill()
        wait_until(lambda: not microphone.is_alive())
    virtual_microphone.restart()
    devices.refresh()
    for again in (microphone, Microphone(PULSE)):
        with opened(again):
            virtual_microphone.play_samples(tone(0.5, 16_000))
            assert np.abs(hear(again, 0.1)).max() == pytest.approx(0.5, abs=0.1)
            assert again.is_alive()


def test_devices_cannot_be_refreshed_under_an_open_stream(virtual_microphone: VirtualMicrophone) -> None:
    with opened(Microphone(PULSE)) as microphone:
        with pytest.raises(RuntimeError, match="while a stream is open"):
            devices.refresh()
        assert hear(microphone, 0.1).size
    devices.refresh()


def test_opening_and_closing_fifty_times_leaves_nothing_behind(virtual_microphone: VirtualMicrophone) -> None:
    microphone = Microphone(PULSE)
    for _ in range(50):
        microphone.open()
        microphone.close()
    with opened(microphone):
        assert hear(microphone, 0.1).size
    devices.refresh()


def test_a_program_of_its_own_hears_the_microphone(virtual_microphone: VirtualMicrophone) -> None:
    """The end-to-end tests start the whole app this way."""
    program = "from dictation.audio import devices; print([device.name for device in devices.list_inputs()])"
    answer = subprocess.run(
        [sys.executable, "-c", program], env=virtual_microphone.environment(), capture_output=True, check=True
    )
    assert b"'pulse'" in answer.stdout
