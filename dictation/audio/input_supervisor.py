"""Keeps one recording going whatever the device does: opens, watches, reopens, and counts what is missing.

PortAudio raises nothing when a device goes away (measured: the callback simply stops), so the time since sound last
came is watched. Thread: one owner, which calls ``tick`` 12 to 50 times a second.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from dictation.audio.resampler import StreamingResampler
from dictation.audio.source import AudioSource
from dictation.core.errors import (
    AudioError,
    DeviceLost,
    DictationError,
    FormatRefused,
    MicrophoneSilent,
    NoInputDevice,
    PortAudioMissing,
)
from dictation.core.levels import ZeroRun
from dictation.core.loss_meter import LossMeter
from dictation.core.records import LossCause, Samples
from dictation.core.settings import AudioSettings
from dictation.core.status import InputState, InputStatus

_log = logging.getLogger(__name__)

DEAD_AFTER_S = 0.9
"""No sound for this long means a device that hangs; one that goes away ends its stream and is noticed at once. The
longest healthy pause seen is 0.1 s."""
FIRST_CALLBACK_WITHIN_S = 5.0
"""A device that was just opened may wake slowly: Bluetooth takes 0.7 s, an idle null sink 2 s."""
RETRY_EVERY_S = 1.0

_STATES = {
    PortAudioMissing: InputState.NO_PORTAUDIO,
    NoInputDevice: InputState.NO_DEVICE,
    FormatRefused: InputState.REFUSED,
    DeviceLost: InputState.LOST,
}


@dataclass(frozen=True)
class MissingAudio:
    """Seconds that should have arrived before the samples of the same reading, and why they did not."""

    lost_s: float
    cause: LossCause


@dataclass(frozen=True)
class InputReading:
    """What one tick brought: missing audio first, then samples at 16 kHz."""

    samples: Samples
    missing: tuple[MissingAudio, ...] = ()


NOTHING = np.empty(0, dtype=np.float32)


class InputSupervisor:
    """One input that heals itself.

    Args:
        settings: Which device.
        make_source: Makes an unopened source for settings.
        refresh: Looks for devices again; called only while no source is open.
    """

    def __init__(
        self, settings: AudioSettings, make_source: Callable[[AudioSettings], AudioSource], refresh: Callable[[], None]
    ) -> None:
        self._settings = settings
        self._make_source = make_source
        self._refresh = refresh
        self._source: AudioSource | None = None
        self._opened_s = 0.0
        self._heard_s: float | None = None
        self._lost_at_s: float | None = None
        self._next_try_s = 0.0
        self.status = InputStatus(InputState.CLOSED)

    @property
    def lost_since_s(self) -> float | None:
        """When sound stopped coming from a device that is not back yet, on the clock of ``tick``; None in health."""
        return self._lost_at_s

    def choose(self, settings: AudioSettings) -> Samples:
        """Switch to another device at the next tick; the time without sound counts as missing.

        Returns:
            The last sound of the old device, at 16 kHz.
        """
        lost_at_s = self._lost_at_s if self._source is None else self._heard_s
        last = self.close()
        self._settings, self._lost_at_s = settings, lost_at_s
        return last

    def close(self) -> Samples:
        """Close the device; the next tick opens it again.

        Returns:
            Its last sound at 16 kHz, up to 40 ms that were still in the resampler.
        """
        last = NOTHING if self._source is None else self._resampler.flush()
        self._close_source()
        self._next_try_s = 0.0
        self.status = InputStatus(InputState.CLOSED)
        return last

    def tick(self, now_s: float) -> InputReading:
        """Read what is new, or open or reopen the device; never raises and never waits for audio.

        Args:
            now_s: ``time.perf_counter()``, the clock of the audio callback.
        """
        if self._source is None:
            if now_s >= self._next_try_s:
                self._try_open(now_s)
            return InputReading(NOTHING)
        reading = self._read(self._source, now_s)
        if self._is_dead(self._source, now_s):
            self._lose(now_s)
            last = np.concatenate((reading.samples, self._resampler.flush()))
            return replace(reading, samples=last)
        return reading

    def look_again(self) -> None:
        """Refresh the device list by closing and reopening; used when the user asks for it."""
        self._close_source()
        self._next_try_s = 0.0
        with suppress(AudioError):  # the next tick meets the same error and shows it
            self._refresh()

    def _try_open(self, now_s: float) -> None:
        """Open the chosen device, or the default one while a recording waits for a lost device."""
        self._next_try_s = now_s + RETRY_EVERY_S
        try:
            if self._lost_at_s is not None or self.status.state is InputState.NO_DEVICE:
                self._refresh()
            self._open(now_s)
        except AudioError as error:
            if self.status.state is not InputState.LOST:
                state = _STATES.get(type(error), InputState.LOST)
                self.status = InputStatus(state, self._settings.device_name, 0, str(error), error.remedy)

    def _open(self, now_s: float) -> None:
        """Open the chosen device, else the default."""
        try:
            source = self._make_source(self._settings)
            source.open()
        except AudioError:
            if self._lost_at_s is None or not self._settings.device_name:
                raise
            source = self._make_source(replace(self._settings, device_name="", host_api="", channel=1))
            source.open()
        self._source, self._opened_s, self._heard_s = source, now_s, None
        self._resampler = StreamingResampler(source.rate_hz)
        self._loss_meter = LossMeter(source.rate_hz)
        self._zero_run = ZeroRun(source.rate_hz)
        self._overrun_frames = 0
        self.status = InputStatus(InputState.OPENING, source.device_name, source.rate_hz)

    def _read(self, source: AudioSource, now_s: float) -> InputReading:
        """Take new samples, account for what is missing, resample."""
        block = source.read()
        missing = self._account(source, block, now_s)
        if block.size and not np.isfinite(block).all():
            # A driver that delivers NaN would poison the resampler's state: this block counts as lost instead.
            missing.append(MissingAudio(block.size / source.rate_hz, LossCause.DRIVER))
            self._resampler = StreamingResampler(source.rate_hz)
            block = NOTHING
        if block.size:
            self._heard_s = now_s
            self._judge_signal(source, block)
        return InputReading(self._resampler.push(block) if block.size else NOTHING, tuple(missing))

    def _account(self, source: AudioSource, block: Samples, now_s: float) -> list[MissingAudio]:
        """Find what the device, the driver and the ring have lost since the last tick."""
        missing = []
        if block.size and self._lost_at_s is not None:
            lost_s = now_s - self._lost_at_s - block.size / source.rate_hz
            missing.append(MissingAudio(max(0.0, lost_s), LossCause.DEVICE))
            self._lost_at_s = None
        overrun = source.overrun_frames - self._overrun_frames
        if overrun:
            self._overrun_frames = source.overrun_frames
            missing.append(MissingAudio(overrun / source.rate_hz, LossCause.RING))
        lost_s = self._loss_meter.update(source.frames_received, now_s)
        if lost_s > 0:
            missing.append(MissingAudio(lost_s, LossCause.DRIVER))
        return missing

    def _judge_signal(self, source: AudioSource, block: Samples) -> None:
        """Show whether the device delivers sound or only zeros."""
        is_silent = self._zero_run.push(block)
        state = InputState.SILENT if is_silent else InputState.DELIVERING
        if state is self.status.state:
            return
        self.status = InputStatus(state, source.device_name, source.rate_hz)
        if is_silent:
            error = MicrophoneSilent("The input delivers digital silence: it is muted, or this app may not use it.")
            self.status = replace(self.status, message=str(error), remedy=error.remedy)

    def _is_dead(self, source: AudioSource, now_s: float) -> bool:
        """Whether the device has stopped delivering."""
        if not source.is_alive():
            return True
        if self._heard_s is None:
            return now_s - self._opened_s > FIRST_CALLBACK_WITHIN_S
        return now_s - self._heard_s > DEAD_AFTER_S

    def _lose(self, now_s: float) -> None:
        """The device is gone: close it and try again soon."""
        name = self.status.device_name
        if self._lost_at_s is None:
            self._lost_at_s = now_s if self._heard_s is None else self._heard_s
        self._log_bug()
        self._close_source()
        self._next_try_s = now_s
        error = DeviceLost(f"The input “{name}” stopped delivering sound.")
        self.status = InputStatus(InputState.LOST, name, 0, str(error), error.remedy)

    def _log_bug(self) -> None:
        """Keep the traceback of a callback that failed: to the user it looks like a lost device."""
        failure = None if self._source is None else self._source.failure
        if failure is not None and not isinstance(failure, DictationError):
            _log.error("the input's callback failed", exc_info=failure)

    def _close_source(self) -> None:
        """Close the source, if any."""
        if self._source is not None:
            self._source.close()
            self._source = None
