from __future__ import annotations

import math
import os
import socket
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from dictation.audio.media import BLOCK_FRAMES, Media, open_media
from dictation.core.errors import InvalidAudio, MediaUnreadable, NoAudioStream
from tests.support.media_files import (
    Floats,
    main_frequency_hz,
    tone,
    write_audio,
    write_float_wav,
    write_pcm_wav,
)

LENGTH_S = 1.5


def read_all(path: Path) -> tuple[Floats, float | None, int]:
    """All samples, the stated duration, the damage."""
    with open_media(path) as media:
        blocks = list(media)
        return np.concatenate([*blocks, np.zeros(0, np.float32)]), media.duration_s, media.damaged


@pytest.mark.parametrize(
    ("name", "codec", "rate_hz", "layout", "has_video"),
    [
        ("a.wav", "pcm_s16le", 16_000, "mono", False),
        ("a.wav", "pcm_s16le", 8_000, "stereo", False),
        ("a.wav", "pcm_u8", 11_025, "mono", False),
        ("a.wav", "pcm_f32le", 96_000, "stereo", False),
        ("a.flac", "flac", 44_100, "stereo", False),
        ("a.mp3", "libmp3lame", 44_100, "stereo", False),
        ("a.m4a", "aac", 48_000, "mono", False),
        ("a.ogg", "vorbis", 44_100, "stereo", False),
        ("a.ogg", "libopus", 48_000, "mono", False),
        ("a.opus", "libopus", 48_000, "stereo", False),
        ("a.webm", "libopus", 48_000, "mono", False),
        ("a.mp4", "aac", 44_100, "stereo", True),
        ("a.mkv", "flac", 48_000, "5.1", True),
        ("a.mov", "pcm_s16le", 48_000, "stereo", True),
    ],
)
def test_sound_comes_out_of_every_container(
    tmp_path: Path, name: str, codec: str, rate_hz: int, layout: str, has_video: bool
) -> None:
    channel_count = {"mono": 1, "stereo": 2, "5.1": 6}[layout]
    channels = np.tile(tone(LENGTH_S, rate_hz, 440.0, 0.25), (channel_count, 1))
    path = write_audio(
        tmp_path / name, channels, rate_hz, codec=codec, layout=layout, video_frames=10 if has_video else 0
    )
    samples, duration_s, damaged = read_all(path)
    assert samples.dtype == np.float32
    assert samples.size / 16_000 == pytest.approx(LENGTH_S, abs=0.05)  # codecs pad by up to two of their frames
    assert duration_s == pytest.approx(LENGTH_S, abs=0.05)
    assert main_frequency_hz(samples[4000:20_000]) == pytest.approx(440, abs=2)
    assert damaged == 0


def test_a_file_at_our_own_rate_comes_back_sample_for_sample(tmp_path: Path) -> None:
    ramp = np.linspace(-1, 1, 3 * BLOCK_FRAMES + 17, dtype=np.float32)
    samples, duration_s, _ = read_all(write_float_wav(tmp_path / "ramp.wav", ramp))
    np.testing.assert_array_equal(samples, ramp)
    assert duration_s == pytest.approx(ramp.size / 16_000)


