"""The one door to PortAudio: loads it, lists inputs, and finds the one that the settings mean.

PortAudio freezes its list of devices when it is initialised (python-sounddevice issue 125); ``refresh``
initialises it again, which is only possible while no stream is open. Devices are known by name and host API
and never by index, which changes with each plug.

Thread: any; a lock keeps PortAudio from being re-initialised while it is asked or opened.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from dictation.core.errors import NoInputDevice, PortAudioMissing
from dictation.core.settings import AudioSettings
from dictation.core.status import InputDevice

_lock = threading.RLock()
_open_streams: set[int] = set()


@dataclass(frozen=True)
class ResolvedInput:
    """An input at its present index, which holds until the next ``refresh``."""

    index: int
    device: InputDevice


@contextmanager
def portaudio() -> Iterator[Any]:
    """Lend the sounddevice module, PortAudio initialised and safe from ``refresh`` by another thread.

    Raises:
        PortAudioMissing: if the library is not installed.
        NoInputDevice: if PortAudio itself fails while it is asked.
    """
    with _lock:
        try:
            import sounddevice
        except OSError as error:  # what sounddevice raises when the shared library is not there
            raise PortAudioMissing("The audio library PortAudio is not installed.") from error
        try:
            yield sounddevice
        except sounddevice.PortAudioError as error:
            raise NoInputDevice(f"The audio system does not answer: {error.args[0]}.") from error


def stream_opened(stream: object) -> None:
    """Note that a stream is open: ``refresh`` is refused until ``stream_closed``."""
    with _lock:
        _open_streams.add(id(stream))


def stream_closed(stream: object) -> None:
    """Note that a stream is closed."""
    with _lock:
        _open_streams.discard(id(stream))


def refresh() -> None:
    """Look for devices again; takes about 50 ms, seconds on some systems, so not for the GUI thread.

    Raises:
        PortAudioMissing: if there is no PortAudio.
        NoInputDevice: if it cannot be initialised.
        RuntimeError: if a stream is open; close it first, it would not survive.
    """
    with portaudio() as sounddevice:
        if _open_streams:
            raise RuntimeError("devices cannot be refreshed while a stream is open")
        # sounddevice's own names for Pa_Terminate and Pa_Initialize; it offers no public ones.
        if sounddevice._initialized:  # noqa: SLF001
            sounddevice._terminate()  # noqa: SLF001
        sounddevice._initialize()  # noqa: SLF001


def list_inputs() -> tuple[InputDevice, ...]:
    """Return every input known since the last ``refresh``, the system default marked; empty if there is none.

    Raises:
        PortAudioMissing: if there is no PortAudio.
    """
    devices: dict[tuple[str, str], InputDevice] = {}
    for found in _find_inputs():
        key = (found.device.name, found.device.host_api)
        if key not in devices or found.device.is_default:
            devices[key] = found.device
    return tuple(devices.values())


def resolve(settings: AudioSettings) -> ResolvedInput:
    """Find the input that the settings mean; an empty device name means the present system default.

    Raises:
        PortAudioMissing: if there is no PortAudio.
        NoInputDevice: if no input, or none of that name and host API, is there.
    """
    inputs = _find_inputs()
    if not inputs:
        raise NoInputDevice("No microphone or other input was found.")
    if settings.device_name:
        matching = [found for found in inputs if _is_meant(found.device, settings)]
        if not matching:
            raise NoInputDevice(f"The input “{settings.device_name}” is not there.")
        return matching[0]
    return next((found for found in inputs if found.device.is_default), inputs[0])


def _is_meant(device: InputDevice, settings: AudioSettings) -> bool:
    """Whether a device has the name, and the host API if one is given."""
    return device.name == settings.device_name and settings.host_api in ("", device.host_api)


def _find_inputs() -> list[ResolvedInput]:
    """Ask PortAudio for all devices with input channels."""
    with portaudio() as sounddevice:
        host_apis = [host_api["name"] for host_api in sounddevice.query_hostapis()]
        default_index = sounddevice.default.device[0]  # PortAudio's own choice unless the user set another
        return [
            ResolvedInput(
                index,
                InputDevice(
                    name=info["name"],
                    host_api=host_apis[info["hostapi"]],
                    channels=info["max_input_channels"],
                    default_rate_hz=round(info["default_samplerate"]),
                    is_default=index == default_index,
                ),
            )
            for index, info in enumerate(sounddevice.query_devices())
            if info["max_input_channels"] > 0
        ]
