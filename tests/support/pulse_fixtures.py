"""Fixtures around the virtual microphone; a folder's ``conftest.py`` imports them to offer them to its tests."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from dictation.audio import devices
from dictation.core.errors import PortAudioMissing
from tests.support.pulse import VirtualMicrophone

HOW_TO_GET_IT = "apt install pulseaudio pulseaudio-utils libasound2-plugins libportaudio2"


def give_up(reason: str) -> None:
    """Skip, or fail where a skip would hide that nothing was tested: continuous integration sets the variable."""
    message = f"no virtual microphone: {reason}; {HOW_TO_GET_IT}"
    if os.environ.get("DICTATION_REQUIRE_PORTAUDIO") == "1":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def pulse_daemon() -> Iterator[VirtualMicrophone]:
    """One daemon for all tests; starting it takes seconds."""
    if not VirtualMicrophone.is_available():
        give_up("PulseAudio is not installed")
    with VirtualMicrophone() as microphone:
        yield microphone


@pytest.fixture
def virtual_microphone(pulse_daemon: VirtualMicrophone, monkeypatch: pytest.MonkeyPatch) -> Iterator[VirtualMicrophone]:
    """The microphone, running, and the only one that PortAudio in this process and its children can see."""
    if not pulse_daemon.is_running:
        pulse_daemon.restart()
    with monkeypatch.context() as patch:
        for name, value in pulse_daemon.variables.items():
            patch.setenv(name, value)
        try:
            devices.refresh()  # ALSA reads its configuration, and with it the variables, anew
        except PortAudioMissing:
            give_up("PortAudio is not installed")
        if not any(device.name == "pulse" for device in devices.list_inputs()):
            give_up("ALSA has no PulseAudio plug-in")
        yield pulse_daemon
    devices.refresh()