def test_blocks_are_of_one_size_but_the_last(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.mp3", tone(2, 44_100)[None], 44_100, codec="libmp3lame")
    with open_media(path) as media:
        sizes = [block.size for block in media]
    assert set(sizes[:-1]) == {BLOCK_FRAMES}
    assert 0 < sizes[-1] <= BLOCK_FRAMES


def test_the_very_end_survives_resampling(tmp_path: Path) -> None:
    """Without flushing the resampler, the last milliseconds (a final "t") would be missing."""
    samples = np.zeros(44_100, dtype=np.float32)
    samples[-44:] = 0.8
    heard, _, _ = read_all(write_float_wav(tmp_path / "end.wav", samples, 44_100))
    assert heard.size == pytest.approx(16_000, abs=2)
    assert np.abs(heard[-12:]).max() > 0.5


def test_one_dead_stereo_channel_costs_6_db(tmp_path: Path) -> None:
    live = tone(1, 16_000, amplitude=0.5)
    path = write_audio(tmp_path / "a.wav", np.stack([live, 0 * live]), 16_000, codec="pcm_f32le", layout="stereo")
    np.testing.assert_allclose(read_all(path)[0], live / 2, atol=1e-6)


def test_speech_on_the_centre_channel_of_a_film_stays_loud(tmp_path: Path) -> None:
    live = tone(1, 48_000, amplitude=0.5)
    channels = np.zeros((6, live.size), dtype=np.float32)
    channels[2] = live
    path = write_audio(tmp_path / "film.mkv", channels, 48_000, codec="flac", layout="5.1")
    samples, _, _ = read_all(path)
    assert np.abs(samples[2000:-2000]).max() == pytest.approx(0.354, abs=0.01)


@pytest.mark.parametrize("channel_count", [3, 10, 16])
def test_recorders_with_many_channels_do_not_crash_the_process(tmp_path: Path, channel_count: int) -> None:
    """PyAV 18 read beyond its eight planes here: a segmentation fault that no handler could catch."""
    path = write_pcm_wav(tmp_path / "many.wav", tone(0.5, 8000), 8000, channel_count)
    samples, _, _ = read_all(path)
    assert samples.size == 8000
    assert main_frequency_hz(samples) == pytest.approx(440, abs=3)


def test_what_exceeds_full_scale_is_clipped(tmp_path: Path) -> None:
    samples, _, _ = read_all(write_float_wav(tmp_path / "hot.wav", tone(0.5, 16_000, amplitude=7.0)))
    assert (samples.min(), samples.max()) == (-1.0, 1.0)


@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_sample_that_is_no_number_is_refused_by_position(tmp_path: Path, rate_hz: int, value: float) -> None:
    samples = tone(2, rate_hz)
    samples[rate_hz + 1] = value
    path = write_float_wav(tmp_path / "broken.wav", samples, rate_hz)
    heard: list[Floats] = []
    with open_media(path) as media, pytest.raises(InvalidAudio, match=r"broken\.wav: the sample at 1\.00 s"):
        heard.extend(media)
    assert len(heard) == 16_000 // BLOCK_FRAMES - 1 + (rate_hz == 16_000)


def test_a_video_without_sound_says_so(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "mute.mp4", np.zeros((0, 0), np.float32), 16_000, video_frames=5)
    with pytest.raises(NoAudioStream, match=r"mute\.mp4"), open_media(path):
        pass


def write_text(path: Path) -> None:
    path.write_text("this is no music\n" * 100)


@pytest.mark.parametrize(
    ("name", "make", "reason"),
    [
        ("letter.mp3", write_text, "not audio or video"),
        ("empty.wav", lambda path: path.write_bytes(b""), "the file is empty"),
        ("absent.wav", Path.absolute, "no such file"),
        ("folder.wav", lambda path: path.mkdir(), "is a directory"),
        ("noise.m4a", lambda path: path.write_bytes(np.random.default_rng(0).bytes(30_000)), "not audio or video"),
    ],
)
def test_what_is_no_media_gives_one_clear_line(
    tmp_path: Path, name: str, make: Callable[[Path], object], reason: str
) -> None:
    make(tmp_path / name)
    with pytest.raises(MediaUnreadable) as caught, open_media(tmp_path / name):
        pass
    message = str(caught.value)
    assert message.startswith(f"{name}: ")
    assert reason in message
    assert "\n" not in message
    assert caught.value.remedy


def test_the_advice_for_an_absent_file_is_not_to_convert_it(tmp_path: Path) -> None:
    with pytest.raises(MediaUnreadable) as caught, open_media(tmp_path / "absent.wav"):
        pass
    assert caught.value.remedy == "Check its name and folder."


def test_a_wav_without_samples_is_silence_not_an_error(tmp_path: Path) -> None:
    samples, duration_s, damaged = read_all(write_float_wav(tmp_path / "none.wav", np.zeros(0, np.float32)))
    assert (samples.size, duration_s, damaged) == (0, None, 0)


def truncate(path: Path, fraction: float = 0.6) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * fraction)])
    return path


def test_a_truncated_wav_gives_what_is_there(tmp_path: Path) -> None:
    path = truncate(write_pcm_wav(tmp_path / "cut.wav", tone(10, 16_000)))
    assert read_all(path)[0].size / 16_000 == pytest.approx(6, abs=0.01)


def test_a_truncated_mp4_gives_what_is_there_and_reports_damage(tmp_path: Path) -> None:
    path = write_audio(
        tmp_path / "cut.mp4", tone(10, 44_100)[None], 44_100, codec="aac", options={"movflags": "faststart"}
    )
    samples, _, damaged = read_all(truncate(path))
    assert samples.size / 16_000 == pytest.approx(6, abs=0.3)
    assert damaged > 0


def test_an_mp4_cut_before_its_index_is_unreadable(tmp_path: Path) -> None:
    path = truncate(write_audio(tmp_path / "cut.mp4", tone(10, 44_100)[None], 44_100, codec="aac"))
    with pytest.raises(MediaUnreadable, match=r"cut\.mp4: .*damaged"), open_media(path):
        pass


