"""One file, step by step: everything is recognised, in order, with bounded work in flight."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from dictation.core.errors import InvalidAudio, MediaUnreadable, ModelMissing, NoAudioStream
from dictation.core.records import Samples
from dictation.core.settings import SegmenterSettings
from dictation.runtime.file_transcription import SEGMENTS_IN_FLIGHT, FileStep, remark, transcribe_file
from tests.support.fake_submit import FakeRecogniser
from tests.support.media_files import write_audio, write_float_wav
from tests.support.synth import babble, join, noise, silence


@pytest.fixture
def recogniser() -> Iterator[FakeRecogniser]:
    fake = FakeRecogniser()
    yield fake
    fake.close()


def _talk(utterances: int) -> Samples:
    parts = [noise(0.5, -80, 99)]
    for seed in range(utterances):
        parts += [babble(1.0, seed=seed), noise(0.7, -80, seed)]
    return join(*parts)


def _run(path: Path, fake: FakeRecogniser) -> list[FileStep]:
    return list(transcribe_file(path, SegmenterSettings(), fake.submit))


def _texts(steps: list[FileStep]) -> list[str]:
    return [step.utterance.text for step in steps if step.utterance is not None]


def test_every_utterance_is_recognised_in_order(tmp_path: Path, recogniser: FakeRecogniser) -> None:
    samples = _talk(12)
    steps = _run(write_float_wav(tmp_path / "talk.wav", samples), recogniser)
    assert _texts(steps) == [f"segment {number}" for number in range(12)]
    assert steps[-1].audio_s == pytest.approx(samples.size / 16_000, abs=0.01)
    assert steps[-1].progress == pytest.approx(1.0, abs=0.01)
    assert recogniser.most_in_flight <= SEGMENTS_IN_FLIGHT
    starts = [step.utterance.start_s for step in steps if step.utterance is not None]
    assert starts == sorted(starts)
    assert starts[1] == pytest.approx(2.2 - 0.15, abs=0.1)


def test_a_recogniser_that_hears_several_together_gets_as_many(tmp_path: Path, recogniser: FakeRecogniser) -> None:
    recogniser.gate.clear()
    path = write_float_wav(tmp_path / "talk.wav", _talk(12))
    steps = transcribe_file(path, SegmenterSettings(), recogniser.submit, lambda: 7)
    while recogniser.submitted < 8:
        next(steps)
    for _ in range(3):
        next(steps)
    assert recogniser.submitted == 8
    recogniser.gate.set()
    assert _texts(list(steps)) == [f"segment {number}" for number in range(12)]


def test_thirty_decibels_quieter_gives_the_same_utterances(tmp_path: Path, recogniser: FakeRecogniser) -> None:
    samples = _talk(4)
    loud = _run(write_float_wav(tmp_path / "loud.wav", samples), recogniser)
    quiet_samples = (samples * np.float32(10 ** (-30 / 20))).astype(np.float32)
    quiet = _run(write_float_wav(tmp_path / "quiet.wav", quiet_samples), recogniser)
    places = [
        [(step.utterance.start_s, step.utterance.end_s) for step in steps if step.utterance] for steps in (loud, quiet)
    ]
    assert len(places[0]) == 4
    assert places[0] == places[1]


def test_the_sound_of_a_video_is_transcribed(tmp_path: Path, recogniser: FakeRecogniser) -> None:
    path = write_audio(tmp_path / "talk.mp4", _talk(3)[None], 16_000, codec="aac", video_frames=20)
    assert len(_texts(_run(path, recogniser))) == 3


def test_closing_stops_reading_and_cancels_what_waits(tmp_path: Path, recogniser: FakeRecogniser) -> None:
    recogniser.gate.clear()
    steps = transcribe_file(write_float_wav(tmp_path / "talk.wav", _talk(12)), SegmenterSettings(), recogniser.submit)
    while recogniser.submitted < SEGMENTS_IN_FLIGHT:
        next(steps)
    for _ in range(3):  # the generator keeps yielding while it waits, and submits nothing beyond the bound
        next(steps)
    steps.close()
    recogniser.gate.set()
    assert recogniser.submitted == SEGMENTS_IN_FLIGHT


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (silence(3.0), "The file is silent."),
        (noise(5.0, -60), "No speech was found; the loudest sound is -50 dBFS"),
    ],
)
def test_a_file_without_speech_says_so(
    samples: Samples, words: str, tmp_path: Path, recogniser: FakeRecogniser
) -> None:
    steps = _run(write_float_wav(tmp_path / "quiet.wav", samples), recogniser)
    assert recogniser.submitted == 0
    assert remark(steps[-1], "").startswith(words)


@pytest.mark.parametrize(
    ("step", "text", "words"),
    [
        (FileStep(1, 1, -10, 3), "hello", ""),
        (FileStep(1, 1, -10, 3), "", "no words were recognised"),
        (FileStep(1, 1, -10, 3, damaged=2), "hello", "skipped: 2"),
    ],
)
def test_remarks(step: FileStep, text: str, words: str) -> None:
    assert words in remark(step, text)
    assert bool(remark(step, text)) == bool(words)


def test_what_came_before_a_fault_in_the_file_is_kept(tmp_path: Path, recogniser: FakeRecogniser) -> None:
    samples = _talk(3)
    samples[-100] = np.nan
    steps = transcribe_file(write_float_wav(tmp_path / "nan.wav", samples), SegmenterSettings(), recogniser.submit)
    found: list[FileStep] = []
    with pytest.raises(InvalidAudio, match=r"nan\.wav"):
        found.extend(steps)
    assert _texts(found) == ["segment 0", "segment 1", "segment 2"]


def test_files_that_cannot_be_read_say_why(tmp_path: Path, recogniser: FakeRecogniser) -> None:
    (tmp_path / "noise.mp3").write_bytes(np.random.default_rng(5).bytes(3000))
    with pytest.raises(MediaUnreadable, match=r"noise\.mp3"):
        _run(tmp_path / "noise.mp3", recogniser)
    with pytest.raises(MediaUnreadable, match=r"absent\.wav"):
        _run(tmp_path / "absent.wav", recogniser)
    mute = write_audio(tmp_path / "mute.mp4", np.empty((0, 0), dtype=np.float32), 16_000, video_frames=5)
    with pytest.raises(NoAudioStream, match=r"mute\.mp4"):
        _run(mute, recogniser)


def test_a_failing_recogniser_ends_the_file(tmp_path: Path) -> None:
    fake = FakeRecogniser(error=ModelMissing("no model"))
    with pytest.raises(ModelMissing):
        _run(write_float_wav(tmp_path / "talk.wav", _talk(2)), fake)
    fake.close()
