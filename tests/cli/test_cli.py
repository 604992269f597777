"""The command line as a user types it: fast help, one clear line per error, texts where they were asked for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from dictation import __version__
from dictation.cli import main
from dictation.core.errors import ModelMissing, PortAudioMissing
from dictation.core.records import Recognition, Samples
from dictation.core.status import InputDevice
from dictation.runtime import backends
from tests.support.fake_submit import recognition_of
from tests.support.media_files import write_float_wav
from tests.support.synth import babble, join, noise, silence


class _FakeRecognizer:
    """Says "hello world" to everything."""

    device_name, note, model_name, look_ahead = "CPU", "", "fake", 0
    closed = 0

    def close(self) -> None:
        type(self).closed += 1

    def load(self) -> _FakeRecognizer:
        return self

    def recognize(self, samples: Samples, **_more: object) -> Recognition:
        return recognition_of("hello world", samples.size / 16_000)


@pytest.fixture
def _fake_model(monkeypatch: pytest.MonkeyPatch) -> None:
    real = backends.real_backends

    def fake_backends(model_path: Path | None = None) -> backends.Backends:
        given = real(model_path)
        return backends.Backends(
            given.make_source, given.list_inputs, given.refresh_inputs, lambda _settings: _FakeRecognizer(), tuple
        )

    monkeypatch.setattr(backends, "real_backends", fake_backends)


def _run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def _talk(path: Path) -> Path:
    parts = [part for seed in range(2) for part in (noise(0.7, -80, seed), babble(1.0, seed=seed))]
    return write_float_wav(path, join(*parts, noise(0.7, -80, 99)))


def test_help_loads_neither_torch_nor_qt_nor_numpy() -> None:
    code = (
        "import sys\n"
        "from dictation.cli import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "heavy = {'torch', 'numpy', 'av', 'sounddevice', 'PySide6'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for command in ("transcribe", "listen", "devices", "doctor"):
        assert command in done.stdout


def test_the_version() -> None:
    assert __version__ in _run("--version").output


@pytest.mark.usefixtures("_fake_model")
def test_one_file_as_text_on_standard_output(tmp_path: Path) -> None:
    closed = _FakeRecognizer.closed
    result = _run("transcribe", _talk(tmp_path / "talk.wav"))
    assert result.exit_code == 0, result.output
    assert result.stdout == "hello world\nhello world\n"
    assert result.stderr == ""
    assert _FakeRecognizer.closed == closed + 1


@pytest.mark.usefixtures("_fake_model")
def test_a_gpu_that_fails_on_the_way_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail_over(self: _FakeRecognizer, samples: Samples, **_more: object) -> Recognition:
        self.note = "The GPU failed (it ran out of memory); using the CPU."
        return recognition_of("hello world", samples.size / 16_000)

    monkeypatch.setattr(_FakeRecognizer, "recognize", fail_over)
    result = _run("transcribe", _talk(tmp_path / "talk.wav"))
    assert result.stdout == "hello world\nhello world\n"
    assert result.stderr == "note: The GPU failed (it ran out of memory); using the CPU.\n"


@pytest.mark.usefixtures("_fake_model")
def test_json_has_segments_words_times_and_confidence(tmp_path: Path) -> None:
    path = _talk(tmp_path / "talk.wav")
    (line,) = _run("transcribe", "--format", "json", path).stdout.splitlines()
    found = json.loads(line)
    assert found["file"] == str(path)
    assert found["text"] == "hello world\nhello world"
    assert found["duration_s"] == pytest.approx(4.1, abs=0.1)
    first, second = found["segments"]
    assert second["start_s"] == pytest.approx(2.4 - 0.15, abs=0.1)
    word = second["words"][1]
    assert (word["text"], word["confidence"]) == ("world", 0.9)
    assert word["start_s"] == pytest.approx(second["start_s"] + 0.5)
    assert first["end_s"] < second["start_s"]


@pytest.mark.usefixtures("_fake_model")
def test_good_and_bad_files_in_a_folder_give_texts_and_lines(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    _talk(folder / "a.wav")
    _talk(folder / "sub" / "a.wav")
    (folder / "b.mp3").write_bytes(np.random.default_rng(5).bytes(3000))
    write_float_wav(folder / "c.wav", silence(2.0))
    result = _run("transcribe", folder, "--output", tmp_path / "out")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a (2).txt", "a.txt", "c.txt"]
    assert (tmp_path / "out" / "a (2).txt").read_text() == "hello world\nhello world\n"
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert "b.mp3" in errors[0]
    assert "note: c.wav: The file is silent." in result.stderr


@pytest.mark.usefixtures("_fake_model")
def test_a_result_that_is_there_already_is_not_overwritten_unless_told_to(tmp_path: Path) -> None:
    first, second, out = _talk(tmp_path / "a.wav"), _talk(tmp_path / "b.wav"), tmp_path / "out"
    out.mkdir()
    (out / "a.txt").write_text("edited by hand")
    refused = _run("transcribe", first, second, "--output", out)
    assert refused.exit_code == 1
    assert str(out / "a.txt") in refused.stderr
    assert "--force" in refused.stderr
    assert [path.name for path in out.iterdir()] == ["a.txt"]
    assert (out / "a.txt").read_text() == "edited by hand"
    assert _run("transcribe", "--format", "json", first, "--output", out).exit_code == 0  # another name
    assert _run("transcribe", first, second, "--output", out, "--force").exit_code == 0
    assert (out / "a.txt").read_text() == (out / "b.txt").read_text() == "hello world\nhello world\n"


@pytest.mark.usefixtures("_fake_model")
def test_a_file_that_appears_while_one_is_transcribed_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    out.mkdir()

    def recognise(_self: _FakeRecognizer, samples: Samples, **_more: object) -> Recognition:
        (out / "a.txt").write_text("somebody else's")
        return recognition_of("hello world", samples.size / 16_000)

    monkeypatch.setattr(_FakeRecognizer, "recognize", recognise)
    assert _run("transcribe", _talk(tmp_path / "a.wav"), "--output", out).exit_code == 0
    assert (out / "a.txt").read_text() == "somebody else's"
    assert (out / "a (2).txt").read_text() == "hello world\nhello world\n"


@pytest.mark.usefixtures("_fake_model")
def test_several_texts_on_standard_output_are_told_apart(tmp_path: Path) -> None:
    first, second = _talk(tmp_path / "a.wav"), _talk(tmp_path / "b.wav")
    text = "hello world\nhello world\n\n"
    assert _run("transcribe", first, second).stdout == f"{first}:\n{text}{second}:\n{text}"


@pytest.mark.usefixtures("_fake_model")
def test_what_was_read_before_a_fault_is_written_and_the_fault_reported(tmp_path: Path) -> None:
    samples = join(noise(0.7, -80, 1), babble(1.0), noise(1.0, -80, 2))
    samples[-10] = np.nan
    result = _run("transcribe", write_float_wav(tmp_path / "nan.wav", samples))
    assert result.exit_code == 1
    assert result.stdout == "hello world\n"
    assert "error: nan.wav" in result.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no names that are not text")
@pytest.mark.usefixtures("_fake_model")
def test_a_name_that_is_not_utf8_does_not_stop_the_queue(tmp_path: Path) -> None:
    odd, plain = _talk(tmp_path / os.fsdecode(b"na\xffme.wav")), _talk(tmp_path / "plain.wav")
    assert _run("transcribe", "--format", "json", "--output", tmp_path / "out", odd, plain).exit_code == 0
    written = json.loads((tmp_path / "out" / f"{odd.stem}.json").read_text(encoding="utf-8"))
    assert Path(written["file"]).name == "na\N{REPLACEMENT CHARACTER}me.wav"
    assert (tmp_path / "out" / "plain.json").exists()
    assert "na\N{REPLACEMENT CHARACTER}me.wav:" in _run("transcribe", odd, plain).stdout


@pytest.mark.usefixtures("_fake_model")
def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = _run("transcribe", _talk(tmp_path / "a.wav"), "--output", tmp_path / "file" / "out")
    assert result.exit_code == 1
    assert "error: a.wav: its text could not be written" in result.stderr


@pytest.mark.usefixtures("_fake_model")
@pytest.mark.parametrize("name", ["absent.wav", "empty"])
def test_nothing_to_read_is_an_error(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = _run("transcribe", tmp_path / name)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: {name}: ")


@pytest.mark.parametrize("before", [True, False])
def test_the_model_may_be_named_on_either_side_of_the_command(before: bool, tmp_path: Path) -> None:
    model = ["--model", tmp_path / "nowhere"]
    command = ["transcribe", _talk(tmp_path / "a.wav")]
    result = _run(*(model + command if before else command + model))
    assert result.exit_code == 1
    assert "error: " in result.stderr
    assert "nowhere" in result.stderr
    assert ModelMissing.remedy in result.stderr


def test_settings_with_a_fault_are_noted_and_do_not_stop(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("[window]\nfont_px = 2\n")
    result = _run("--config", tmp_path, "transcribe", tmp_path / "absent.wav", "--model", tmp_path / "nowhere")
    assert "note: window.font_px" in result.stderr


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[InputDevice]]:
    from dictation.audio import devices as module

    found: list[InputDevice] = []
    monkeypatch.setattr(module, "list_inputs", lambda: tuple(found))
    return found


def test_devices_are_listed_with_a_star_at_the_default(devices: list[InputDevice]) -> None:
    devices += [InputDevice("Built-in", "ALSA", 2, 48_000, is_default=True), InputDevice("USB", "ALSA", 1, 44_100)]
    assert _run("devices").stdout.splitlines() == [
        "* Built-in  ALSA, 2 channels, 48000 Hz",
        "  USB       ALSA, 1 channel, 44100 Hz",
    ]


def test_no_device_is_an_error_with_a_remedy(devices: list[InputDevice]) -> None:
    result = _run("devices")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[0] == "error: There is no input device."
    assert "Plug in" in result.stderr


def test_a_missing_portaudio_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    from dictation.audio import devices as module

    def missing() -> tuple[InputDevice, ...]:
        raise PortAudioMissing("PortAudio is not installed.")

    monkeypatch.setattr(module, "list_inputs", missing)
    result = _run("devices")
    assert result.exit_code == 1
    assert "libportaudio2" in result.stderr


def test_doctor_goes_on_after_a_section_that_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def broken(_choices: object) -> Iterator[str]:
        yield "before"
        raise OSError(f"{Path.home()}/secret is broken")

    def fine(_choices: object) -> Iterator[str]:
        yield f"in {Path.home()}/x"

    module = sys.modules["dictation.cli.doctor"]  # the package's attribute of that name is the command
    for name in ("_audio", "_gpu", "_models"):
        monkeypatch.setattr(module, name, fine)
    monkeypatch.setattr(module, "_self_test", broken)
    result = _run("doctor")
    assert result.exit_code == 1
    assert "  before\n  FAILED: ~/secret is broken (OSError)\n" in result.stdout
    assert result.stdout.count("in ~/x") == 3
    assert f"dictation {__version__}" in result.stdout
    assert "settings.toml" in result.stdout
    assert str(Path.home()) not in result.stdout


@pytest.mark.model
def test_doctor_tests_the_real_model() -> None:
    result = _run("doctor")
    assert "files verified" in result.stdout
    assert result.stdout.count("ok in ") == 3


@pytest.mark.model
def test_a_real_recording_is_transcribed() -> None:
    clip = Path(__file__).resolve().parents[2] / "models" / "starter" / "reference.wav"
    assert _run("transcribe", clip).stdout == "this is a test of the dictation program\n"
