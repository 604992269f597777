"""``dictation models import``: models and language models that others made, from this machine's disks."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dictation.cli.console import say_note

if TYPE_CHECKING:
    from dictation.asr.model_folder import ModelFolder

_BAR_STEPS = 1000


@click.command("import")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--language-model-for", "target", metavar="NAME",
    help="PATH is a KenLM file (ARPA or binary): it takes the place of this model's language model.",
)  # fmt: skip
def import_command(path: Path, target: str | None) -> None:
    """Import the model at PATH: a folder of Hugging Face (wav2vec 2.0, HuBERT, WavLM), sherpa-onnx or this program.

    Of sherpa-onnx: the CTC networks of NeMo and icefall, with tokens.txt beside them. Folders of flashlight do as well.

    Nothing is downloaded and no code from PATH is run. A model outside your own folder is copied before its language
    model is replaced.
    """
    from dictation.asr.importing import import_language_model, import_model
    from dictation.asr.model_folder import model_roots

    models_folder = model_roots()[-1]
    with click.progressbar(length=_BAR_STEPS, label=path.name, file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:

        def show(fraction: float) -> None:
            bar.update(round(_BAR_STEPS * fraction) - bar.pos)

        if target is None:
            made = import_model(path, models_folder, show, lambda: False)  # Ctrl+C raises, and leaves nothing either
        else:
            made = import_language_model(path, find_model(target), models_folder, show, lambda: False)
    click.echo(f"{made.name}: {made.path}")
    for note in _notes(made):
        say_note(note)


def find_model(name: str) -> ModelFolder:
    """The model of that name or in a folder of that name."""
    from dictation.asr.model_folder import find_models
    from dictation.core.errors import ModelMissing

    found = find_models()
    for folder in found:
        if name in {folder.name, folder.path.name}:
            return folder
    known = ", ".join(folder.name for folder in found) or "none"
    raise ModelMissing(f"There is no model named {name!r}.", f"Models on this machine: {known}.")


def _notes(made: ModelFolder) -> list[str]:
    """What a user should know of an imported model."""
    notes = []
    if made.language == "und":
        notes.append("its source does not say which language it is for; 'language' in its model.toml can be changed.")
    if made.file("language_model") is None:
        notes.append("it has no language model; --language-model-for gives it one.")
    elif made.file("unigrams") is None:
        notes.append("its language model carries no list of words, so half-spoken words are not checked against one.")
    return notes
