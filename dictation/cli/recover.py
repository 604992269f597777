"""``dictation recover``: speech that a program which ended too soon has left, as text or as sound."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dictation.cli.console import Choices, common_options, say_note

if TYPE_CHECKING:
    from dictation.runtime.kept_sounds import KeptSound


@click.command()
@click.option("--list", "is_list", is_flag=True, help="Only say what there is and where.")
@click.option(
    "--save", "folder", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER",
    help="Save the sound as WAV files in this folder instead of recognising it.",
)  # fmt: skip
@click.option("--delete", "is_deleted", is_flag=True, help="Delete the sound afterwards, if all went well.")
@common_options
@click.pass_context
def recover(context: click.Context, is_list: bool, folder: Path | None, is_deleted: bool) -> None:
    """Turn kept speech into text that was not recognised when the program ended.

    The window does this by itself at its next start. Here the text goes to standard output, one line per utterance,
    and the sound stays until --delete. What a running program keeps is left alone.
    """
    with _kept_sounds() as sounds:
        if not sounds:
            say_note("no speech is waiting")
            return
        say_note(
            f"{sum(sound.length_s for sound in sounds):.1f} s of speech are waiting in {sounds[0].path.parents[1]}"
        )
        if is_list:
            for sound in sounds:
                said = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(sound.said_at_s))
                click.echo(f"{said}  {sound.length_s:5.1f} s  {sound.path}")
        elif folder is not None:
            _save(sounds, folder)
        else:
            _recognise(context.ensure_object(Choices), sounds)
        if is_deleted and not is_list:
            _delete(sounds)


@contextmanager
def _kept_sounds() -> Iterator[Sequence[KeptSound]]:
    """Hold what no running program keeps."""
    from dictation.runtime.kept_sounds import claim_orphans, usual_root

    folders = claim_orphans(usual_root())
    try:
        yield [sound for folder in folders for sound in folder.sounds()]
    finally:
        for folder in folders:
            folder.release()


def _save(sounds: Sequence[KeptSound], folder: Path) -> None:
    from dictation.core.errors import DictationError
    from dictation.runtime.sound_export import export_sounds

    try:
        for path in export_sounds(sounds, folder):
            click.echo(str(path))
    except OSError as error:
        raise DictationError(f"The sound could not be saved in {folder}: {error.strerror}.") from error


def _recognise(choices: Choices, sounds: Sequence[KeptSound]) -> None:
    """Write the words of one after the other; the first error ends it."""
    from dictation.audio.growing_wav import read_growing_wav
    from dictation.runtime.backends import real_backends

    recognizer = real_backends(choices.model_path).make_recognizer(choices.read_settings().recognizer)
    recognizer.load()
    for sound in sounds:
        text = recognizer.recognize(read_growing_wav(sound.path)).best.text
        if text:
            click.echo(text)
            sys.stdout.flush()


def _delete(sounds: Sequence[KeptSound]) -> None:
    from dictation.runtime.kept_sounds import delete

    delete([sound.path for sound in sounds])
    say_note("the sound was deleted")
