from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from dictation.asr import model_folder
from dictation.asr.model_folder import ModelFolder, find_models, open_model_folder
from dictation.core.errors import ModelDamaged, ModelMissing
from tests.support.starter import STARTER_NAME
from tests.support.tiny_model import describe, make_tiny_model

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return make_tiny_model(tmp_path / "tiny")


def rewrite(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    table: dict[str, Any] = describe(path)
    change(table)
    (path / "model.toml").write_text(tomli_w.dumps(table), encoding="utf-8")


def test_the_starter_opens_and_its_files_are_as_stated(starter: ModelFolder) -> None:
    starter.verify()
    choice = starter.choice()
    assert (choice.name, choice.language, choice.size_bytes) == (STARTER_NAME, "en", 46_814_345)
    assert "CC BY-SA 4.0" in choice.licence
    licences = starter.required_file("licences").read_text(encoding="utf-8")
    assert all(owner in licences for owner in ("Carnegie Mellon University", "Alpha Cephei Inc.", "Changelog Media"))
    assert starter.frame_s == pytest.approx(0.03)
    assert starter.word_error_rates[0].with_lm_percent == 49.0


def test_the_description_in_models_readme_states_the_same_hashes(starter: ModelFolder) -> None:
    readme = (ROOT / "models" / "README.md").read_text(encoding="utf-8")
    for file in starter.files.values():
        row = next(line for line in readme.splitlines() if f"`{file.name}`" in line)
        assert file.sha256 in row
        assert f"{file.size_bytes:,}" in row


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.pop("name"), "lacks the key 'name'"),
        (lambda t: t.update(nam="x"), "unknown key 'nam'"),
        (lambda t: t.update(language=3), "language must be a text, not 3"),
        (lambda t: t.update(format_version=2), "format_version must be 1, not 2"),
        (lambda t: t.pop("features"), r"lacks the table \[features\]"),
        (lambda t: t.update(labels="abc"), r"lacks the table \[labels\]"),
        (lambda t: t["features"].update(sample_rate_hz=8000), "sample_rate_hz must be 16000"),
        (lambda t: t["features"].update(mel_bins=True), "mel_bins must be a whole number, not True"),
        (lambda t: t["features"].update(hop_samples=0), "hop_samples must be positive"),
        (lambda t: t["features"].update(fft_size=128), "fft_size must not be less"),
        (lambda t: t["features"].update(high_hz=9000), "low_hz and high_hz"),
        (lambda t: t["features"].update(peak=2), "peak must lie between 0 and 1"),
        (lambda t: t["labels"].update(blank="_"), "blank '_' is not among the symbols"),
        (lambda t: t["labels"].update(word_separator="<pad>"), "the same symbol"),
        (lambda t: t["labels"].update(symbols=["a", "a", "|", "<pad>"]), "an entry twice"),
        (lambda t: t["labels"].update(symbols=["a", "ch", "|", "<pad>"]), "'ch' is not a single character"),
        (lambda t: t["labels"].update(symbols="ab"), "symbols must be a list of texts"),
        (lambda t: t["architecture"].update(kind="transducer"), "kind 'transducer' is unknown to this version"),
        (lambda t: t["architecture"].pop("heads"), "lacks the key 'heads'"),
        (lambda t: t["architecture"].update(heads=3), "must divide width"),
        (lambda t: t["architecture"].update(layers=0), "layers must be at least 1"),
        (lambda t: t["architecture"].update(kernel_size=4), "kernel_size must be odd"),
        (lambda t: t.update(decoding={"min_letter_confidence": 1.0}), "between 0 and 1"),
        (
            lambda t: t.update(decoding={"sure_letter_confidence": -0.1}),
            "sure_letter_confidence must lie between 0 and",
        ),
        (lambda t: t.update(decoding={"min_gain_over_silence": -1.0}), "min_gain_over_silence must be 0 or more"),
        (lambda t: t.update(decoding={"blank_score": -11.0}), "blank_score must lie between -10.0 and 10.0"),
        (lambda t: t.update(decoding={"kind": "guess"}), "'characters', 'lexicon' or 'transducer', not 'guess'"),
        (lambda t: t.update(decoding={"lm_weight": 6}), "lm_weight must lie between 0 and 5"),
        (lambda t: t.update(decoding={"word_score": -11.0}), "word_score must lie between -10 and 10"),
        (lambda t: t.update(decoding={"beam_prune_logp": 1}), "beam_prune_logp must lie between -100 and 0"),
        (
            lambda t: t.update(decoding={"kind": "transducer", "beam_prune_logp": -9.0}),
            "beam_prune_logp is not for kind 'transducer'",
        ),
        (lambda t: t.update(decoding={"kind": "lexicon"}), r"the table \[files.lexicon\] is missing"),
        (lambda t: t["labels"].update(word_separator=""), r"word_separator is empty, but \[decoding\] kind is"),
        (
            lambda t: (t.update(decoding={"kind": "lexicon"}), t["files"].update(lexicon=t["files"]["weights"])),
            "word_separator must be empty",
        ),
        (lambda t: t["files"].pop("weights"), r"lacks the table \[files.weights\]"),
        (lambda t: t["files"].pop("self_test_clip"), "go together, but one is missing"),
        (lambda t: t.pop("self_test_text"), "go together, but one is missing"),
        (lambda t: t["features"].update(kind="mfcc"), r"\[features\] kind 'mfcc' is unknown to this version"),
        (lambda t: t["files"].update(readme=t["files"]["weights"]), r"unknown table \[files.readme\]"),
        (lambda t: t["files"].update(weights=1), "must be a table"),
        (lambda t: t["files"]["weights"].update(name="../weights.safetensors"), "plain file name"),
        (lambda t: t["files"]["weights"].update(sha256="AB"), "64 lower-case hexadecimal"),
        (lambda t: t["files"]["weights"].update(name="other.bin"), "lacks its file other.bin"),
        (lambda t: t.update(word_error_rate={"x": 1}), "list of tables"),
    ],
)
def test_a_wrong_description_says_what_is_wrong(tiny: Path, change: Callable[[Any], object], words: str) -> None:
    rewrite(tiny, change)
    with pytest.raises(ModelDamaged, match=words):
        open_model_folder(tiny)


