"""``dictation doctor``: what a bug report needs, as plain text; no transcripts and no names of documents."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from dictation import __version__
from dictation.cli.console import Choices, common_options

PACKAGES = (
    "torch", "torchaudio", "PySide6-Essentials", "numpy", "soxr", "sounddevice", "av", "pyctcdecode", "kenlm",
    "safetensors", "click", "pypdf", "defusedxml",
)  # fmt: skip

Lines = Iterator[str]


@click.command()
@common_options
@click.pass_context
def doctor(context: click.Context) -> None:
    """Report versions, devices, GPU, models and a self-test, as text to paste in a bug report.

    Exit code 1 says that something does not work.
    """
    choices = context.ensure_object(Choices)
    sections: tuple[tuple[str, Callable[[Choices], Lines]], ...] = (
        ("System", _system),
        ("Packages", _packages),
        ("Settings", _settings),
        ("Audio", _audio),
        ("GPU", _gpu),
        ("Models", _models),
        ("Self-test", _self_test),
    )
    failures = sum(not _show(title, lines(choices)) for title, lines in sections)
    context.exit(1 if failures else 0)


def _show(title: str, lines: Lines) -> bool:
    """Print a section; return False if it broke off, whatever the reason: the others are still wanted."""
    click.echo(title)
    try:
        for line in lines:
            click.echo(f"  {_without_home(line)}")
    except Exception as error:  # noqa: BLE001  # a doctor must not die of the disease
        click.echo(f"  FAILED: {_without_home(str(error))} ({type(error).__name__})")
        return False
    return True


def _without_home(line: str) -> str:
    """Put ~ for the home folder: its name is often the user's."""
    home = str(Path.home())
    return line.replace(home, "~") if len(home) > 1 else line


def _system(_choices: Choices) -> Lines:
    yield f"dictation {__version__}"
    yield f"Python {platform.python_version()} ({platform.python_implementation()})"
    yield f"{platform.platform()}, {os.cpu_count()} cores"


def _packages(_choices: Choices) -> Lines:
    absent = []
    for name in PACKAGES:
        try:
            yield f"{name} {importlib.metadata.version(name)}"
        except importlib.metadata.PackageNotFoundError:  # noqa: PERF203  # the others are wanted all the same
            absent.append(name)
    if absent:
        raise LookupError(f"not installed: {', '.join(absent)}")


def _settings(choices: Choices) -> Lines:
    from dictation.runtime.settings_file import FILE_NAME, config_folder, read_settings

    path = config_folder(choices.config_folder) / FILE_NAME
    yield f"{path} ({'present' if path.exists() else 'not written yet'})"
    yield from read_settings(path).problems


def _audio(_choices: Choices) -> Lines:
    from dictation.audio.devices import list_inputs, portaudio

    with portaudio() as sounddevice:
        yield sounddevice.get_portaudio_version()[1]
    found = list_inputs()
    for device in found:
        default = ", default" if device.is_default else ""
        yield f"{device.name}: {device.host_api}, {device.channels} ch, {device.default_rate_hz} Hz{default}"
    if not found:
        yield "no input device"


def _gpu(choices: Choices) -> Lines:
    """Test all GPUs anew in a child process; what it finds replaces what the program remembered."""
    from dictation.asr.hardware import probe
    from dictation.asr.hardware_answers import answer_key, write_answer
    from dictation.core.errors import ModelError
    from dictation.runtime.backends import choose_model

    try:
        folder = choose_model(choices.read_settings().recognizer.model_path, choices.model_path)
    except ModelError:  # the section on models says so
        report = probe(None)
    else:
        report = probe(folder.path)
        write_answer(answer_key(folder.files["weights"].sha256, report.driver), report)
    yield f"torch {report.torch_version or 'does not answer'}"
    yield f"CPU: {report.cpu_capability or 'unknown instructions'}, threads: {report.cpu_threads}"
    yield f"GPU driver: {report.driver or 'none'}"
    for gpu in report.gpus:
        capability = f", compute capability {gpu.capability}" if gpu.capability else ""
        verdict = f"right in {gpu.precision}, {gpu.test_ms:.0f} ms" if gpu.is_usable else gpu.fault or "not tested"
        yield f"{gpu.device}: {gpu.name}, {gpu.memory_mb} MiB{capability}: {verdict}"
    if report.problem or any(gpu.fault for gpu in report.gpus):
        raise RuntimeError(report.note("auto") or "a GPU is out of order; another one is used")
    if not report.gpus:
        yield "no GPU; the CPU is used"


def _models(choices: Choices) -> Lines:
    from dictation.asr.model_folder import find_models, model_roots
    from dictation.core.errors import ModelMissing

    yield f"looked in {', '.join(str(root) for root in model_roots())}"
    found = find_models(choices.model_path)
    for folder in found:
        choice = folder.choice()
        yield f"{choice.name} ({choice.language}, {choice.size_bytes / 1e6:.1f} MB) in {choice.path}"
        folder.verify()
        yield "  files verified (SHA-256)"
    if not found:
        raise ModelMissing("no model found")


def _self_test(choices: Choices) -> Lines:
    from dictation.runtime.backends import real_backends

    recognizer = real_backends(choices.model_path).make_recognizer(choices.read_settings().recognizer)
    report = recognizer.load()
    yield f"{report.model_name} on {report.device_name}, loaded in {report.load_s:.1f} s"
    if report.note:
        yield report.note
    for run in report.runs:
        yield f"{'ok' if run.is_ok else 'WRONG'} in {run.seconds * 1000:.0f} ms: {run.text!r}"
    if not report.is_ok:
        raise RuntimeError(f"expected {report.runs[0].expected!r}")
