"""Read the sound of any audio or video file that FFmpeg knows, as 16 kHz mono blocks in constant memory.

PyAV carries FFmpeg in its wheel. It is imported when the first file is opened, to keep start-up fast. Only
the ``file`` protocol is allowed: a playlist that names an address on the network is refused, not fetched.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dictation.core.errors import InvalidAudio, MediaUnreadable, NoAudioStream
from dictation.core.records import SAMPLE_RATE_HZ, Samples

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.resampler import AudioResampler
    from av.audio.stream import AudioStream
    from av.container import InputContainer

BLOCK_FRAMES = 4000
"""250 ms: small enough to cancel promptly, large enough that the cost per block does not matter."""
MAX_CONTAINER_FAULTS = 50
"""A damaged container is read on after a fault this often in a row before it is taken for its end."""
MONO_WEIGHTS = {"FL": 0.5, "FR": 0.5, "FC": math.sqrt(0.5), "LFE": 0.0, "LFE2": 0.0}
SURROUND_WEIGHT = math.sqrt(0.125)
"""ITU-R BS.775-4, annex 4, with left and right averaged: speech on the centre channel loses 3 dB. A plain mean
over 5.1 would cost it 16 dB and drop it below the segmenter's threshold."""


@contextmanager
def open_media(path: Path) -> Iterator[Media]:
    """Open a media file; the context closes it.

    Raises:
        MediaUnreadable: if the file is absent, empty, not media, or in a codec FFmpeg cannot decode.
        NoAudioStream: if there is no sound in it.
    """
    import av

    try:
        container = av.open(
            str(Path(path).absolute()),
            options={"protocol_whitelist": "file"},
            metadata_errors="replace",  # tags in Latin-1 are common and none of our business
        )
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise MediaUnreadable(f"{path.name}: {_reason(path, error)}.", _remedy(error)) from error
    with container:
        if not container.streams.audio:
            raise NoAudioStream(f"{path.name}: there is no sound in this file.")
        stream = container.streams.audio[0]
        if stream.codec_context is None:
            raise MediaUnreadable(f"{path.name}: its sound is in a format that cannot be decoded.")
        yield Media(path, container, stream)


def _reason(path: Path, error: Exception) -> str:
    """Say in a few words why a file cannot be opened."""
    if path.is_file() and path.stat().st_size == 0:
        return "the file is empty"
    if isinstance(error, OSError):
        return str(error.strerror).lower()
    return f"not audio or video, or damaged ({getattr(error, 'strerror', error)})"


def _remedy(error: Exception) -> str | None:
    """Say what helps where the general advice does not."""
    if isinstance(error, FileNotFoundError):
        return "Check its name and folder."
    if isinstance(error, PermissionError):
        return "Allow your user to read it, or copy it to a folder of yours."
    return None


class Media:
    """The first audio stream of an open file; iterating yields its sound once, from the start.

    Blocks are float32 mono at 16 kHz in [-1, 1], shape (frames,), ``BLOCK_FRAMES`` long except the last one.
    Stereo is averaged, so one dead channel costs 6 dB; more channels are mixed with ``MONO_WEIGHTS``. Damaged
    packets are skipped and counted; a file that ends early gives what is there.

    Iterating raises ``MediaUnreadable`` if nothing at all can be decoded, and ``InvalidAudio`` at the first
    block with a sample that is not a finite number (float WAV can hold those): guessing what was meant could put words
    into the transcript that nobody said. What came before has been yielded by then.

    Thread: one at a time. Made by ``open_media``.
    """

    def __init__(self, path: Path, container: InputContainer, stream: AudioStream) -> None:
        self._path = path
        self._container = container
        self._stream = stream
        self._resampler: AudioResampler | None = None
        self._source_format: tuple[str, str, int] | None = None
        self.damaged = 0
        """Packets and container faults skipped so far; 0 for a sound file."""

    @property
    def duration_s(self) -> float | None:
        """Length in seconds as the file states it, None where it does not; the truth may differ a little."""
        duration_s = None
        if self._stream.duration is not None and self._stream.time_base is not None:
            duration_s = float(self._stream.duration * self._stream.time_base)
        elif self._container.duration is not None:
            duration_s = self._container.duration / 1_000_000  # in AV_TIME_BASE units: microseconds
        return duration_s if duration_s is not None and duration_s > 0 else None

    def __iter__(self) -> Iterator[Samples]:
        """Decode, resample, mix to mono and check."""
        position = 0
        for frame in self._resampled():
            block = _mono(frame)
            if not np.isfinite(block).all():
                at_s = (position + int(np.argmin(np.isfinite(block)))) / SAMPLE_RATE_HZ
                raise InvalidAudio(f"{self._path.name}: the sample at {at_s:.2f} s is not a number.")
            position += block.size
            yield np.clip(block, -1.0, 1.0)
        if position == 0 and self.damaged:
            raise MediaUnreadable(f"{self._path.name}: none of its sound can be decoded.")

    def _resampled(self) -> Iterator[AudioFrame]:
        """Yield frames at 16 kHz in the file's own channel layout, interleaved: PyAV 18 crashes on over 8 planes."""
        for frame in self._decoded():
            yield from self._resampler_for(frame)
            if self._resampler is not None:
                yield from self._resampler.resample(frame)
        yield from self._flushed()

    def _resampler_for(self, frame: AudioFrame) -> Iterator[AudioFrame]:
        """Make a resampler for the frame's format; when that changes mid-file, first yield what the old one held."""
        from av.audio.resampler import AudioResampler

        source_format = (frame.format.name, frame.layout.name, frame.sample_rate)
        if source_format != self._source_format:
            yield from self._flushed()
            self._resampler = AudioResampler(format="flt", rate=SAMPLE_RATE_HZ, frame_size=BLOCK_FRAMES)
            self._source_format = source_format

    def _flushed(self) -> Iterator[AudioFrame]:
        """Yield the samples still inside the resampler, so that the end of a file is never lost."""
        if self._resampler is not None:
            yield from self._resampler.resample(None)

    def _decoded(self) -> Iterator[AudioFrame]:
        """Yield frames as they are in the file, reading on after damage."""
        import av

        faults_in_a_row = 0
        while faults_in_a_row <= MAX_CONTAINER_FAULTS:
            try:
                for packet in self._container.demux(self._stream):
                    faults_in_a_row = 0
                    try:
                        yield from packet.decode()
                    except av.error.EOFError:
                        return
                    except av.error.FFmpegError:
                        self.damaged += 1
            except av.error.FFmpegError:  # noqa: PERF203 - reading on is the point
                self.damaged += 1
                faults_in_a_row += 1
            else:
                return


def _mono(frame: AudioFrame) -> Samples:
    """Mix an interleaved float frame to one channel, shape (frames,)."""
    names = [channel.name for channel in frame.layout.channels]
    interleaved = frame.to_ndarray().astype(np.float32, copy=False).reshape(-1, len(names))  # (frames, channels)
    if len(names) > 2 and "FL" in names:  # noqa: PLR2004 - more than stereo, and with known positions
        weights = np.array([MONO_WEIGHTS.get(name, SURROUND_WEIGHT) for name in names], dtype=np.float32)
    else:
        weights = np.full(len(names), 1 / len(names), dtype=np.float32)
    mixed: Samples = interleaved @ weights
    return mixed
