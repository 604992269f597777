"""``dictation models``: list, download, remove and time models."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dictation.cli.console import Choices, common_options, say_error, say_note
from dictation.cli.models_import import find_model, import_command
from dictation.core.errors import DictationError
from dictation.core.hardware import LEAST_HALF_GAIN

if TYPE_CHECKING:
    from dictation.asr.model_folder import ModelFolder
    from dictation.library.catalogue import Catalogue, CatalogueEntry
    from dictation.library.machine import Machine

_catalogue_option = click.option(
    "--catalogue", "catalogue_path", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Read another catalogue of the same form.",
)  # fmt: skip


@click.group()
def models() -> None:
    """List, download, import, remove and time models."""


models.add_command(import_command)


@models.command("list")
@_catalogue_option
@click.option("--language", metavar="TAG", help="Only models of this language, such as en or de.")
@click.option("--json", "is_json", is_flag=True, help="Write JSON for programs.")
@common_options
@click.pass_context
def list_models(context: click.Context, catalogue_path: Path | None, language: str | None, *, is_json: bool) -> None:
    """List what is installed and what can be downloaded; nothing is fetched for it."""
    from dictation.library.machine import look_at_machine, without_unused_gpus
    from dictation.library.recommend import recommend

    catalogue, installed = _catalogue(catalogue_path), _installed()
    entries = [entry for entry in catalogue.models if language in (None, entry.language)]
    processor = context.ensure_object(Choices).read_settings().recognizer.processor
    machine = without_unused_gpus(look_at_machine(), processor)
    recommended = recommend(entries, machine, language or "en")
    if is_json:
        click.echo(json.dumps(_as_json(installed, entries, recommended), ensure_ascii=False, indent=2))
        return
    click.echo("Installed")
    _table([[folder.path.name, folder.name, folder.language, _size(folder.choice().size_bytes), str(folder.path)]
            for folder in installed if language in (None, folder.language)])  # fmt: skip
    click.echo("\nTo download: dictation models download KEY")
    click.echo(f"* suits this machine: {_describe(machine)}")
    heads = ["", "KEY", "NAME", "LANG", "SIZE", "MEMORY", "WORD ERRORS", "LICENCE"]
    _table([heads, *(_row(entry, is_recommended=entry in recommended) for entry in entries)])
    click.echo("  Word errors: LibriSpeech test-clean / test-other, as published; sources with --json.")
    click.echo("\nLanguage models: --language-model KEY, or for an installed model --for NAME")
    _table([[model.key, model.name, model.language, _size(model.file.size_bytes), model.remark]
            for model in catalogue.language_models if language in (None, model.language)])  # fmt: skip
    _list_paused()


@models.command()
@click.argument("key")
@click.option("--language-model", metavar="KEY", help="Another language model than the catalogue's choice, or none.")
@click.option("--for", "target", metavar="NAME", help="KEY is a language model for this installed model.")
@click.option("--no-keep", is_flag=True, help="Ctrl+C throws away what has arrived, instead of keeping it.")
@_catalogue_option
@common_options
@click.pass_context
def download(
    context: click.Context,
    key: str,
    language_model: str | None,
    target: str | None,
    catalogue_path: Path | None,
    *,
    no_keep: bool,
) -> None:
    """Download and install a model. Ctrl+C pauses; the same command goes on."""
    from dictation.cli.download_bar import DownloadBar
    from dictation.library.download import Downloader
    from dictation.library.install import (
        InstallCallbacks,
        discard_download,
        install,
        install_language_model,
        paused_downloads,
        user_models_folder,
    )

    catalogue, folder = _catalogue(catalogue_path), user_models_folder()
    downloader = Downloader(context.ensure_object(Choices).read_settings().network)
    bar = DownloadBar()
    callbacks = InstallCallbacks(bar.show)
    try:
        if target is not None:
            model = catalogue.language_model(key)
            installed = install_language_model(model, find_model(target), folder, downloader, callbacks)
        else:
            installed = install(_entry(catalogue, key, language_model), folder, downloader, callbacks)
    except KeyboardInterrupt:
        bar.end()
        if no_keep:
            discard_download(key, folder)
            say_note("given up; nothing is left")
        else:
            kept = paused_downloads(folder).get(key, 0)
            say_note(f"paused; {_size(kept)} are kept, and the same command goes on")
        context.exit(130)
    finally:
        bar.end()
    click.echo(f"{installed.name} is installed in {installed.path}")


@models.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(name: str, *, yes: bool) -> None:
    """Remove an installed model, by its name or its folder's. The one that came with the program stays."""
    from dictation.library import install as library

    folder = find_model(name)
    size = _size(folder.choice().size_bytes)
    if yes or click.confirm(f"Remove {folder.name} ({size}) from {folder.path}?", err=True):
        library.remove(folder, library.user_models_folder())
        click.echo(f"{folder.name} is removed; {size} are free again")


