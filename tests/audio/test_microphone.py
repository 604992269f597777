"""The microphone against a PortAudio that misbehaves on request; the real one is in tests/real_audio."""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytest

from dictation.audio import devices
from dictation.audio.microphone import Microphone
from dictation.audio.source import AudioSource
from dictation.core.errors import FormatRefused, NoInputDevice
from dictation.core.settings import AudioSettings
from tests.support.fake_portaudio import FakePortAudio, block


@pytest.fixture
def portaudio(monkeypatch: pytest.MonkeyPatch) -> FakePortAudio:
    """One USB microphone and one interface with four channels, which is the default."""
    fake = FakePortAudio()
    fake.add("USB", channels=1, rate_hz=44_100.0)
    fake.add("Interface", channels=4, rate_hz=96_000.0, host_api=1)
    fake.default.device = [1, -1]
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    monkeypatch.setattr(Microphone, "_rate_that_worked_hz", {})
    return fake


def test_before_opening_it_is_empty_and_harmless(portaudio: FakePortAudio) -> None:
    microphone: AudioSource = Microphone(AudioSettings())
    assert (microphone.rate_hz, microphone.device_name, microphone.frames_received) == (0, "", 0)
    assert microphone.read().size == 0
    assert not microphone.is_alive()
    microphone.close()


def test_it_opens_at_the_devices_own_rate_with_high_latency(portaudio: FakePortAudio) -> None:
    microphone = Microphone(AudioSettings("USB"))
    microphone.open()
    options = portaudio.streams[0].options
    assert (options.device, options.samplerate, options.channels) == (0, 44_100, 1)
    assert (options.latency, options.dtype) == ("high", "float32")
    assert (microphone.rate_hz, microphone.device_name) == (44_100, "USB")
    assert microphone.is_alive()
    microphone.close()


def test_the_chosen_channel_arrives_in_order(portaudio: FakePortAudio) -> None:
    microphone = Microphone(AudioSettings("Interface", channel=3))
    microphone.open()
    stream = portaudio.streams[0]
    stream.deliver(block(0.1, 0.2, 0.3))
    stream.deliver(block(0.1, 0.2, 0.5))
    np.testing.assert_array_equal(microphone.read(), np.repeat(np.array([0.3, 0.5], dtype=np.float32), 10))
    assert (microphone.frames_received, microphone.overrun_frames) == (20, 0)
    microphone.close()


def test_a_channel_beyond_the_device_becomes_its_last(portaudio: FakePortAudio) -> None:
    microphone = Microphone(AudioSettings("USB", channel=2))
    microphone.open()
    portaudio.streams[0].deliver(block(0.25))
    assert microphone.read()[0] == 0.25
    microphone.close()


def test_refused_rates_are_tried_in_order_and_the_one_that_worked_comes_first_next_time(
    portaudio: FakePortAudio,
) -> None:
    portaudio.accepts = lambda rate_hz, _channels: rate_hz == 32_000
    first = Microphone(AudioSettings("Interface"))
    first.open()
    assert portaudio.attempts == [(96_000, 1), (48_000, 1), (44_100, 1), (32_000, 1)]
    first.close()
    portaudio.attempts.clear()
    second = Microphone(AudioSettings("Interface"))
    second.open()
    assert portaudio.attempts == [(32_000, 1)]
    assert second.rate_hz == 32_000
    second.close()


def test_hardware_that_only_opens_with_all_channels_is_opened_so(portaudio: FakePortAudio) -> None:
    portaudio.accepts = lambda _rate_hz, channels: channels == 4
    microphone = Microphone(AudioSettings("Interface", channel=2))
    microphone.open()
    portaudio.streams[0].deliver(block(0.1, 0.2, 0.3, 0.4))
    assert microphone.read()[0] == np.float32(0.2)
    microphone.close()


def test_a_device_that_takes_no_format_is_refused_with_the_reason(portaudio: FakePortAudio) -> None:
    portaudio.accepts = lambda _rate_hz, _channels: False
    microphone = Microphone(AudioSettings("USB"))
    with pytest.raises(FormatRefused, match=r"USB.*Invalid sample rate"):
        microphone.open()
    assert not microphone.is_alive()
    assert (microphone.rate_hz, microphone.device_name) == (0, "")
    devices.refresh()


def test_a_device_that_opens_but_does_not_start_is_closed_again(portaudio: FakePortAudio) -> None:
    portaudio.fails_to_start = True
    with pytest.raises(FormatRefused, match="Device unavailable"):
        Microphone(AudioSettings("USB"), rates_hz=(16_000,)).open()
    assert [stream.log for stream in portaudio.streams] == [["start", "close"]]


def test_the_default_is_looked_up_at_each_opening(portaudio: FakePortAudio) -> None:
    microphone = Microphone(AudioSettings())
    microphone.open()
    assert microphone.device_name == "Interface"
    portaudio.default.device = [0, -1]
    microphone.open()
    assert microphone.device_name == "USB"
    microphone.close()
    portaudio.devices.clear()
    with pytest.raises(NoInputDevice):
        microphone.open()


def test_a_stream_that_the_driver_ends_is_not_alive_and_keeps_its_last_frames(portaudio: FakePortAudio) -> None:
    microphone = Microphone(AudioSettings("USB"))
    microphone.open()
    portaudio.streams[0].deliver(block(0.5))
    portaudio.streams[0].options.finished_callback()
    assert not microphone.is_alive()
    microphone.close()
    microphone.close()
    assert portaudio.streams[0].log == ["start", "abort", "close"]
    assert microphone.read().size == 10


def test_an_exception_in_the_callback_goes_into_the_slot_and_not_to_the_driver(portaudio: FakePortAudio) -> None:
    microphone = Microphone(AudioSettings("Interface", channel=4))
    microphone.open()
    portaudio.streams[0].deliver(block(0.1, 0.2))  # fewer channels than asked for
    assert isinstance(microphone.failure, IndexError)
    assert not microphone.is_alive()
    microphone.open()
    assert microphone.failure is None
    assert microphone.is_alive()
    microphone.close()


def test_a_late_callback_of_a_closed_stream_does_not_reach_the_next_one(portaudio: FakePortAudio) -> None:
    microphone = Microphone(AudioSettings("USB"))
    microphone.open()
    microphone.open()
    portaudio.streams[0].deliver(block(0.9))
    portaudio.streams[1].deliver(block(0.1))
    np.testing.assert_array_equal(microphone.read(), np.full(10, 0.1, dtype=np.float32))
    microphone.close()


def test_a_reader_that_stays_away_loses_the_oldest_frames_and_knows_how_many(portaudio: FakePortAudio) -> None:
    microphone = Microphone(AudioSettings("USB"), rates_hz=(1000,))
    microphone.open()
    for second in range(40):
        portaudio.streams[0].deliver(block(float(second), frames=1000))
    heard = microphone.read()
    assert heard.size + microphone.overrun_frames == 40_000
    assert heard.size == 29_500
    assert heard[-1] == 39.0
    microphone.close()


def test_devices_cannot_be_refreshed_until_every_stream_is_closed(portaudio: FakePortAudio) -> None:
    microphone = Microphone(AudioSettings("USB"))
    microphone.open()
    with pytest.raises(RuntimeError, match="while a stream is open"):
        devices.refresh()
    closer = threading.Thread(target=microphone.close)
    closer.start()
    closer.join()
    devices.refresh()
    assert portaudio.log == ["terminate", "initialize"]
