"""Recordings are cut by their own loudness: quiet ones lose nothing, and memory stays bounded."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dictation.core.errors import InvalidAudio, MediaUnreadable
from dictation.core.file_segmenter import LOOK_AHEAD_FRAMES, FileCut, cut_recording
from dictation.core.records import SAMPLE_RATE_HZ, Samples, Segment
from dictation.core.settings import SegmenterSettings


def _speech(rng: np.random.Generator, length_s: float, peak: float) -> Samples:
    """Noise whose level swings by 20 dB four times a second, as that of syllables does."""
    time_s = np.arange(int(length_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    envelope = 10.0 ** (-1.0 + np.abs(np.sin(2 * np.pi * 2 * time_s)))
    noise = rng.uniform(-1, 1, time_s.size)
    return np.asarray(peak / 1.01 * envelope / envelope.max() * noise, dtype=np.float32)


def _pause(rng: np.random.Generator, length_s: float, peak: float = 1e-4) -> Samples:
    return rng.uniform(-peak, peak, int(length_s * SAMPLE_RATE_HZ)).astype(np.float32)


def _recording(peaks: list[float], seed: int = 1) -> Samples:
    """One utterance of 1.5 s for each peak amplitude, with 1 s of quiet room around each."""
    rng = np.random.default_rng(seed)
    parts = [_pause(rng, 1.0)]
    for peak in peaks:
        parts += [_speech(rng, 1.5, peak), _pause(rng, 1.0)]
    return np.concatenate(parts)


def _blocks(samples: Samples, frames: int = 8000) -> Iterator[Samples]:
    for start in range(0, samples.size, frames):
        yield samples[start : start + frames]


def _cuts(samples: Samples, frames: int = 8000) -> list[FileCut]:
    return list(cut_recording(_blocks(samples, frames), SegmenterSettings()))


def _segments(samples: Samples, frames: int = 8000) -> list[Segment]:
    return [segment for cut in _cuts(samples, frames) for segment in cut.segments]


def _places(segments: list[Segment]) -> list[tuple[int, int]]:
    return [(segment.start_frame, segment.end_frame) for segment in segments]


@pytest.mark.parametrize("gain_db", [-10, -30, -45])
def test_a_quieter_copy_gives_the_same_segments(gain_db: float) -> None:
    loud = _recording([0.5] * 5)
    quiet = (loud * 10 ** (gain_db / 20)).astype(np.float32)
    assert len(_segments(loud)) == 5
    assert _places(_segments(quiet)) == _places(_segments(loud))


def test_a_quiet_speaker_after_a_loud_one_is_heard() -> None:
    """Symptom in other programs: one fixed gate keeps the interviewer and drops the guest."""
    assert len(_segments(_recording([0.5, 0.05, 0.5, 0.05, 0.05]))) == 5


def test_a_loud_intro_does_not_deafen_the_rest_of_the_file() -> None:
    rng = np.random.default_rng(2)
    intro = _speech(rng, 40.0, 0.9)
    talk = _recording([0.005] * 30)
    last_minute = intro.size + talk.size - 60 * SAMPLE_RATE_HZ
    late = [segment for segment in _segments(np.concatenate([intro, talk])) if segment.start_frame > last_minute]
    assert len(late) >= 20


@given(st.integers(1, 3 * SAMPLE_RATE_HZ))
@settings(max_examples=10, deadline=None)
def test_any_block_length_gives_the_same_segments(frames: int) -> None:
    samples = _recording([0.3] * 16)
    assert samples.size > LOOK_AHEAD_FRAMES
    assert _places(_segments(samples, max(frames, 500))) == _places(_segments(samples))


@pytest.mark.parametrize("peak", [0.0, 3e-5, 1e-3, 0.1])
def test_silence_and_steady_noise_give_nothing(peak: float) -> None:
    cuts = _cuts(_pause(np.random.default_rng(3), 70.0, peak))
    assert [cut.segments for cut in cuts if cut.segments] == []
    assert cuts[-1].loudest_dbfs == pytest.approx(max(-100.0, 20 * np.log10(max(peak, 1e-9))), abs=1.5)


def test_an_empty_recording_gives_one_empty_cut() -> None:
    assert _cuts(np.empty(0, dtype=np.float32)) == [FileCut(0, -100.0, ())]


def test_the_user_s_other_settings_are_used() -> None:
    samples = _recording([0.5] * 4)
    patient = SegmenterSettings(timeout_ms=1500)
    segments = [segment for cut in cut_recording(_blocks(samples), patient) for segment in cut.segments]
    assert len(segments) == 1


def test_what_was_read_before_damage_is_not_lost() -> None:
    samples = _recording([0.5] * 3)

    def damaged() -> Iterator[Samples]:
        yield from _blocks(samples)
        raise MediaUnreadable("damaged")

    found: list[Segment] = []

    def read_all() -> None:
        for cut in cut_recording(damaged(), SegmenterSettings()):
            found.extend(cut.segments)

    with pytest.raises(MediaUnreadable):
        read_all()
    assert _places(found) == _places(_segments(samples))


def test_a_block_with_nan_is_refused() -> None:
    samples = _recording([0.5])
    samples[20_000] = np.nan
    with pytest.raises(InvalidAudio):
        _segments(samples)


def test_memory_does_not_grow_with_the_length() -> None:
    minute = _recording([0.5] * 24)

    def peak_bytes(minutes: int) -> int:
        tracemalloc.start()
        for _ in cut_recording((block for _ in range(minutes) for block in _blocks(minute)), SegmenterSettings()):
            pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    assert peak_bytes(6) < 1.2 * peak_bytes(2)
