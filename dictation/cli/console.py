"""What all commands share: options, settings, and how errors are said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from dictation.core.errors import DictationError

if TYPE_CHECKING:
    from dictation.core.settings import Settings

_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])


@dataclass
class Choices:
    """What was chosen on the command line, before or after the command's name."""

    model_path: Path | None = None
    config_folder: Path | None = None

    def read_settings(self) -> Settings:
        """Read the user's settings, with the chosen model in them; problems are noted on standard error."""
        from dictation.runtime.settings_file import FILE_NAME, config_folder, read_settings

        loaded = read_settings(config_folder(self.config_folder) / FILE_NAME)
        for problem in loaded.problems:
            say_note(problem)
        if self.model_path is None:
            return loaded.settings
        recognizer = replace(loaded.settings.recognizer, model_path=str(self.model_path))
        return replace(loaded.settings, recognizer=recognizer)


def common_options(command: _Decorated) -> _Decorated:
    """Add ``--model`` and ``--config``, kept in ``Choices`` whichever side of the command they stand on."""
    folder = click.Path(path_type=Path, file_okay=False)
    model = click.option(
        "--model", "model_path", type=folder, metavar="FOLDER", expose_value=False, callback=_keep,
        help="Use the model in this folder.",
    )  # fmt: skip
    config = click.option(
        "--config", "config_folder", type=folder, metavar="FOLDER", expose_value=False, callback=_keep,
        help="Keep settings in this folder.",
    )  # fmt: skip
    return model(config(command))


def _keep(context: click.Context, parameter: click.Parameter, value: Path | None) -> None:
    choices = context.ensure_object(Choices)
    if value is not None and parameter.name is not None:
        setattr(choices, parameter.name, value)


def say_error(message: str, remedy: str = "") -> None:
    """Write one line about what went wrong, and one about what to do, to standard error."""
    click.echo(f"error: {message}", err=True)
    if remedy:
        click.echo(f"       {remedy}", err=True)


def say_note(message: str) -> None:
    """Write one line that a user should know to standard error."""
    click.echo(f"note: {message}", err=True)


class ErrorReporting(click.Group):
    """Turns errors meant for the user into two lines and exit code 1; anything else is a bug and shows itself."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except DictationError as error:
            say_error(str(error), error.remedy)
            ctx.exit(1)