@models.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--json", "is_json", is_flag=True, help="Write JSON for programs.")
@common_options
@click.pass_context
def bench(context: click.Context, names: tuple[str, ...], *, is_json: bool) -> None:
    """Time installed models on a 10 s clip, on the CPU and on the GPU if there is one.

    Exit code 1 says that some model could not be loaded.
    """
    from dataclasses import asdict

    from dictation.library.bench import bench as run_bench
    from dictation.library.bench import for_processor, has_cuda, make_clip

    settings = context.ensure_object(Choices).read_settings().recognizer
    folders = [find_model(name) for name in names] or _installed()
    clip = make_clip(_installed())
    results, failures = [], 0
    for folder in folders:
        for processor in ("cpu", "cuda") if has_cuda() else ("cpu",):
            try:
                results.append(run_bench(folder, for_processor(settings, processor), clip))
            except DictationError as error:  # noqa: PERF203  # the others are wanted all the same
                failures += 1
                say_error(str(error), error.remedy)
    if is_json:
        click.echo(json.dumps([asdict(result) for result in results], ensure_ascii=False, indent=2))
    else:
        heads = ["MODEL", "PROCESSOR", "LOAD", "NETWORK", "SEARCH", "10 S CLIP", "REAL-TIME FACTOR"]
        rows = [
            [result.model_name, result.device_name, f"{result.load_s:.1f} s", f"{result.network_s * 1000:.0f} ms",
             f"{result.search_s * 1000:.0f} ms", f"{result.clip_s * 1000:.0f} ms", f"{result.real_time_factor:.3f}"]
            for result in results
        ]  # fmt: skip
        _table([heads, *rows])
    context.exit(1 if failures else 0)


def _catalogue(path: Path | None) -> Catalogue:
    from dictation.library.catalogue import load_catalogue, shipped_catalogue

    return shipped_catalogue() if path is None else load_catalogue(path)


def _installed() -> list[ModelFolder]:
    from dictation.asr.model_folder import find_models

    return find_models()


def _entry(catalogue: Catalogue, key: str, language_model: str | None) -> CatalogueEntry:
    entry = catalogue.model(key)
    if language_model is None:
        return entry
    return entry.with_language_model(None if language_model == "none" else catalogue.language_model(language_model))


def _row(entry: CatalogueEntry, *, is_recommended: bool) -> list[str]:
    return ["*" if is_recommended else "", entry.key, entry.name, entry.language, _size(entry.size_bytes),
            _size(entry.memory_mb * 10**6), _errors(entry), entry.licence]  # fmt: skip


def _errors(entry: CatalogueEntry) -> str:
    """The lowest published rate on each test set; those of a Transformer, which this program lacks, only if need be."""
    within_reach = [rate for rate in entry.word_error_rates if rate.language_model != "Transformer"]
    rates = within_reach or entry.word_error_rates
    lowest = {name: min(rate.percent for rate in rates if rate.measured_on == name)
              for name in dict.fromkeys(rate.measured_on for rate in rates)}  # fmt: skip
    if not lowest:
        return "unknown"
    return " / ".join(f"{percent:g}" for percent in lowest.values()) + (" %" if within_reach else " % (Transformer)")


def _describe(machine: Machine) -> str:
    gpus = "".join(f", {gpu.name} with {_size(gpu.memory_mb * 10**6)}" for gpu in machine.gpus)
    cores = "1 core" if machine.cores == 1 else f"{machine.cores} cores"
    memory = f"{_size(machine.memory_mb * 10**6)} of memory"
    half = f" ({machine.half_gain:.1f} x that in bfloat16)" if machine.half_gain >= LEAST_HALF_GAIN else ""
    return f"{cores}, {machine.cpu_gflops:.0f} GFLOP/s{half}, {memory}{gpus or ', no CUDA GPU'}"


def _list_paused() -> None:
    from dictation.library.install import paused_downloads, user_models_folder

    for key, size_bytes in paused_downloads(user_models_folder()).items():
        click.echo(f"\nInterrupted: {key}, of which {_size(size_bytes)} are kept")


def _as_json(
    installed: Sequence[ModelFolder], entries: Sequence[CatalogueEntry], recommended: Sequence[CatalogueEntry]
) -> dict[str, Any]:
    """Everything known; sizes in bytes, null where only the server knows."""
    return {
        "installed": [vars(folder.choice()) for folder in installed],
        "catalogue": [
            {
                "key": entry.key,
                "name": entry.name,
                "language": entry.language,
                "licence": entry.licence,
                "size_bytes": entry.size_bytes,
                "memory_mb": entry.memory_mb,
                "hardware": entry.hardware,
                "is_recommended": entry in recommended,
                "word_error_rates": [vars(rate) for rate in entry.word_error_rates],
                "files": [vars(file) for file in entry.files],
            }
            for entry in entries
        ],
    }


def _size(size_bytes: int | None) -> str:
    if size_bytes is None:
        return "told by server"
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes >= 10**9 else f"{size_bytes / 1e6:.0f} MB"


def _table(rows: Sequence[Sequence[str]]) -> None:
    """Write rows in columns."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo(f"  {line.rstrip()}")
