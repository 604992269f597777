"""``dictation models``, as a user types it, with a server and a data folder of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dictation.asr.model_folder import find_models, model_roots
from dictation.cli import main
from tests.support import bad_server
from tests.support.bad_server import BadServer, serving
from tests.support.starter import STARTER_NAME
from tests.support.tiny_bundle import make_tiny_bundle

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def server() -> Iterator[BadServer]:
    with serving({}) as server:
        yield server


@pytest.fixture
def catalogue(server: BadServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    bundle = make_tiny_bundle(server.url)
    server.files.update(bundle.files)
    path = tmp_path / "tiny.toml"
    path.write_text(bundle.catalogue_text, encoding="utf-8")
    return path


def run(*arguments: object, typed: str | None = None) -> Result:
    return CliRunner().invoke(main, ["models", *map(str, arguments)], input=typed, prog_name="dictation")


def download(catalogue: Path, *arguments: str) -> Result:
    return run("download", "tiny", "--catalogue", catalogue, *arguments)


def test_list_says_what_is_here_and_what_there_is(server: BadServer) -> None:
    result = run("list")
    assert result.exit_code == 0
    assert STARTER_NAME in result.stdout
    assert "wav2vec2-base-960h" in result.stdout
    assert "1.71 / 3.06 %" in result.stdout
    assert "1.9 % (Transformer)" in result.stdout
    assert "told by server" in result.stdout
    german = run("list", "--language", "de").stdout
    assert "voxpopuli-de" in german
    assert "wav2vec2-base-960h" not in german


def test_list_as_json_has_the_sources() -> None:
    table = json.loads(run("list", "--json").stdout)
    assert [model["name"] for model in table["installed"]] == [STARTER_NAME]
    base = table["catalogue"][0]
    assert base["size_bytes"] == 411_758_530
    assert base["word_error_rates"][0]["source"].startswith("huggingface.co/")
    assert table["catalogue"][1]["size_bytes"] is None


def test_download_list_remove(catalogue: Path) -> None:
    result = download(catalogue)
    assert result.exit_code == 0, result.stderr
    assert "Tiny wav2vec 2.0 is installed in" in result.stdout
    assert result.stderr.split() == ["downloading", "converting"]
    assert "Tiny wav2vec 2.0" in run("list").stdout
    assert "installed already" in download(catalogue).stderr
    assert run("remove", "tiny", typed="n\n").exit_code == 0
    assert len(find_models()) == 2
    result = run("remove", "tiny", typed="y\n")
    assert "Tiny wav2vec 2.0 is removed" in result.stdout
    assert [folder.path.name for folder in find_models()] == ["starter"]


def test_the_shipped_model_stays() -> None:
    result = run("remove", "starter", "--yes")
    assert result.exit_code == 1
    assert "is not removed from here" in result.stderr


def test_a_language_model_for_an_installed_model(catalogue: Path) -> None:
    assert download(catalogue, "--language-model", "none").exit_code == 0
    result = run("download", "tiny-2gram", "--for", "tiny", "--catalogue", catalogue)
    assert result.exit_code == 0, result.stderr
    assert find_models()[-1].file("language_model") is not None


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["download", "tiny"], "no model called 'tiny'"),
        (["download", "hubert-large", "--language-model", "x"], "no language model called 'x'"),
        (["download", "librispeech-3gram", "--for", "nothing"], "no model named 'nothing'"),
        (["remove", "nothing"], "no model named 'nothing'"),
        (["bench", "nothing"], "no model named 'nothing'"),
        (["list", "--catalogue", "nowhere.toml"], "nowhere.toml cannot be used"),
    ],
)
def test_a_wrong_name_is_said(arguments: list[str], complaint: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 1
    assert complaint in result.stderr


def test_the_switch_in_the_settings_is_obeyed(catalogue: Path, server: BadServer, tmp_path: Path) -> None:
    folder = tmp_path / "strict"
    folder.mkdir()
    (folder / "settings.toml").write_text("[network]\nis_allowed = false\n")
    result = download(catalogue, "--config", str(folder))
    assert result.exit_code == 1
    assert "The network is switched off" in result.stderr
    assert server.asked == []


def test_a_data_folder_that_cannot_be_written_is_said(catalogue: Path, server: BadServer) -> None:
    folder = model_roots()[-1].parent
    folder.mkdir(parents=True)
    (folder / "downloads").write_text("")  # a file in its place stops root too
    result = download(catalogue)
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit), "no traceback"
    assert result.stderr.startswith("error: tiny cannot be kept in ")
    assert len(result.stderr.splitlines()) == 2, "what happened, and what to do"
    assert server.asked == []


@pytest.mark.parametrize("option", ["", "--no-keep"])
def test_ctrl_c_keeps_what_came_unless_told_otherwise(catalogue: Path, server: BadServer, option: str) -> None:
    part = model_roots()[-1].parent / "downloads" / "tiny" / "tiny.pt.part"
    server.faults.append(bad_server.stall_after(1000))
    command = [sys.executable, "-m", "dictation", "models", "download", "tiny", "--catalogue", str(catalogue)]
    with subprocess.Popen([*command, *filter(None, [option])], cwd=ROOT, stderr=subprocess.PIPE, text=True) as program:
        assert program.stderr is not None
        assert program.stderr.readline() == "downloading\n"
        while not part.exists() or part.stat().st_size < 1000:
            assert program.poll() is None
        program.send_signal(signal.SIGINT)
        said = program.stderr.read()
    assert program.returncode == 130
    if option:
        assert "nothing is left" in said
        assert not part.parent.exists()
        return
    assert "paused; 0 MB are kept, and the same command goes on" in said
    assert "Interrupted: tiny" in run("list").stdout
    assert download(catalogue).exit_code == 0
    assert server.ranges[:2] == ["", "bytes=1000-"]


@pytest.mark.model
def test_bench_times_the_models_of_that_name() -> None:
    result = run("bench", "starter", "--json")
    assert result.exit_code == 0, result.stderr
    timed = json.loads(result.stdout)
    assert [one["model_name"] for one in timed if one["device_name"] == "CPU"] == [STARTER_NAME]
    assert timed[0]["network_s"] > 0
    assert timed[0]["search_s"] > 0
