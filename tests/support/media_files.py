"""Makes small media files with PyAV: a tone in any container and codec, whole or damaged."""

from __future__ import annotations

import struct
import wave
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


def tone(length_s: float, rate_hz: int, frequency_hz: float = 440.0, amplitude: float = 0.5) -> Floats:
    time_s = np.arange(round(length_s * rate_hz)) / rate_hz
    return (amplitude * np.sin(2 * np.pi * frequency_hz * time_s)).astype(np.float32)


def write_audio(
    path: Path,
    channels: Floats,
    rate_hz: int,
    *,
    codec: str = "pcm_s16le",
    layout: str = "mono",
    video_frames: int = 0,
    options: dict[str, str] | None = None,
) -> Path:
    """Encode ``channels``, shape (channels, frames), and optionally a few grey pictures beside them."""
    with av.open(str(path), "w", options=options or {}) as container:
        video = container.add_stream("mpeg4", rate=10) if video_frames else None
        if video is not None:
            video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        stream = container.add_stream(codec, rate=rate_hz, layout=layout) if channels.size else None
        if stream is not None:
            stream.codec_context.options = {"strict": "experimental"}  # FFmpeg's own vorbis encoder
        if video is not None:
            picture = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 128, dtype=np.uint8))
            for index in range(video_frames):
                picture.pts = index
                container.mux(video.encode(picture.reformat(format="yuv420p")))
            container.mux(video.encode(None))
        if stream is not None:
            for start in range(0, channels.shape[1], 1024):
                block = np.ascontiguousarray(channels[:, start : start + 1024])
                frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=layout)
                frame.sample_rate, frame.pts = rate_hz, start
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return path


def write_float_wav(path: Path, samples: Floats, rate_hz: int = 16_000) -> Path:
    """A mono float WAV, byte by byte, so that it may hold what no encoder would write."""
    data = samples.astype("<f4").tobytes()
    header = struct.pack(
        "<4sI4s4sIHHIIHH", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16, 3, 1, rate_hz, rate_hz * 4, 4, 32
    )
    path.write_bytes(header + struct.pack("<4sI", b"data", len(data)) + data)
    return path


def write_pcm_wav(path: Path, samples: Floats, rate_hz: int = 16_000, channels: int = 1) -> Path:
    """A 16-bit WAV with the same samples on every channel; more channels than PyAV can encode."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes((np.repeat(samples[:, None], channels, axis=1) * 32767).astype("<i2").tobytes())
    return path


def main_frequency_hz(samples: Floats, rate_hz: int = 16_000) -> float:
    """The strongest frequency."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(samples.size)))
    return float(np.argmax(spectrum) * rate_hz / samples.size)
