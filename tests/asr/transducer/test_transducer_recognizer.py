"""A model folder's words, as a whole and while the utterance grows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dictation.asr.importing import import_language_model
from dictation.asr.model_folder import open_model_folder
from dictation.asr.open_recognizer import open_recognizer
from dictation.asr.recognizer import Effort, RecognitionCancelled, Recognizer
from dictation.asr.transducer.recognizer import TransducerRecognizer
from dictation.core.errors import InvalidAudio, ModelDamaged, ModelImportFailed
from dictation.core.records import Recognition, Samples
from dictation.core.settings import RecognizerSettings
from dictation.library.bench import bench, make_clip
from tests.support.synth import babble
from tests.support.tiny_bundle import ARPA
from tests.support.tiny_model import make_tiny_model
from tests.support.tiny_transducer import describe, make_tiny_transducer

SETTINGS = RecognizerSettings(processor="cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_transducer(tmp_path_factory.mktemp("models") / "tiny", seed=3)


@pytest.fixture(scope="module")
def recognizer(folder: Path) -> TransducerRecognizer:
    made = TransducerRecognizer(open_model_folder(folder), SETTINGS)
    made.load()
    return made


def speech(seconds: float) -> Samples:
    return np.ascontiguousarray(babble(seconds))


def times(found: Recognition) -> list[tuple[str, float, float]]:
    """All of the best words but how sure they are, which rounding shows in."""
    return [(word.text, word.start_s, word.end_s) for word in found.best.words]


def test_a_transducers_folder_opens_its_recogniser(folder: Path, tmp_path: Path) -> None:
    made = open_recognizer(open_model_folder(folder), SETTINGS)
    assert isinstance(made, TransducerRecognizer)
    assert made.device_name == made.note == ""
    report = made.load()
    assert (report.model_name, report.device_name, report.note) == ("tiny transducer", "CPU", "")
    assert report.is_ok
    assert len({run.text for run in report.runs}) == 1
    letters = open_model_folder(make_tiny_model(tmp_path / "letters"))
    assert isinstance(open_recognizer(letters, SETTINGS), Recognizer)


def test_words_have_times_and_confidence(recognizer: TransducerRecognizer) -> None:
    found = recognizer.recognize(speech(3.0))
    assert found.audio_s == 3.0
    assert found.device == "cpu"
    assert 1 < len(found.n_best) <= 5
    assert len(found.best.words) > 3, "random weights that say nothing test nothing"
    for word in found.best.words:
        assert 0 <= word.start_s < word.end_s <= 3.0
        assert 0 < word.confidence <= 1
    starts = [word.start_s for word in found.best.words]
    assert starts == sorted(starts)
    scores = [hypothesis.score for hypothesis in found.n_best]
    assert scores == sorted(scores, reverse=True)
    assert len(recognizer.recognize(speech(3.0), Effort.PARTIAL).n_best) == 1


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ends=st.lists(st.integers(300, 30_000), min_size=1, max_size=5))
def test_however_an_utterance_grew_its_words_are_those_of_the_whole(
    recognizer: TransducerRecognizer, ends: list[int]
) -> None:
    samples = speech(2.0)
    session = recognizer.begin_utterance()
    for end in sorted(ends):
        grown = session.recognize(samples[:end], Effort.PARTIAL)
        assert grown.best.text == recognizer.recognize(samples[:end]).best.text
    final = session.recognize(samples)
    whole = recognizer.recognize(samples)
    assert times(final) == times(whole)
    assert [word.confidence for word in final.best.words] == pytest.approx(
        [word.confidence for word in whole.best.words], rel=1e-3
    )
    assert [one.text for one in final.n_best] == [one.text for one in whole.n_best]


def test_an_utterance_that_became_shorter_is_heard_anew(recognizer: TransducerRecognizer) -> None:
    session = recognizer.begin_utterance()
    session.recognize(speech(2.0))
    assert times(session.recognize(speech(2.0)[:16_000])) == times(recognizer.recognize(speech(2.0)[:16_000]))


def test_a_partial_text_costs_what_is_new(recognizer: TransducerRecognizer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in frames that the encoder gives, not in seconds."""
    ear: Any = recognizer._ear
    encoded: list[int] = []
    encode = ear.encode

    def count(*args: Any, **kwargs: Any) -> Any:
        encodings, left = encode(*args, **kwargs)
        encoded.append(len(encodings))
        return encodings, left

    monkeypatch.setattr(ear, "encode", count)
    session, samples = recognizer.begin_utterance(), speech(12.0)
    for end in range(3_200, len(samples), 3_200):  # 0.2 s
        encoded.clear()
        session.recognize(samples[:end], Effort.PARTIAL)
        assert sum(encoded) <= 14  # 5 new ones, and up to a segment of 4 and 5 more that may still change
    encoded.clear()
    recognizer.recognize(samples)
    assert sum(encoded) == 300
    assert len(encoded) > 1, "audio that comes as a whole is taken in parts"


def test_a_cancellation_loses_nothing(recognizer: TransducerRecognizer) -> None:
    samples, session = speech(2.0), recognizer.begin_utterance()
    for most in range(0, 50, 7):
        asked = iter([False] * most)
        with pytest.raises(RecognitionCancelled):
            session.recognize(samples, is_cancelled=lambda asked=asked: next(asked, True))  # type: ignore[misc]
    assert times(session.recognize(samples)) == times(recognizer.recognize(samples))


