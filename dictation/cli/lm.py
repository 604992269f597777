"""``dictation lm``: personal language models from the user's own documents. Nothing leaves the machine."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dictation.cli.console import Choices, common_options, say_note
from dictation.core.errors import SettingsError

if TYPE_CHECKING:
    from dictation.core.personal import BuildProgress, PersonalModelReport
    from dictation.language.personal import BuildOptions, GeneralModel

_BAR_STEPS = 1000


@click.group()
def lm() -> None:
    """Teach it your words: language models made from your documents, on this machine."""


@lm.command()
@click.argument("documents", nargs=-1, required=True, metavar="DOCUMENTS...", type=click.Path(path_type=Path))
@click.option("--name", default="personal", show_default=True, help="What to call it; one of that name is replaced.")
@click.option("--order", default=3, show_default=True, metavar="WORDS", help="Longest word sequence counted, 2 to 5.")
@click.option(
    "--prune", default="", metavar="COUNTS",
    help='Forget sequences seen this often or less, by length: "0 0 1" forgets triples seen once. Without it, large '
    'texts are pruned so, small ones not at all ("0").',
)  # fmt: skip
@click.option(
    "--held-out", default=0.1, show_default=True, metavar="SHARE",
    help="Share of the sentences kept apart to find the best weight and measure what is gained.",
)  # fmt: skip
@click.option(
    "--weight", type=float, metavar="SHARE",
    help="Share of your model in the mixture, instead of the best one for your text; less keeps other topics better.",
)  # fmt: skip
@click.option("--alphabet", default="", metavar="LETTERS", help="Spell with these letters instead of the model's.")
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER", help="Install it here.")
@click.option(
    "--programs", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER",
    help="Pack the model with KenLM's build_binary from this folder: smaller, and loaded at once.",
)  # fmt: skip
@click.option(
    "--quantise", "quantise_bits", default=0, metavar="BITS",
    help="Bits per probability, 2 to 16. Needs --programs: only KenLM's own program can quantise.",
)  # fmt: skip
@common_options
@click.pass_context
def build(
    context: click.Context,
    documents: tuple[Path, ...],
    name: str,
    order: int,
    prune: str,
    held_out: float,
    weight: float | None,
    alphabet: str,
    output: Path | None,
    programs: Path | None,
    quantise_bits: int,
) -> None:
    """Make a personal language model from DOCUMENTS: txt, md, docx, odt and pdf files, or folders of them.

    It is mixed with the language model of the recognition model, with the weight that suits your text best. Words that
    the recognition model did not know become known. Ctrl-C leaves nothing behind. Exit code 1 says that a document
    could not be read; the others are used.
    """
    from dictation.language.personal import build_personal_model
    from dictation.language.store import personal_models_folder

    options = _options(order, prune, held_out, weight, programs, quantise_bits)
    general = _general(context.ensure_object(Choices), alphabet)
    if general.path is None:
        say_note(f"{general.name} has no language model: yours will work alone, and other words will rarely be found.")
    bar = click.progressbar(length=_BAR_STEPS, file=sys.stderr, hidden=not sys.stderr.isatty())
    with bar:

        def show(progress: BuildProgress) -> None:
            bar.label = progress.detail or progress.stage.value
            bar.update(round(_BAR_STEPS * progress.fraction) - bar.pos)

        report = build_personal_model(documents, name, general, options, output, show)
    for problem in report.problems:
        say_note(problem)
    _show_report(report, (output or personal_models_folder()) / name)
    if output is None:
        click.echo(f"to use it: dictation lm use {name}")
    context.exit(1 if report.problems else 0)


def _options(
    order: int, prune: str, held_out: float, weight: float | None, programs: Path | None, quantise_bits: int
) -> BuildOptions:
    """Turn what was typed into options; what is out of range is a usage error."""
    from dictation.language.personal import BuildOptions

    try:
        thresholds = tuple(int(count) for count in prune.split()) or None
        return BuildOptions(order, thresholds, held_out, weight, programs, quantise_bits)
    except ValueError as error:
        raise click.UsageError(f"{error}.") from error


def _general(choices: Choices, alphabet: str) -> GeneralModel:
    """The recognition model to build for, with other letters if they were given."""
    from dictation.language.text import Alphabet
    from dictation.runtime.backends import choose_model
    from dictation.runtime.personal_models import general_model

    folder = choose_model(choices.read_settings().recognizer.model_path, choices.model_path)
    general = general_model(folder)
    letters = frozenset(alphabet) - {" "}
    return replace(general, alphabet=Alphabet(letters)) if letters else general


def _show_report(report: PersonalModelReport, folder: Path) -> None:
    """Say what was read, what is new, and what it gains."""
    click.echo(f"read: {report.words:,} words in {report.sentences:,} sentences; {report.skipped_words:,} left out")
    click.echo(f"vocabulary: {report.vocabulary:,} words, {report.new_words:,} of them new to the recognition model")
    click.echo(f"kept: {', '.join(f'{count:,}' for count in report.ngrams)} sequences of 1 to {report.order} words")
    click.echo(f"weight: {report.weight:.2f} of the mixture")
    if report.perplexity_after is None:
        click.echo("perplexity: too little text was held out to measure it")
    else:
        before = "" if report.perplexity_before is None else f"{report.perplexity_before:.1f} before, "
        after = f"{report.perplexity_after:.1f} after"
        click.echo(f"perplexity of {report.held_out_sentences:,} held-out sentences: {before}{after}")
    click.echo(f"installed: {folder}")


@lm.command("list")
@common_options
@click.pass_context
def list_models(context: click.Context) -> None:
    """List personal language models; a star marks the one in use."""
    from dictation.runtime.personal_models import PersonalModels

    used = context.ensure_object(Choices).read_settings().recognizer.personal_model
    models = PersonalModels().list_models()
    if not models:
        say_note("there is none yet; make one with dictation lm build.")
    for model in models:
        star = "*" if model.name == used else " "
        click.echo(
            f"{star} {model.name}: {model.words:,} words, {model.new_words:,} new, weight {model.weight:.2f} "
            f"with {model.general_model}, {model.created}, {model.size_bytes / 1e6:.1f} MB"
        )


@lm.command()
@click.argument("name")
@common_options
@click.pass_context
def remove(context: click.Context, name: str) -> None:
    """Delete the personal language model NAME."""
    from dictation.runtime.personal_models import PersonalModels

    PersonalModels().remove(name)
    choices = context.ensure_object(Choices)
    if choices.read_settings().recognizer.personal_model == name:
        _write_choice(choices, "")
        say_note(f"{name} was in use; the general language model works alone from now on.")


@lm.command()
@click.argument("name", required=False, default="")
@common_options
@click.pass_context
def use(context: click.Context, name: str) -> None:
    """Use the personal language model NAME from the next start on; without NAME, use none."""
    from dictation.language.store import open_personal_model

    if name:
        open_personal_model(name)
    _write_choice(context.ensure_object(Choices), name)


def _write_choice(choices: Choices, name: str) -> None:
    """Put the name into the settings file; a faulty file is left for the window to repair."""
    from dictation.core.settings_toml import dump_settings
    from dictation.runtime.settings_file import FILE_NAME, config_folder, read_settings, write_atomically

    path = config_folder(choices.config_folder) / FILE_NAME
    loaded = read_settings(path)
    if loaded.problems:
        raise SettingsError(f"{path} has faults and was not changed.", "Correct it, or open the window once.")
    recognizer = replace(loaded.settings.recognizer, personal_model=name)
    try:
        write_atomically(path, dump_settings(replace(loaded.settings, recognizer=recognizer)))
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error}.", "Free some space or change its rights.") from error