def test_a_model_may_come_without_a_self_test(tiny: Path) -> None:
    rewrite(tiny, lambda table: (table.pop("self_test_text"), table["files"].pop("self_test_clip")))
    folder = open_model_folder(tiny)
    assert (folder.self_test_text, folder.file("self_test_clip")) == ("", None)


def test_an_unknown_architecture_asks_for_a_newer_program(tiny: Path) -> None:
    rewrite(tiny, lambda table: table["architecture"].update(kind="transducer"))
    with pytest.raises(ModelDamaged) as caught:
        open_model_folder(tiny)
    assert "newer version" in caught.value.remedy


@pytest.mark.parametrize("text", [b"name = ", b"\xff\xfe", b"[[files]]\n[files]"])
def test_what_is_not_toml_is_refused(tiny: Path, text: bytes) -> None:
    (tiny / "model.toml").write_bytes(text)
    with pytest.raises(ModelDamaged, match="is not valid TOML"):
        open_model_folder(tiny)


def test_a_truncated_file_is_found_without_hashing(tiny: Path) -> None:
    weights = tiny / "weights.safetensors"
    size_bytes = weights.stat().st_size
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(
        ModelDamaged, match=rf"weights.safetensors of model tiny has {size_bytes - 1} bytes instead of {size_bytes}"
    ):
        open_model_folder(tiny)


def test_an_altered_file_is_found_by_its_hash(tiny: Path) -> None:
    folder = open_model_folder(tiny)
    data = bytearray((tiny / "clip.wav").read_bytes())
    data[-1] ^= 1
    (tiny / "clip.wav").write_bytes(data)
    with pytest.raises(ModelDamaged, match=r"clip.wav of model tiny was altered"):
        folder.verify()


def test_a_file_that_vanished_after_opening_is_named(tiny: Path) -> None:
    folder = open_model_folder(tiny)
    (tiny / "clip.wav").unlink()
    with pytest.raises(ModelDamaged, match=r"clip.wav of model tiny cannot be read"):
        folder.verify()


def test_no_folder_is_a_missing_model(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"model.toml is missing"):
        open_model_folder(tmp_path / "nowhere")


@pytest.fixture
def roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Two empty places to look in instead of the real ones."""
    both = tmp_path / "program", tmp_path / "user"
    monkeypatch.setattr(model_folder, "model_roots", lambda: both)
    return both


def test_models_are_found_in_order_and_the_given_one_only_once(roots: tuple[Path, Path], tmp_path: Path) -> None:
    in_program = [make_tiny_model(roots[0] / name) for name in ("b", "a")]
    in_user = make_tiny_model(roots[1] / "c")
    given = make_tiny_model(tmp_path / "given")
    assert [model.path for model in find_models(given)] == [given, in_program[1], in_program[0], in_user]
    assert [model.path for model in find_models(in_user)] == [in_user, in_program[1], in_program[0]]


def test_no_model_anywhere_is_an_empty_list(roots: tuple[Path, Path]) -> None:
    assert find_models() == []


def test_a_damaged_model_does_not_hide_the_others(roots: tuple[Path, Path], caplog: pytest.LogCaptureFixture) -> None:
    (make_tiny_model(roots[0] / "bad") / "clip.wav").unlink()
    good = make_tiny_model(roots[0] / "good")
    assert [model.path for model in find_models()] == [good]
    assert "lacks its file clip.wav" in caplog.text


def test_a_damaged_model_alone_is_no_missing_model(roots: tuple[Path, Path]) -> None:
    (make_tiny_model(roots[0] / "bad") / "clip.wav").unlink()
    with pytest.raises(ModelDamaged, match=r"clip.wav"):
        find_models()


def test_a_damaged_given_model_is_an_error_even_beside_good_ones(roots: tuple[Path, Path], tmp_path: Path) -> None:
    make_tiny_model(roots[0] / "good")
    with pytest.raises(ModelMissing):
        find_models(tmp_path / "nowhere")


def test_the_starter_is_found_beside_the_program() -> None:
    assert STARTER_NAME in [model.name for model in find_models()]


@pytest.mark.parametrize("module", ["model_folder", "recognizer"])
def test_importing_does_not_import_torch(module: str) -> None:
    """Torch takes seconds to import; the window would wait for it."""
    code = f"import sys, dictation.asr.{module}; sys.exit(bool({{'torch', 'pyctcdecode', 'kenlm'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, timeout=60).returncode == 0