@pytest.mark.parametrize("length", [0, 1, 639])
def test_too_little_audio_and_silence_have_no_words(recognizer: TransducerRecognizer, length: int) -> None:
    assert recognizer.recognize(np.full(length, 0.1, np.float32)).best.words == ()
    assert recognizer.recognize(np.zeros(16_000, np.float32)).best.words == ()
    assert recognizer.recognize(np.full(640, 0.1, np.float32)).audio_s == 0.04


def test_what_is_no_audio_is_refused(recognizer: TransducerRecognizer) -> None:
    with pytest.raises(InvalidAudio):
        recognizer.recognize(np.full(16_000, np.nan, np.float32))


def test_the_beam_is_on_the_models_own_scale(recognizer: TransducerRecognizer, folder: Path) -> None:
    adapt = open_model_folder(folder).decoding.adapt
    assert adapt(SETTINGS).beam_width == 10
    assert adapt(replace(SETTINGS, beam_width=200)).beam_width == 20
    assert adapt(replace(SETTINGS, beam_width=1)).beam_width == 1
    recognizer.configure(replace(SETTINGS, beam_width=10))
    assert len(recognizer.recognize(speech(2.0)).n_best) == 1
    recognizer.configure(SETTINGS)
    assert len(recognizer.recognize(speech(2.0)).n_best) > 1


def test_choices_without_effect_are_named(folder: Path) -> None:
    chosen = RecognizerSettings(hotwords=("Emformer",), processor="cuda")
    made = TransducerRecognizer(open_model_folder(folder), chosen, "Something else.", has_personal=True)
    assert made.note == (
        "Something else. This model searches without hotwords and personal language model. "
        "This model works on the CPU alone."
    )
    made.configure(SETTINGS)
    assert made.note == "Something else. This model searches without personal language model."


def test_loading_comes_first(folder: Path) -> None:
    made = TransducerRecognizer(open_model_folder(folder), SETTINGS)
    with pytest.raises(RuntimeError, match="load"):
        made.recognize(speech(1.0))
    made.load()
    made.close()
    made.close()
    assert made.device_name == ""


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    path = make_tiny_transducer(tmp_path / "broken")
    tensors = load_file(path / "weights.safetensors")
    tensors["joiner.linear.bias"][0] = float("nan")
    save_file(tensors, path / "weights.safetensors")
    (path / "model.toml").write_text(tomli_w.dumps(describe(path)), encoding="utf-8")
    with pytest.raises(ModelDamaged, match="not finite"):
        TransducerRecognizer(open_model_folder(path), SETTINGS).load()


def test_no_gpu_is_tested_with_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dictation.asr import probe

    said: list[str] = []
    monkeypatch.setattr(probe, "say", lambda what, **_facts: said.append(what))
    assert open_model_folder(folder).is_for_cpu_only
    probe.test_gpus(["cuda:0"], folder)
    assert said == []


def test_it_can_be_timed(folder: Path) -> None:
    opened = open_model_folder(folder)
    result = bench(opened, SETTINGS, make_clip([opened]))
    assert result.device_name == "CPU"
    assert result.network_s > 0
    assert result.search_s > 0


def test_a_language_model_has_no_place(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "lm.arpa"
    path.write_text(ARPA, encoding="utf-8")
    with pytest.raises(ModelImportFailed, match="searches without a language model"):
        import_language_model(path, open_model_folder(folder), tmp_path, lambda _: None, lambda: False)


def change(table: str, **values: object) -> Callable[[dict[str, Any]], None]:
    return lambda description: description[table].update(values)


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (change("decoding", kind="characters", beam_width=100), "'emformer-rnnt' and [decoding] kind 'characters'"),
        (change("labels", word_start=""), "word_start is empty"),
        (change("decoding", min_letter_confidence=0.3), "min_letter_confidence is for networks with CTC"),
        (change("decoding", sure_letter_confidence=0.3), "sure_letter_confidence is for networks with CTC"),
        (change("decoding", beam_width=0), "beam_width must lie between 1 and 2000"),
        (change("features", mean=[1.0]), "one entry for each band"),
        (change("features", mean="much"), "mean must be a list of numbers, not 'much'"),
        (change("features", mean=[True] * 10), "mean must be a list of numbers"),
        (lambda d: d.update(features={"kind": "waveform", "sample_rate_hz": 16_000, "is_normalised": True}),
         "[features] are of a kind that [architecture] kind 'emformer-rnnt' cannot read"),
        (lambda d: d["files"].update(language_model=d["files"]["weights"]), "which a transducer has no use for"),
    ],
)  # fmt: skip
def test_a_description_that_does_not_fit_together_is_refused(
    folder: Path, spoil: Callable[[dict[str, Any]], None], complaint: str, tmp_path: Path
) -> None:
    path = tmp_path / "spoilt"
    path.mkdir()
    (path / "weights.safetensors").write_bytes((folder / "weights.safetensors").read_bytes())
    description = describe(path)
    spoil(description)
    (path / "model.toml").write_text(tomli_w.dumps(description), encoding="utf-8")
    with pytest.raises(ModelDamaged) as caught:
        open_model_folder(path)
    assert complaint in str(caught.value)
