from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.abc import MetaPathFinder
from types import ModuleType
from typing import Any

import pytest

from dictation.audio import devices
from dictation.audio.microphone import Microphone
from dictation.core.errors import NoInputDevice, PortAudioMissing
from dictation.core.settings import AudioSettings
from dictation.core.status import InputDevice
from tests.support.fake_portaudio import FakePortAudio


@pytest.fixture
def portaudio(monkeypatch: pytest.MonkeyPatch) -> FakePortAudio:
    fake = FakePortAudio()
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    return fake


@pytest.fixture
def _no_portaudio(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a fresh Linux without libportaudio2 is like: importing sounddevice raises OSError."""

    class Refuser(MetaPathFinder):
        def find_spec(self, fullname: str, _path: Any, _target: ModuleType | None = None) -> None:
            if fullname == "sounddevice":
                raise OSError("PortAudio library not found")

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Refuser(), *sys.meta_path])
    yield
    sys.modules.pop("sounddevice", None)


@pytest.mark.usefixtures("_no_portaudio")
@pytest.mark.parametrize(
    "use",
    [
        devices.list_inputs,
        devices.refresh,
        lambda: devices.resolve(AudioSettings()),
        lambda: Microphone(AudioSettings()).open(),
    ],
)
def test_without_portaudio_the_package_to_install_is_named(use: Any) -> None:
    with pytest.raises(PortAudioMissing, match="PortAudio is not installed") as caught:
        use()
    assert "libportaudio2" in caught.value.remedy


def test_only_inputs_are_listed_with_host_api_and_default(portaudio: FakePortAudio) -> None:
    portaudio.add("Speakers", channels=0)
    portaudio.add("USB", channels=2, rate_hz=44_100.0)
    portaudio.add("Line", channels=8, rate_hz=96_000.0, host_api=1)
    portaudio.default.device = [2, 0]
    assert devices.list_inputs() == (
        InputDevice("USB", "ALSA", 2, 44_100),
        InputDevice("Line", "JACK", 8, 96_000, is_default=True),
    )


def test_twins_appear_once(portaudio: FakePortAudio) -> None:
    for _ in range(2):
        portaudio.add("USB")
    portaudio.add("USB", host_api=1)
    portaudio.default.device = [1, 0]
    assert [(device.host_api, device.is_default) for device in devices.list_inputs()] == [
        ("ALSA", True),
        ("JACK", False),
    ]


@pytest.mark.parametrize(
    ("settings", "index"),
    [
        (AudioSettings(), 2),
        (AudioSettings("USB"), 0),
        (AudioSettings("USB", host_api="JACK"), 1),
        (AudioSettings("Line", host_api="JACK"), 2),
    ],
)
def test_an_input_is_found_by_name_and_host_api(portaudio: FakePortAudio, settings: AudioSettings, index: int) -> None:
    portaudio.add("USB")
    portaudio.add("USB", host_api=1)
    portaudio.add("Line", host_api=1)
    portaudio.default.device = [2, -1]
    assert devices.resolve(settings).index == index


def test_without_a_default_the_first_input_is_taken(portaudio: FakePortAudio) -> None:
    portaudio.add("Speakers", channels=0)
    portaudio.add("USB")
    assert devices.resolve(AudioSettings()).index == 1


def test_no_input_and_no_such_input_say_so(portaudio: FakePortAudio) -> None:
    with pytest.raises(NoInputDevice, match="No microphone"):
        devices.resolve(AudioSettings("USB"))
    portaudio.add("Line")
    with pytest.raises(NoInputDevice, match="“USB” is not there"):
        devices.resolve(AudioSettings("USB"))


def test_refreshing_starts_portaudio_again_even_after_it_failed_to_start(portaudio: FakePortAudio) -> None:
    devices.refresh()
    assert portaudio.log == ["terminate", "initialize"]
    portaudio._initialized = 0
    devices.refresh()
    assert portaudio.log[2:] == ["initialize"]


def test_a_failing_audio_system_is_an_error_for_the_user(portaudio: FakePortAudio) -> None:
    portaudio.fails_to_answer = True
    with pytest.raises(NoInputDevice, match="PortAudio not initialized"):
        devices.list_inputs()
