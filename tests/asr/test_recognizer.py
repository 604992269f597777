from __future__ import annotations

import runpy
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from dictation.asr.model_folder import ModelFolder, open_model_folder
from dictation.asr.recognizer import Effort, LoadReport, RecognitionCancelled, Recognizer
from dictation.asr.search import Search
from dictation.asr.self_test import read_clip
from dictation.core.errors import InvalidAudio, ModelDamaged
from dictation.core.records import SAMPLE_RATE_HZ, Samples
from dictation.core.settings import RecognizerSettings
from tests.support.starter import STARTER_NAME
from tests.support.synth import click, noise, silence, tone
from tests.support.tiny_model import make_tiny_model

pytestmark = pytest.mark.model

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
NOISES = runpy.run_path(str(GOLDEN.parents[1] / "models" / "recipe" / "noises.py"))["KINDS"]
"""What the recipe's hour without speech is made of."""


@pytest.fixture(scope="module")
def clip(starter: ModelFolder) -> Samples:
    return read_clip(starter.required_file("self_test_clip"))


def test_loading_reports_the_self_test(loaded: tuple[Recognizer, LoadReport]) -> None:
    recognizer, report = loaded
    assert (report.model_name, report.device_name, report.note) == (STARTER_NAME, "CPU", "")
    assert [run.text for run in report.runs] == ["this is a test of the dictation program"] * 3
    assert report.is_ok
    assert all(0 < run.seconds < report.load_s for run in report.runs)
    assert recognizer.device_name == "CPU"


def test_a_final_has_words_in_time(recognizer: Recognizer, clip: Samples) -> None:
    found = recognizer.recognize(clip)
    assert found.best.text == "this is a test of the dictation program"
    assert 1 <= len(found.n_best) <= 5
    assert found.audio_s == len(clip) / SAMPLE_RATE_HZ
    assert found.network_s > 0
    assert found.decode_s > 0
    assert found.device == "cpu"
    words = found.best.words
    assert all(0 <= word.start_s < word.end_s <= found.audio_s for word in words)
    assert all(before.end_s <= after.start_s for before, after in pairwise(words))
    assert np.mean([word.confidence for word in words]) > 0.7


def test_a_doubtful_clip_has_alternatives(recognizer: Recognizer) -> None:
    found = recognizer.recognize(read_clip(GOLDEN / "house.wav"))
    assert 1 < len(found.n_best) <= 5
    assert len({one.text for one in found.n_best}) == len(found.n_best)


def test_a_partial_gives_one_hypothesis_of_the_small_beam(recognizer: Recognizer, clip: Samples) -> None:
    found = recognizer.recognize(clip, Effort.PARTIAL)
    assert len(found.n_best) == 1
    assert found.best.text.startswith("this is a test")


def test_the_same_words_from_quiet_and_loud_audio(recognizer: Recognizer, clip: Samples) -> None:
    for gain in (0.003, 1.3):
        found = recognizer.recognize((clip * np.float32(gain)).astype(np.float32))
        assert found.best.text == "this is a test of the dictation program"


def test_a_read_only_view_is_taken_and_left_unchanged(recognizer: Recognizer, clip: Samples) -> None:
    """Segments arrive as read-only views of the segmenter's buffer."""
    view = clip.copy()[:-100]
    view.setflags(write=False)
    before = view.copy()
    assert recognizer.recognize(view).best.words
    np.testing.assert_array_equal(view, before)


@pytest.mark.parametrize("frames", [0, 1, 256, 257, 400])
def test_next_to_nothing_gives_no_words(recognizer: Recognizer, frames: int) -> None:
    for effort in Effort:
        found = recognizer.recognize(noise(1.0, -30)[:frames], effort)
        assert found.best.words == ()
        assert found.audio_s == frames / SAMPLE_RATE_HZ


def hum(length_s: float) -> Samples:
    return np.sum([tone(length_s, -30 - 6 * k, 50.0 * k) for k in (1, 2, 3, 5)], axis=0).astype(np.float32)


def knock_on_the_desk(length_s: float) -> Samples:
    quiet = noise(length_s, -75)
    struck = click()
    quiet[8000 : 8000 + len(struck)] += struck
    return quiet


@pytest.mark.parametrize("length_s", [0.8, 2.0, 6.0])
@pytest.mark.parametrize(
    "make",
    [
        silence,
        lambda length_s: noise(length_s, -60),
        lambda length_s: noise(length_s, -20),
        lambda length_s: noise(length_s, -40, colour=0.95),
        hum,
        knock_on_the_desk,
    ],
    ids=["silence", "hiss", "loud hiss", "rumble", "hum", "click"],
)
def test_what_is_not_speech_gives_no_words(
    recognizer: Recognizer, make: Callable[[float], Samples], length_s: float
) -> None:
    """Without the model's thresholds six seconds of each noise, hissing or rumbling, give "me"."""
    for effort in Effort:
        assert recognizer.recognize(make(length_s), effort).best.text == ""


