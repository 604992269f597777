from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from dictation.audio.media import BLOCK_FRAMES
from dictation.audio.source import AudioSource
from dictation.audio.wave_source import WaveSource
from dictation.core.errors import InvalidAudio, MediaUnreadable
from tests.support.media_files import tone, write_float_wav


class Clock:
    """A clock that a test turns by hand."""

    def __init__(self) -> None:
        self.now_s = 50.0

    def __call__(self) -> float:
        return self.now_s


@pytest.mark.parametrize("speed", [1.0, 20.0])
def test_frames_come_when_they_are_due(tmp_path: Path, speed: float) -> None:
    path, clock = write_float_wav(tmp_path / "a.wav", tone(2, 16_000)), Clock()
    source: AudioSource = WaveSource(path, speed, clock)
    source.open()
    assert (source.rate_hz, source.device_name, source.frames_received) == (16_000, "a.wav", 0)
    assert source.read().size == 0
    clock.now_s += 0.5 / speed
    np.testing.assert_allclose(source.read(), tone(2, 16_000)[:8000])
    assert source.frames_received == 8000
    clock.now_s += 0.001 / speed
    assert source.read().size == 16
    clock.now_s += 10
    assert source.is_alive()
    np.testing.assert_allclose(source.read(), tone(2, 16_000)[8016:])
    assert not source.is_alive()
    assert source.read().size == 0
    assert (source.overrun_frames, source.failure) == (0, None)
    source.close()


def test_without_a_speed_limit_every_read_gives_a_block(tmp_path: Path) -> None:
    samples = tone(1.1, 16_000)
    source = WaveSource(write_float_wav(tmp_path / "a.wav", samples), math.inf, Clock())
    source.open()
    blocks = []
    while source.is_alive():
        blocks.append(source.read())
    assert {block.size for block in blocks[:-2]} == {BLOCK_FRAMES}
    np.testing.assert_array_equal(np.concatenate(blocks), samples)
    source.close()


def test_closing_ends_it_and_opening_again_starts_over(tmp_path: Path) -> None:
    samples = tone(1, 16_000)
    source = WaveSource(write_float_wav(tmp_path / "a.wav", samples), clock=(clock := Clock()))
    for _ in range(2):
        source.open()
        clock.now_s += 0.3
        np.testing.assert_array_equal(source.read(), samples[:4800])
        source.close()
        source.close()
        clock.now_s += 0.3
        assert not source.is_alive()
        assert source.read().size == 0


def test_an_error_within_the_file_ends_the_stream_and_is_kept(tmp_path: Path) -> None:
    samples = tone(1, 16_000)
    samples[10_000] = np.nan
    source = WaveSource(write_float_wav(tmp_path / "a.wav", samples), clock=(clock := Clock()))
    source.open()
    clock.now_s += 5
    assert source.read().size == 2 * BLOCK_FRAMES
    assert not source.is_alive()
    assert isinstance(source.failure, InvalidAudio)
    source.close()


def test_an_unreadable_file_is_refused_at_opening(tmp_path: Path) -> None:
    with pytest.raises(MediaUnreadable):
        WaveSource(tmp_path / "absent.wav").open()
