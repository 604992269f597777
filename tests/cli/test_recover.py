"""``dictation recover``: what a killed program has heard, from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dictation.audio.growing_wav import read_growing_wav
from dictation.cli import main
from dictation.core.errors import ModelMissing
from dictation.core.records import Recognition, Samples
from dictation.core.settings import RecognizerSettings
from dictation.runtime import backends
from tests.support.fake_submit import recognition_of


class _FakeRecognizer:
    def load(self) -> None:
        pass

    def recognize(self, samples: Samples) -> Recognition:
        return recognition_of(f"{samples.size} frames", 1.0)


def _use(monkeypatch: pytest.MonkeyPatch, error: Exception | None = None) -> None:
    def make(_settings: RecognizerSettings) -> _FakeRecognizer:
        if error is not None:
            raise error
        return _FakeRecognizer()

    real = backends.real_backends()
    fake = backends.Backends(real.make_source, real.list_inputs, real.refresh_inputs, make, tuple)
    monkeypatch.setattr(backends, "real_backends", lambda _path=None: fake)


def _run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["recover", *map(str, arguments)])


def test_nothing_waiting_is_said() -> None:
    result = _run()
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "note: no speech is waiting\n")


def test_words_go_to_standard_output_and_the_sound_stays_until_told(
    kept: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    _use(monkeypatch)
    result = _run()
    assert result.exit_code == 0, result.output
    assert result.stdout == "8000 frames\n24000 frames\n"
    assert all(path.exists() for path in kept)
    assert _run("--delete").stdout == result.stdout
    assert not kept[0].parent.exists()


def test_the_list_names_the_files(kept: list[Path]) -> None:
    lines = _run("--list", "--delete").stdout.splitlines()
    assert [line.split()[-1] for line in lines] == [str(path) for path in kept]
    assert all(path.exists() for path in kept)


def test_the_sound_can_be_saved(kept: list[Path], tmp_path: Path) -> None:
    saved = [Path(line) for line in _run("--save", tmp_path / "out").stdout.splitlines()]
    assert [read_growing_wav(path).size for path in saved] == [8000, 24000]
    (tmp_path / "file").touch()
    failed = _run("--save", tmp_path / "file" / "out", "--delete")
    assert failed.exit_code == 1
    assert "could not be saved" in failed.stderr
    assert all(path.exists() for path in kept)


def test_without_a_model_nothing_is_deleted(kept: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    _use(monkeypatch, ModelMissing("No recognition model was found."))
    result = _run("--delete")
    assert result.exit_code == 1
    assert "No recognition model" in result.stderr
    assert all(path.exists() for path in kept)
