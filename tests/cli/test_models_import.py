"""``dictation models import``, and what it brought in used by ``dictation transcribe``."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dictation.asr.model_folder import model_roots, open_model_folder
from dictation.cli import main
from tests.support.arpa import arpa
from tests.support.hugging_face import LETTERS, write_folder
from tests.support.media_files import write_float_wav
from tests.support.starter import STARTER_NAME
from tests.support.synth import babble, join, noise

ARPA = arpa(
    {"</s>": (-1.0,), "<s>": (-99, 0), "<unk>": (-2.0,), "tea": (-1.0, 0)},
    {"<s> tea": -0.5},
)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "someone-s model", loudness=5000.0)


@pytest.mark.model
def test_an_imported_model_transcribes_a_file(source: Path, tmp_path: Path) -> None:
    done = run("models", "import", source)
    assert done.exit_code == 0, done.output
    folder = model_roots()[-1] / "someone-s-model"
    assert f"someone-s model: {folder}" in done.output
    assert "its source does not say which language it is for" in done.output
    clip = write_float_wav(tmp_path / "clip.wav", join(noise(0.7, -80), babble(0.5), noise(0.7, -80, 1)))
    transcribed = run("transcribe", "--model", folder, clip)
    assert transcribed.exit_code == 0, transcribed.output
    text = transcribed.stdout.strip()
    assert text
    assert set(text) <= set(LETTERS) | {" ", "\n"}


def test_a_language_model_for_a_model_by_either_name(source: Path, tmp_path: Path) -> None:
    arpa = tmp_path / "tea.arpa"
    arpa.write_text(ARPA, encoding="utf-8")
    folder = model_roots()[-1] / "someone-s-model"
    run("models", "import", source)
    for name in ("someone-s model", "someone-s-model"):
        done = run("models", "import", "--language-model-for", name, arpa)
        assert done.exit_code == 0, done.output
        assert "it has no language model" not in done.output
        path = open_model_folder(folder).file("unigrams")
        assert path is not None
        assert path.read_text(encoding="utf-8") == "tea\n"


def test_an_unknown_model_and_an_unknown_file_are_said(tmp_path: Path) -> None:
    missing = run("models", "import", "--language-model-for", "nothing", tmp_path / "lm.arpa")
    assert missing.exit_code == 1
    assert "error: There is no model named 'nothing'." in missing.output
    assert STARTER_NAME in missing.output
    (tmp_path / "notes.txt").write_text("milk, bread")
    (tmp_path / "sherpa").mkdir()
    (tmp_path / "sherpa" / "model.int8.onnx").touch()
    for path, words in (
        (tmp_path / "nowhere", "nowhere: is not there."),
        (tmp_path / "sherpa", "model.int8.onnx: is empty."),
        (tmp_path / "notes.txt", "notes.txt: is neither a folder nor a KenLM language model nor an ONNX network."),
        (
            tmp_path,
            "nor config.json (Hugging Face) nor tokens.txt and lexicon.txt (flashlight)",
        ),
    ):
        done = run("models", "import", path)
        assert done.exit_code == 1
        assert words in done.output
        assert "docs/importing.md" in done.output


def test_a_model_folder_of_this_program_is_copied(source: Path, tmp_path: Path) -> None:
    run("models", "import", source)
    stick = (model_roots()[-1] / "someone-s-model").rename(tmp_path / "stick")
    done = run("models", "import", stick)
    assert done.exit_code == 0, done.output
    open_model_folder(model_roots()[-1] / "someone-s-model").verify()
    (model_roots()[-1] / "someone-s-model").rename(tmp_path / "stick2")
    weights = tmp_path / "stick2" / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    altered = run("models", "import", tmp_path / "stick2")
    assert altered.exit_code == 1
    assert "was altered" in altered.output
    assert not list(model_roots()[-1].iterdir())
