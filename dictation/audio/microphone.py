"""A microphone through PortAudio.

Measured with PortAudio 19.6 on ALSA and PulseAudio 16: a device that goes away raises nothing. The callback stops,
``finished_callback`` runs within 2 ms, and closing returns at once. The device list then has to be refreshed
before anything can be opened again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from dictation.audio import devices
from dictation.core.errors import FormatRefused
from dictation.core.records import Samples
from dictation.core.ring import AudioRing
from dictation.core.settings import AudioSettings
from dictation.core.status import InputDevice

_log = logging.getLogger(__name__)

STANDARD_RATES_HZ = (48_000, 44_100, 32_000, 16_000)
"""Tried in this order after the device's own rate: many devices refuse 16 kHz (python-sounddevice issue 124)."""
BLOCK_S = 0.04
"""What the callback is given at a time. Left to itself, PortAudio calls 110 to 200 times a second, which costs 1.4 %
of a core at rest against 0.4 %; the price is 10 ms of delay on average."""
RING_S = 30
"""How long the reader may be away before anything is lost: longer than any pause of a swapping machine."""
MAX_BLOCK_S = 0.5
"""The part of the ring kept free for a write in progress; drivers deliver blocks of 10 to 100 ms."""


class Microphone:
    """The input that the settings mean, opened at its own rate; implements ``AudioSource``.

    An empty device name is resolved to the system default anew at each ``open``. A channel beyond those of the
    device becomes its last one, so that a default device with fewer channels can stand in for a lost one.

    Thread: as ``AudioSource`` says.
    """

    _rate_that_worked_hz: ClassVar[dict[tuple[str, str], int]] = {}  # by name and host API, for this process

    def __init__(self, settings: AudioSettings, rates_hz: tuple[int, ...] = ()) -> None:
        """Remember what to open; ``rates_hz`` replaces the rates to try: device's own, then the standard ones."""
        self._settings = settings
        self._rates_hz = rates_hz
        self._device_name = ""
        self._stream: Any = None
        self._capture = _Capture(rate_hz=0, column=0)

    @property
    def rate_hz(self) -> int:
        """The rate the device was opened at; 0 before."""
        return self._capture.rate_hz

    @property
    def device_name(self) -> str:
        """The name of the device opened last."""
        return self._device_name

    @property
    def frames_received(self) -> int:
        """Frames the driver has delivered since ``open``."""
        return self._capture.ring.written

    @property
    def overrun_frames(self) -> int:
        """Frames that ``read`` came too late for."""
        return self._capture.ring.overrun_frames

    @property
    def failure(self) -> Exception | None:
        """The exception that ended the callback, if one did: a bug, not a lost device."""
        return self._capture.failure

    def open(self) -> None:
        """Open and start the device.

        Raises:
            PortAudioMissing: if there is no PortAudio.
            NoInputDevice: if there is no input, or not the chosen one.
            FormatRefused: if the device cannot be opened at any rate, for example because it is in use.
        """
        self.close()
        with devices.portaudio() as sounddevice:
            found = devices.resolve(self._settings)
            refusal = ""
            for rate_hz, channels in self._formats(found.device):
                capture = _Capture(rate_hz, min(self._settings.channel, channels) - 1)
                try:
                    stream = _start(sounddevice, found.index, channels, capture)
                except sounddevice.PortAudioError as error:
                    refusal = str(error.args[0])
                    _log.debug("%s refuses %d Hz, %d channels: %s", found.device.name, rate_hz, channels, error)
                    continue
                devices.stream_opened(stream)
                self._stream, self._capture, self._device_name = stream, capture, found.device.name
                if not self._rates_hz:
                    self._rate_that_worked_hz[found.device.name, found.device.host_api] = rate_hz
                return
        raise FormatRefused(f"The input “{found.device.name}” cannot be opened ({refusal}).")

    def _formats(self, device: InputDevice) -> Iterator[tuple[int, int]]:
        """Yield (rate, channels) in the order to try; some hardware only opens with all of its channels."""
        worked_hz = self._rate_that_worked_hz.get((device.name, device.host_api), device.default_rate_hz)
        rates_hz = self._rates_hz or (worked_hz, device.default_rate_hz, *STANDARD_RATES_HZ)
        wanted = min(self._settings.channel, device.channels)
        for channels in dict.fromkeys((wanted, device.channels)):
            for rate_hz in dict.fromkeys(rates_hz):
                yield rate_hz, channels

    def read(self) -> Samples:
        """Return all new frames; what was delivered before ``close`` can be read after it."""
        return self._capture.ring.read()

    def is_alive(self) -> bool:
        """Whether the stream runs; False at once when the driver ends it, the callback fails, or after ``close``."""
        stream, capture = self._stream, self._capture
        return stream is not None and not capture.is_finished and capture.failure is None

    def close(self) -> None:
        """Stop the device; no callback runs after this returns."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.abort(ignore_errors=True)
            stream.close(ignore_errors=True)
            devices.stream_closed(stream)


class _Capture:
    """What the callback of one stream writes: a new one for each stream, so that a late callback hits nothing."""

    def __init__(self, rate_hz: int, column: int) -> None:
        self.rate_hz = rate_hz
        self.ring = AudioRing(max(2, RING_S * rate_hz), max(1, round(MAX_BLOCK_S * rate_hz)))
        self.is_finished = False
        self.failure: Exception | None = None
        self._column = column

    def on_block(
        self, block: np.ndarray[Any, np.dtype[np.float32]], _frames: int, _time: object, _flags: object
    ) -> None:
        """Store one channel of a block of shape (frames, channels). Thread: PortAudio's; 20 µs of 40 ms.

        The overflow flags are not looked at: they miss losses (``core.loss_meter`` says why).
        """
        try:
            self.ring.write(block[:, self._column])
        except Exception as error:  # noqa: BLE001 - PortAudio would print it and never call again; is_alive tells
            self.failure = error

    def on_finished(self) -> None:
        """Note that PortAudio has ended the stream. Thread: PortAudio's."""
        self.is_finished = True


def _start(sounddevice: Any, index: int, channels: int, capture: _Capture) -> Any:
    """Open and start a stream into a capture; raises ``PortAudioError``.

    The latency is "high" because with "low" a stall of the callback lost audio without any flag (measured).
    """
    stream = sounddevice.InputStream(
        device=index,
        channels=channels,
        samplerate=capture.rate_hz,
        dtype="float32",
        latency="high",
        blocksize=round(BLOCK_S * capture.rate_hz),
        callback=capture.on_block,
        finished_callback=capture.on_finished,
    )
    try:
        stream.start()
    except sounddevice.PortAudioError:
        stream.close(ignore_errors=True)
        raise
    return stream
