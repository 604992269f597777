"""``dictation lm`` as a user types it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dictation.cli import main
from dictation.core.settings_toml import load_settings
from dictation.language.store import list_personal_models, open_personal_model, personal_models_folder
from tests.support.documents import write_docx
from tests.support.starter import STARTER_NAME

TEXT = " ".join(f"The {noun} of the stellarator {verb} the divertor." for noun in (
    "coil", "plasma", "gyrotron", "wall", "pump", "beam") for verb in ("heats", "cools", "moves", "meets"))  # fmt: skip


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["lm", *(str(argument) for argument in arguments)])


@pytest.fixture
def document(tmp_path: Path) -> Path:
    return write_docx(tmp_path / "fusion.docx", f"<w:p><w:r><w:t>{TEXT}</w:t></w:r></w:p>")


def test_a_model_is_built_used_listed_and_removed(document: Path, tmp_path: Path) -> None:
    built = run("build", document, "--name", "fusion", "--held-out", "0.5")
    assert built.exit_code == 0, built.output
    assert "192 words in 24 sentences" in built.stdout
    assert "perplexity of" in built.stdout
    assert "before" in built.stdout
    assert "dictation lm use fusion" in built.stdout
    assert run("use", "fusion").exit_code == 0
    settings_file = tmp_path / "config" / "settings.toml"
    assert load_settings(settings_file.read_bytes()).settings.recognizer.personal_model == "fusion"
    listed = run("list").stdout
    assert listed.startswith("* fusion: 192 words")
    assert STARTER_NAME in listed
    removed = run("remove", "fusion")
    assert "was in use" in removed.stderr
    assert load_settings(settings_file.read_bytes()).settings.recognizer.personal_model == ""
    assert "none yet" in run("list").stderr


def test_using_none_and_one_that_is_not_there(document: Path, tmp_path: Path) -> None:
    refused = run("use", "absent")
    assert refused.exit_code == 1
    assert "no personal language model named absent" in refused.stderr
    assert run("use").exit_code == 0


def test_options_reach_the_model(document: Path, tmp_path: Path) -> None:
    result = run("build", document, "--order", "2", "--prune", "0 1", "--alphabet", "abcdefghijklmnoprstuv",
                 "--output", tmp_path / "out")  # fmt: skip
    assert result.exit_code == 0, result.output
    (model,) = list_personal_models(tmp_path / "out")
    assert (model.name, model.description.order) == ("personal", 2)
    words = model.words_path.read_text().split()
    assert "stellarator" in words
    assert "gyrotron" not in words  # no y among the letters
    assert not personal_models_folder().exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--order", "9"], "order must lie in 2 to 5"),
        (["--prune", "0 x"], "invalid literal"),
        (["--prune", "0 2 1"], "never fall"),
        (["--held-out", "0.9"], "held-out share"),
        (["--weight", "2"], "weight must lie"),
        (["--quantise", "8"], "needs KenLM's build_binary"),
    ],
)
def test_wrong_options_are_usage_errors(document: Path, options: list[str], said: str) -> None:
    result = run("build", document, *options)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_bad_document_among_good_ones_is_named_and_the_exit_code_says_it(document: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.odt").write_text("no archive")
    result = run("build", document, tmp_path / "bad.odt")
    assert result.exit_code == 1
    assert "note: bad.odt is damaged" in result.stderr
    assert open_personal_model("personal").description.words == 192


def test_a_document_that_is_not_there(tmp_path: Path) -> None:
    result = run("build", tmp_path / "absent.txt")
    assert result.exit_code == 1
    assert "error: absent.txt cannot be read" in result.stderr
    assert "save it as plain text" in result.stderr


def test_faulty_settings_are_not_overwritten(document: Path, tmp_path: Path) -> None:
    run("build", document)
    settings_file = tmp_path / "config" / "settings.toml"
    settings_file.parent.mkdir(exist_ok=True)
    settings_file.write_text("[recognizer]\nbeam_width = 'wide'\n")
    result = run("use", "personal")
    assert result.exit_code == 1
    assert "was not changed" in result.stderr
    assert settings_file.read_text() == "[recognizer]\nbeam_width = 'wide'\n"


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    """The document is a pipe without an end, which also tells when the build is in the middle of reading it."""
    os.mkfifo(tmp_path / "endless.txt")
    with subprocess.Popen(
        [sys.executable, "-m", "dictation", "lm", "build", str(tmp_path / "endless.txt")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as running:  # fmt: skip
        watchdog = threading.Timer(60, running.kill)
        watchdog.start()
        with (tmp_path / "endless.txt").open("w"):  # returns when the other side reads
            running.send_signal(signal.SIGINT)
            _, errors = running.communicate()
        watchdog.cancel()
    assert running.returncode == 1
    assert "Aborted" in errors
    assert not personal_models_folder().exists() or list(personal_models_folder().iterdir()) == []
