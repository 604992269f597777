"""ONNX networks of NeMo and icefall with their tokens: imported, equal to torch's sums, recognised; or refused."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dictation.asr.importing import ImportCancelled, ImportKind, import_model, recognise_source
from dictation.asr.importing.tokens import read_tokens
from dictation.asr.model_folder import ModelFolder
from dictation.asr.network import load_network
from dictation.asr.recognizer import Effort, Recognizer
from dictation.core.errors import ModelImportFailed, OnnxRuntimeMissing
from dictation.core.records import Samples
from dictation.core.settings import RecognizerSettings
from tests.support.onnx_models import ICEFALL, PIECES, OnnxSource, write_onnx, write_onnx_folder
from tests.support.synth import babble, noise

SETTINGS = RecognizerSettings(processor="cpu")
ARPA = """\\data\\
ngram 1=4
ngram 2=1

\\1-grams:
-1.0\t</s>
-99\t<s>\t0
-1.0\tthe\t0
-1.0\tcat\t0

\\2-grams:
-0.5\tthe cat

\\end\\
"""


def bring_in(path: Path, models: Path) -> ModelFolder:
    return import_model(path, models, lambda _: None, lambda: False)


def network_of(folder: ModelFolder) -> Any:
    weights, labels = folder.required_file("weights"), folder.labels
    return load_network(folder.architecture, folder.architecture_parameters, 80, len(labels), weights)


def hear(folder: ModelFolder, samples: Samples) -> tuple[np.ndarray, np.ndarray]:
    """Features (t, mel), and what the imported network gives for them (n, labels)."""
    import torch

    with torch.inference_mode():
        features = folder.features.build()(torch.from_numpy(samples))
        return features.numpy(), network_of(folder)(features[None])[0].numpy()


def read_greedily(log_probs: np.ndarray, folder: ModelFolder) -> str:
    """The likeliest label of each frame, without repetitions and blanks."""
    best = log_probs.argmax(axis=1)
    kept = best[np.insert(np.diff(best) != 0, 0, True)]
    text = "".join(folder.labels.symbols[one] for one in kept if one != folder.labels.blank_index)
    return " ".join(text.replace("▁", " ").split())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_onnx_folder(tmp_path / "nemo-ctc-en", OnnxSource())


@pytest.mark.parametrize("source", [OnnxSource(), OnnxSource.icefall()], ids=["nemo", "icefall"])
@pytest.mark.parametrize("external", ["", "model.weights"])
def test_logits_equal_torch_s(source: OnnxSource, external: str, tmp_path: Path) -> None:
    source.external = external
    made = bring_in(write_onnx_folder(tmp_path / "source", source), tmp_path / "models")
    made.verify()
    silent = made.architecture_parameters.silent_outputs  # type: ignore[attr-defined]
    assert [source.tokens[output] for output in silent] == (["<unk>"] if source.is_nemo else ["<sos/eos>", "<unk>"])
    for count in (16_000, 16_001, 20_479):
        features, found = hear(made, babble(2.0)[:count])
        np.testing.assert_allclose(found, np.delete(source.logits(features), silent, axis=1), rtol=1e-5, atol=1e-4)
    role = made.file("external_weights")
    assert (role.name if role else "") == external
    assert not {file.name for file in made.path.iterdir()} - {"model.toml", "network.onnx", "model.weights"}


def test_an_int8_network_gives_nearly_the_same(tmp_path: Path) -> None:
    source = OnnxSource()
    folder = write_onnx_folder(tmp_path / "int8", source, "model.int8.onnx", is_int8=True)
    made = bring_in(folder, tmp_path / "models")
    features, found = hear(made, babble(2.0))
    wanted = np.delete(source.logits(features), 0, axis=1)
    assert np.abs(found - wanted).max() > 1e-4  # it is another network
    assert (found.argmax(axis=1) == wanted.argmax(axis=1)).mean() > 0.9


def test_what_is_described(folder: Path, tmp_path: Path) -> None:
    (folder / "README.md").write_text("---\nlanguage:\n- de\nlicense: cc-by-4.0\n---\n", encoding="utf-8")
    made = bring_in(folder, tmp_path / "models")
    assert (made.name, made.language, made.licence) == ("nemo-ctc-en", "de", "cc-by-4.0")
    assert (made.frame_s, made.first_frame_s, made.shortest_samples) == (0.08, 0.0, 1280)
    assert (made.labels.word_start, made.labels.blank, len(made.labels)) == ("▁", "<blk>", len(PIECES) - 1)
    icefall = bring_in(write_onnx_folder(tmp_path / "zipformer", OnnxSource.icefall()), tmp_path / "models")
    assert (icefall.frame_s, icefall.first_frame_s) == (0.04, pytest.approx(0.055))
    assert icefall.shortest_samples == 9 * 160
    assert icefall.labels.symbols == ("<blk>", *(token.lower() for token in ICEFALL[3:]))


@pytest.mark.model
@pytest.mark.parametrize("source", [OnnxSource(seed=3), OnnxSource.icefall()], ids=["nemo", "icefall"])
def test_it_is_recognised_with_like_any_other(source: OnnxSource, tmp_path: Path) -> None:
    made = bring_in(write_onnx_folder(tmp_path / "source", source), tmp_path / "models")
    recognizer = Recognizer(made, SETTINGS)
    assert recognizer.load().is_ok
    samples = babble(2.0)
    for effort in Effort:
        found = recognizer.recognize(samples, effort)
        assert found.best.text == read_greedily(hear(made, samples)[1], made)
        assert all(0 <= word.start_s < word.end_s <= found.audio_s for word in found.best.words)
        assert all(0 < word.confidence <= 1 for word in found.best.words)
    assert len(found.best.text) > 5
    for frames in (0, 1, made.shortest_samples - 1, made.shortest_samples, made.shortest_samples + 1):
        short = recognizer.recognize(noise(1.0, -30)[:frames])
        assert short.best.words == () or frames >= made.shortest_samples
    assert recognizer.device_name == "CPU"
    recognizer.close()


@pytest.mark.model
def test_a_gpu_is_not_asked_for_it(folder: Path, tmp_path: Path) -> None:
    made = bring_in(folder, tmp_path / "models")
    recognizer = Recognizer(made, RecognizerSettings(processor="cuda"))
    assert recognizer.load().note == "An ONNX network runs on the CPU."
    recognizer.close()


@pytest.mark.model
def test_a_language_model_beside_it_and_hotwords_count(folder: Path, tmp_path: Path) -> None:
    (folder / "lm.arpa").write_text(ARPA)
    made = bring_in(folder, tmp_path / "models")
    words = made.file("unigrams")
    assert words is not None
    assert words.read_text(encoding="utf-8").split() == ["the", "cat"]
    recognizer = Recognizer(made, RecognizerSettings(processor="cpu", hotwords=("Tea", "Zebra"), hotword_weight=20.0))
    assert "cannot write the hotwords: Zebra." in recognizer.load().note
    recognizer.recognize(babble(1.0))
    recognizer.close()


def test_letters_with_a_space_between_words(tmp_path: Path) -> None:
    source = OnnxSource(tokens=(" ", "a", "b", "'", "<blk>"))
    source.metadata.update(model_type="EncDecCTCModel", vocab_size="4", normalize_type="")
    made = bring_in(write_onnx_folder(tmp_path / "letters", source), tmp_path / "models")
    assert (made.labels.word_separator, made.labels.word_start) == (" ", "")
    assert made.features.is_normalised is False  # type: ignore[union-attr]


def test_of_two_networks_the_more_precise_is_taken_unless_one_is_named(folder: Path, tmp_path: Path) -> None:
    write_onnx(folder / "model.int8.onnx", OnnxSource(), is_int8=True)
    made = bring_in(folder, tmp_path / "models")
    assert made.required_file("weights").read_bytes() == (folder / "model.onnx").read_bytes()
    assert recognise_source(folder) is ImportKind.ONNX
    (folder / "config.json").write_text("{}")  # some have one, of which nothing is wanted
    assert recognise_source(folder) is ImportKind.ONNX
    (folder / "tokens.txt").rename(folder / "vocab.txt")
    assert recognise_source(folder) is ImportKind.HUGGING_FACE
    (folder / "vocab.txt").rename(folder / "tokens.txt")
    chosen = bring_in(folder / "model.int8.onnx", tmp_path / "models")
    assert chosen.name == "nemo-ctc-en model.int8"
    assert chosen.required_file("weights").read_bytes() == (folder / "model.int8.onnx").read_bytes()


def test_a_cancelled_import_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    answers = iter([False, False])
    with pytest.raises(ImportCancelled):
        import_model(folder, tmp_path / "models", lambda _: None, lambda: next(answers, True))
    assert not (tmp_path / "models").exists() or not list((tmp_path / "models").iterdir())


def test_without_onnxruntime_it_is_said_what_to_install(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = bring_in(folder, tmp_path / "models")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(OnnxRuntimeMissing, match="onnxruntime, which is not installed") as caught:
        bring_in(folder, tmp_path / "other")
    assert "uv sync --extra onnx" in caught.value.remedy
    with pytest.raises(OnnxRuntimeMissing):
        Recognizer(made, SETTINGS).load()


def test_threads_are_torch_s_and_events_are_off(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from dictation.asr.onnx_network import import_onnxruntime

    onnxruntime = import_onnxruntime()
    made = bring_in(folder, tmp_path / "models")
    switched: list[bool] = []
    monkeypatch.setattr(onnxruntime, "disable_telemetry_events", lambda: switched.append(True))
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    options = network_of(made)._session.get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (3, 1)
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    assert switched == [True]


def test_tokens_of_k2_and_the_space(tmp_path: Path) -> None:
    """Disambiguation symbols stand for no output, and a number alone belongs to the space."""
    path = tmp_path / "tokens.txt"
    path.write_text("<eps> 0\n1\nA\t2\n B 3\n#0 4\n#1 5\n\n", encoding="utf-8")
    with pytest.raises(ModelImportFailed, match="symbol ' b' is not a single character"):
        read_tokens(path)
    path.write_text("<eps> 0\n1\nA\t2\nB 3\n#0 4\n#1 5\n\n", encoding="utf-8")
    tokens = read_tokens(path)
    assert (tokens.labels.symbols, tokens.silent_outputs, tokens.output_count) == (("<eps>", " ", "a", "b"), (), 4)
    path.write_text("  0\n<blk> 1\n", encoding="utf-8")
    assert read_tokens(path).labels.symbols == (" ", "<blk>")
