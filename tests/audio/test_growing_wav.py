"""A recording that may end at any byte."""

from __future__ import annotations

import errno
import stat
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dictation.audio.growing_wav import FRAME_BYTES, HEADER_BYTES, GrowingWav, read_growing_wav
from dictation.audio.media import open_media
from dictation.core.errors import MediaUnreadable
from dictation.core.records import SAMPLE_RATE_HZ, Samples

STEP = 1 / 32768


def spoken(frames: int, seed: int = 0) -> Samples:
    return np.random.default_rng(seed).uniform(-1, 1, frames).astype(np.float32)


def grow(path: Path, *blocks: Samples) -> GrowingWav:
    file = GrowingWav(path)
    file.open()
    for block in blocks:
        file.append(block)
    return file


@given(blocks=st.lists(st.integers(0, 50), max_size=6), cut=st.integers(0, 700))
def test_cut_at_any_byte_all_whole_frames_before_it_come_back(
    tmp_path_factory: pytest.TempPathFactory, blocks: list[int], cut: int
) -> None:
    path = tmp_path_factory.mktemp("cut") / "sound.wav"
    parts = [spoken(frames, seed) for seed, frames in enumerate(blocks)]
    grow(path, *parts).close()
    data = path.read_bytes()[:cut]
    path.write_bytes(data)
    heard = read_growing_wav(path)
    assert heard.dtype == np.float32
    assert heard.size == max(0, len(data) - HEADER_BYTES) // FRAME_BYTES
    np.testing.assert_allclose(heard, np.concatenate([spoken(0), *parts])[: heard.size], atol=STEP)


def test_sixteen_bit_sound_comes_back_exactly(tmp_path: Path) -> None:
    samples = (np.arange(-32768, 32768, 7) / 32768).astype(np.float32)
    grow(tmp_path / "a.wav", samples).close()
    assert np.array_equal(read_growing_wav(tmp_path / "a.wav"), samples)


def test_too_loud_sound_is_clipped_and_does_not_wrap(tmp_path: Path) -> None:
    grow(tmp_path / "a.wav", np.array([1.5, -1.5], dtype=np.float32)).close()
    assert read_growing_wav(tmp_path / "a.wav") == pytest.approx([1, -1], abs=STEP)


@pytest.mark.parametrize("is_finished", [True, False])
def test_any_player_can_read_it(is_finished: bool, tmp_path: Path) -> None:
    path, samples = tmp_path / "a.wav", spoken(SAMPLE_RATE_HZ)
    file = grow(path, samples)
    if is_finished:
        file.finish(samples.size)
        with wave.open(str(path)) as reader:
            assert reader.getnframes() == samples.size
    else:
        file.close()
    with open_media(path) as media:
        np.testing.assert_allclose(np.concatenate(list(media)), samples, atol=2 * STEP)


def test_finishing_cuts_what_belongs_to_the_next_segment(tmp_path: Path) -> None:
    samples = spoken(100)
    grow(tmp_path / "a.wav", samples).finish(60)
    np.testing.assert_allclose(read_growing_wav(tmp_path / "a.wav"), samples[:60], atol=STEP)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes; the user's folder is private there")
def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    grow(tmp_path / "a.wav").close()
    assert stat.S_IMODE((tmp_path / "a.wav").stat().st_mode) == 0o600


def test_a_write_that_fails_half_way_leaves_whole_frames_and_can_be_taken_up_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, samples = tmp_path / "a.wav", spoken(100)
    file = grow(path, samples[:10])
    real = file._opened()

    class FullAfterThreeBytes:
        calls = 0

        def write(self, data: memoryview) -> int:
            self.calls += 1
            if self.calls > 1:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real.write(data[:3])

        def __getattr__(self, name: str) -> object:
            return getattr(real, name)

    with monkeypatch.context() as patch:
        patch.setattr(file, "_file", FullAfterThreeBytes())
        with pytest.raises(OSError, match="No space"):
            file.append(samples[10:])
    assert file.frames == 11
    file.append(samples[11:])
    file.finish(100)
    np.testing.assert_allclose(read_growing_wav(path), samples, atol=STEP)


def test_what_another_program_wrote_is_refused_by_name(tmp_path: Path) -> None:
    for content in (b"text", bytes(100), b"RIFF" + bytes(100)):
        (tmp_path / "odd.wav").write_bytes(content)
        with pytest.raises(MediaUnreadable, match=r"odd\.wav"):
            read_growing_wav(tmp_path / "odd.wav")
    with pytest.raises(MediaUnreadable, match=r"gone\.wav"):
        read_growing_wav(tmp_path / "gone.wav")
