"""A stand-in for the sounddevice module: devices that refuse, vanish and misbehave on request."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np


class PortAudioError(Exception):
    """As in sounddevice: message, then code."""


class FakeStream:
    """Records what was asked of it; ``deliver`` plays the part of the driver."""

    def __init__(self, portaudio: FakePortAudio, **options: Any) -> None:
        self.options = SimpleNamespace(**options)
        self.log: list[str] = []
        portaudio.attempts.append((options["samplerate"], options["channels"]))
        if not portaudio.accepts(options["samplerate"], options["channels"]):
            raise PortAudioError("Invalid sample rate", -9997)
        self._fails_to_start = portaudio.fails_to_start
        portaudio.streams.append(self)

    def start(self) -> None:
        self.log.append("start")
        if self._fails_to_start:
            raise PortAudioError("Device unavailable", -9985)

    def abort(self, **_options: bool) -> None:
        self.log.append("abort")
        self.options.finished_callback()

    def close(self, **_options: bool) -> None:
        self.log.append("close")

    def deliver(self, block: Any, flags: int = 0) -> None:
        self.options.callback(block, len(block), None, flags)


class FakePortAudio:
    """What ``import sounddevice`` finds."""

    PortAudioError = PortAudioError

    def __init__(self) -> None:
        self.host_apis = [{"name": "ALSA"}, {"name": "JACK"}]
        self.devices: list[dict[str, Any]] = []
        self.default = SimpleNamespace(device=[-1, -1])
        self.accepts: Callable[[int, int], bool] = lambda _rate_hz, _channels: True
        self.fails_to_start = False
        self.fails_to_answer = False
        self.attempts: list[tuple[int, int]] = []
        self.streams: list[FakeStream] = []
        self.log: list[str] = []
        self._initialized = 1

    def add(self, name: str, channels: int = 1, rate_hz: float = 48_000.0, host_api: int = 0) -> None:
        self.devices.append(
            {"name": name, "hostapi": host_api, "max_input_channels": channels, "default_samplerate": rate_hz}
        )

    def query_hostapis(self) -> list[dict[str, Any]]:
        if self.fails_to_answer:
            raise PortAudioError("PortAudio not initialized", -10000)
        return self.host_apis

    def query_devices(self) -> list[dict[str, Any]]:
        return self.devices

    def InputStream(self, **options: Any) -> FakeStream:
        return FakeStream(self, **options)

    def _terminate(self) -> None:
        self.log.append("terminate")
        self._initialized -= 1

    def _initialize(self) -> None:
        self.log.append("initialize")
        self._initialized += 1


def block(*channels: float, frames: int = 10) -> Any:
    """A block of shape (frames, channels), each channel constant."""
    return np.tile(np.array(channels, dtype=np.float32), (frames, 1))