def test_the_noises_are_those_that_the_model_is_held_to() -> None:
    assert set(NOISES) == {"breath", "clicks", "hiss", "hum", "knocks", "room", "silence", "tones"}


@pytest.mark.parametrize("effort", list(Effort))
@pytest.mark.parametrize("kind", sorted(NOISES))
def test_no_noise_of_the_recipe_gives_words(recognizer: Recognizer, kind: str, effort: Effort) -> None:
    """Without the model's thresholds these tones give "no no no", and this silence "did that"."""
    for length_s in (1.0, 4.0):
        sound = NOISES[kind](np.random.default_rng(2), length_s)
        if kind != "silence":
            sound *= 0.1 / np.abs(sound).max()
        assert recognizer.recognize(sound.astype(np.float32), effort).best.text == ""


@pytest.mark.parametrize("effort", list(Effort))
def test_words_must_gain_over_silence(
    recognizer: Recognizer, clip: Samples, effort: Effort, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clip's letters are 0.91 sure and its words gain 269 nats; where that is not sure, 450 are asked of them."""
    folder = recognizer._folder
    for gain, sure, is_heard in ((20.0, 0.6, True), (10_000.0, 0.6, False), (150.0, 0.6, True), (150.0, 0.99, False)):
        decoding = replace(folder.decoding, min_gain_over_silence=gain, sure_letter_confidence=sure)
        monkeypatch.setattr(recognizer, "_search", Search(replace(folder, decoding=decoding), recognizer._decoder))
        assert bool(recognizer.recognize(clip, effort).best.words) == is_heard


def test_a_blank_that_costs_less_leaves_fewer_words(
    recognizer: Recognizer, clip: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = recognizer._folder
    counts = []
    for blank_score in (-1.0, 0.0, 10.0):
        decoding = replace(folder.decoding, blank_score=blank_score)
        monkeypatch.setattr(recognizer, "_search", Search(replace(folder, decoding=decoding), recognizer._decoder))
        counts.append(len("".join(recognizer.recognize(clip).best.text.split())))
    assert counts[0] >= counts[1] > counts[2]


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(9, dtype=np.float64),
        np.zeros((9, 1), dtype=np.float32),
        np.float32(0),
        [0.0] * 9,
        np.array([0.0, np.nan], dtype=np.float32),
        np.full(4000, np.inf, dtype=np.float32),
    ],
    ids=["float64", "two-dimensional", "scalar", "list", "nan", "inf"],
)
def test_bad_audio_is_refused_at_the_door(recognizer: Recognizer, samples: Samples) -> None:
    with pytest.raises(InvalidAudio):
        recognizer.recognize(samples)


@pytest.mark.parametrize("after", [0, 1, 2])
def test_cancelling_between_the_stages(recognizer: Recognizer, clip: Samples, after: int) -> None:
    answers = iter([False] * after + [True] * 9)
    with pytest.raises(RecognitionCancelled):
        recognizer.recognize(clip, is_cancelled=lambda: next(answers))
    assert recognizer.recognize(clip).best.words  # the next call is not affected


def test_hotwords_take_effect_on_the_next_call_and_bad_ones_are_noted(recognizer: Recognizer) -> None:
    clip = read_clip(GOLDEN / "house.wav")
    recognizer.configure(RecognizerSettings(hotwords=("Read", "Жар")))
    assert recognizer.note == "This model cannot write the hotwords: Жар."
    assert recognizer.recognize(clip).best.text == "the read house by the river"
    recognizer.configure(RecognizerSettings())
    assert recognizer.note == ""
    assert recognizer.recognize(clip).best.text == "the red house by the river"


def test_a_second_model_of_other_sizes_loads_without_a_language_model(tmp_path: Path) -> None:
    folder = open_model_folder(make_tiny_model(tmp_path / "tiny"))
    recognizer = Recognizer(folder, RecognizerSettings())
    report = recognizer.load()
    assert not report.is_ok  # random weights
    assert [run.expected for run in report.runs] == ["a b"] * 3
    assert recognizer.recognize(noise(1.0, -20)).audio_s == 1.0
    recognizer.close()
    recognizer.close()


def test_recognising_before_loading_is_a_bug(starter: ModelFolder) -> None:
    with pytest.raises(RuntimeError, match="load"):
        Recognizer(starter, RecognizerSettings()).recognize(silence(1.0))


def test_an_altered_file_stops_loading(tmp_path: Path) -> None:
    folder = open_model_folder(make_tiny_model(tmp_path / "tiny"))
    path = folder.required_file("self_test_clip")
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(ModelDamaged, match="altered"):
        Recognizer(folder, RecognizerSettings()).load()


@pytest.mark.parametrize("data", [b"", b"RIFF", b"no wave file at all"])
def test_a_self_test_clip_that_is_no_wave_file(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "clip.wav").write_bytes(data)
    with pytest.raises(ModelDamaged, match="not a readable WAV file"):
        read_clip(tmp_path / "clip.wav")
