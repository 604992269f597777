"""``dictation listen``: live text in the terminal, here with a file in the place of the microphone."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PySide6.QtCore import QCoreApplication, QTimer

from dictation.asr.recognizer import LoadReport
from dictation.asr.self_test import SelfTestRun
from dictation.audio.source import AudioSource
from dictation.audio.wave_source import WaveSource
from dictation.cli import main
from dictation.core.errors import InvalidAudio, ModelMissing
from dictation.core.records import Recognition, Samples
from dictation.core.settings import AudioSettings
from dictation.runtime import backends
from dictation.runtime.kept_sounds import usual_root
from tests.support.fake_submit import recognition_of
from tests.support.media_files import write_float_wav
from tests.support.synth import babble, join, noise


class _FakeRecognizer:
    device_name, note = "CPU", ""

    def load(self) -> LoadReport:
        return LoadReport("fake", "CPU", "", 0.0, (SelfTestRun("word", "word", 0.0),) * 3)

    def configure(self, _settings: object) -> None:
        pass

    def recognize(self, samples: Samples, *_rest: object, **_more: object) -> Recognition:
        return recognition_of("hello world", samples.size / 16_000)

    def tend(self) -> None:
        pass

    def close(self) -> None:
        pass


def _no_model(_settings: object) -> _FakeRecognizer:
    raise ModelMissing("No recognition model was found.")


@pytest.fixture(autouse=True)
def _application(qapp: QCoreApplication) -> None:
    """``listen`` uses the one there is."""


@pytest.fixture
def listen(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    real = backends.real_backends

    def run(
        *arguments: str | Path,
        make_recognizer: Callable[[object], object] = lambda _settings: _FakeRecognizer(),
        make_source: Callable[[AudioSettings], AudioSource] | None = None,
    ) -> Result:
        def fake_backends(model_path: Path | None = None) -> backends.Backends:
            given = replace(real(model_path), make_recognizer=make_recognizer, refresh_inputs=lambda: None)
            return replace(given, make_source=make_source) if make_source else given

        monkeypatch.setattr(backends, "real_backends", fake_backends)
        return CliRunner().invoke(main, ["listen", *(str(argument) for argument in arguments)])

    return run


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_float_wav(tmp_path / "talk.wav", join(noise(0.3, -80, 1), babble(0.8), noise(0.6, -80, 2)))


def test_a_file_is_played_to_its_end_and_its_words_written(listen: Callable[..., Result], clip: Path) -> None:
    result = listen("--file", clip)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "hello world\n"
    assert result.stderr.count("listening to talk.wav") == 1


def test_a_gpu_that_fails_on_the_way_is_told(
    listen: Callable[..., Result], clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_over(self: _FakeRecognizer, samples: Samples, *_rest: object, **_more: object) -> Recognition:
        self.note = "The GPU failed (it ran out of memory); using the CPU."
        return recognition_of("hello world", samples.size / 16_000)

    monkeypatch.setattr(_FakeRecognizer, "recognize", fail_over)
    result = listen("--file", clip)
    assert result.stdout == "hello world\n"
    assert result.stderr.count("note: The GPU failed (it ran out of memory); using the CPU.") == 1


def test_without_a_model_it_says_how_to_get_one(listen: Callable[..., Result], clip: Path) -> None:
    result = listen("--file", clip, make_recognizer=_no_model)
    assert result.exit_code == 1
    assert "error: No recognition model was found." in result.stderr
    assert ModelMissing.remedy in result.stderr


def test_a_clip_that_cannot_be_read_is_one_error(listen: Callable[..., Result], tmp_path: Path) -> None:
    result = listen("--file", tmp_path / "absent.wav")
    assert result.exit_code == 1
    assert "error: absent.wav" in result.stderr


def _kept_files() -> list[Path]:
    return list(usual_root().glob("*/*.wav"))


@pytest.fixture
def kept_counts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many utterances lie on the disk, each time one is recognised."""
    counts: list[int] = []
    recognize = _FakeRecognizer.recognize

    def count_files(self: _FakeRecognizer, samples: Samples, *rest: object, **more: object) -> Recognition:
        counts.append(len(_kept_files()))
        return recognize(self, samples, *rest, **more)

    monkeypatch.setattr(_FakeRecognizer, "recognize", count_files)
    return counts


@pytest.fixture
def listen_and_interrupt(listen: Callable[..., Result], tmp_path: Path) -> Callable[[], Result]:
    """Talk for a minute into the microphone's place, and press Ctrl+C after 1.5 s."""

    def run() -> Result:
        long_talk = write_float_wav(tmp_path / "long.wav", babble(60.0))
        QTimer.singleShot(1500, lambda: os.kill(os.getpid(), signal.SIGINT))
        return listen(make_source=lambda _settings: WaveSource(long_talk))

    return run


def test_control_c_finishes_what_was_said(listen_and_interrupt: Callable[[], Result]) -> None:
    result = listen_and_interrupt()
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("hello world")


def test_live_speech_lies_on_the_disk_until_its_line_is_written(
    listen_and_interrupt: Callable[[], Result], kept_counts: list[int]
) -> None:
    result = listen_and_interrupt()
    assert result.stdout.startswith("hello world")
    assert kept_counts[-1] == 1
    assert not _kept_files()
    assert "recover" not in result.stderr


def test_speech_that_got_no_words_stays_and_is_told(
    listen_and_interrupt: Callable[[], Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_self: object, *_rest: object, **_more: object) -> Recognition:
        raise InvalidAudio("broken")

    monkeypatch.setattr(_FakeRecognizer, "recognize", fail)
    result = listen_and_interrupt()
    assert len(_kept_files()) == 1
    assert result.stderr.endswith("s of speech have no words yet: dictation recover\n")


def test_speech_that_cannot_be_kept_is_told_and_written_all_the_same(
    listen_and_interrupt: Callable[[], Result],
) -> None:
    usual_root().parent.mkdir(parents=True, exist_ok=True)
    usual_root().write_bytes(b"a file in the folder's place")
    result = listen_and_interrupt()
    assert result.stdout.startswith("hello world")
    assert result.stderr.count("error: Speech is not being kept safe on the disk") == 1


@pytest.mark.usefixtures("kept")
def test_speech_of_an_earlier_run_is_told_and_left_alone(listen: Callable[..., Result]) -> None:
    result = listen(make_recognizer=_no_model)
    assert result.stderr.count("2.0 s of speech from an earlier run have no words yet: dictation recover") == 1
    assert result.stderr.count("dictation recover") == 1
    assert len(_kept_files()) == 2


def test_a_file_is_not_kept_twice(listen: Callable[..., Result], clip: Path, kept_counts: list[int]) -> None:
    assert listen("--file", clip).exit_code == 0
    assert kept_counts
    assert not any(kept_counts)