@pytest.mark.parametrize(
    ("name", "codec", "is_counted"),
    [("a.mp4", "aac", True), ("a.mp3", "libmp3lame", True), ("a.mkv", "flac", False)],  # FFmpeg resyncs mkv silently
)
def test_damage_in_the_middle_does_not_end_the_file(tmp_path: Path, name: str, codec: str, is_counted: bool) -> None:
    path = write_audio(tmp_path / name, tone(10, 44_100)[None], 44_100, codec=codec)
    data = bytearray(path.read_bytes())
    start, length = len(data) * 4 // 10, len(data) // 20
    data[start : start + length] = np.random.default_rng(1).bytes(length)
    path.write_bytes(bytes(data))
    samples, _, damaged = read_all(path)
    assert samples.size / 16_000 > 8.5
    assert main_frequency_hz(samples[-40_000:-8_000]) == pytest.approx(440, abs=2)
    assert damaged > 0 or not is_counted


def test_a_file_of_nothing_but_damage_is_unreadable(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.mp4", tone(3, 44_100)[None], 44_100, codec="aac")
    data = path.read_bytes()
    start, stop = data.index(b"mdat") + 4, data.index(b"moov") - 4
    path.write_bytes(data[:start] + b"\xff" * (stop - start) + data[stop:])
    with open_media(path) as media, pytest.raises(MediaUnreadable, match="none of its sound"):
        list(media)


def test_odd_file_names_and_foreign_tags_are_no_obstacle(tmp_path: Path) -> None:
    for name in ("a:b?%41#.wav", "http:--x.wav", "ü ñ 語.wav", os.fsdecode(b"b\xe9.wav")):
        assert read_all(write_float_wav(tmp_path / name, tone(0.2, 16_000)))[0].size == 3200
    latin_tag = b"LIST\x10\x00\x00\x00INFOINAM\x04\x00\x00\x00caf\xe9"
    path = write_float_wav(tmp_path / "tagged.wav", tone(0.2, 16_000))
    data = path.read_bytes()
    path.write_bytes(data[:36] + latin_tag + data[36:])
    assert read_all(path)[0].size == 3200


def test_a_playlist_cannot_make_us_use_the_network(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/a.ts"
        path = tmp_path / "list.m3u8"
        path.write_text(
            f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{address}\n#EXT-X-ENDLIST\n"
        )
        with pytest.raises(MediaUnreadable), open_media(path) as media:
            list(media)
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_long_file_needs_constant_memory(tmp_path: Path) -> None:
    path = write_pcm_wav(tmp_path / "long.wav", np.tile(tone(10, 8000), 120), 8000)
    with open_media(path) as media:
        blocks = iter(media)
        next(blocks)
        tracemalloc.start()
        try:
            frames = sum(block.size for block in blocks)
            peak_bytes = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert frames + BLOCK_FRAMES == pytest.approx(20 * 60 * 16_000, abs=10)
    assert peak_bytes < 1_000_000  # the whole file would be 77 MB


class FaultyContainer:
    """A container whose reading fails a number of times before it goes on, as damaged files make FFmpeg do."""

    def __init__(self, container: Any, faults: float) -> None:
        self._container = container
        self._faults = faults

    def demux(self, stream: Any) -> Any:
        if self._faults > 0:
            self._faults -= 1
            raise av.error.InvalidDataError(1, "damaged")
        return self._container.demux(stream)


@pytest.mark.parametrize("faults", [0, 3])
def test_reading_goes_on_after_faults_of_the_container(tmp_path: Path, faults: int) -> None:
    path = write_pcm_wav(tmp_path / "a.wav", tone(1, 16_000))
    with av.open(str(path)) as container:
        media = Media(path, FaultyContainer(container, faults), container.streams.audio[0])
        assert sum(block.size for block in media) == 16_000
    assert media.damaged == faults


def test_a_container_that_only_fails_ends_instead_of_looping(tmp_path: Path) -> None:
    path = write_pcm_wav(tmp_path / "a.wav", tone(1, 16_000))
    with av.open(str(path)) as container:
        media = Media(path, FaultyContainer(container, math.inf), container.streams.audio[0])
        with pytest.raises(MediaUnreadable, match="none of its sound"):
            list(media)


@pytest.mark.parametrize(("first_hz", "second_hz"), [(44_100, 48_000), (16_000, 8_000)])
def test_a_change_of_format_within_a_file_is_followed(tmp_path: Path, first_hz: int, second_hz: int) -> None:
    """Internet radio recordings do this; a resampler made for the first part would refuse the second."""
    paths = [
        write_audio(tmp_path / f"{rate_hz}.wav", tone(1, rate_hz)[None], rate_hz) for rate_hz in (first_hz, second_hz)
    ]
    with av.open(str(paths[0])) as first, av.open(str(paths[1])) as second:

        class Chained:
            def demux(self, _stream: Any) -> Any:
                yield from first.demux(first.streams.audio[0])
                yield from second.demux(second.streams.audio[0])

        samples = np.concatenate(list(Media(paths[0], Chained(), first.streams.audio[0])))
    assert samples.size == pytest.approx(32_000, abs=4)
    assert main_frequency_hz(samples) == pytest.approx(440, abs=2)
