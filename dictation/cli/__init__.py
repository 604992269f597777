"""The command line: the same program without a window.

Each command imports what it needs when it runs, so that ``dictation --help`` answers at once and works where Qt,
torch or PortAudio cannot be loaded.
"""

from __future__ import annotations

import click

from dictation import __version__
from dictation.cli.console import Choices, ErrorReporting, common_options
from dictation.cli.devices import devices
from dictation.cli.doctor import doctor
from dictation.cli.listen import listen
from dictation.cli.lm import lm
from dictation.cli.models import models
from dictation.cli.recover import recover
from dictation.cli.transcribe import transcribe

__all__ = ["main"]


@click.group(
    cls=ErrorReporting,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Without a command the window opens.",
)
@common_options
@click.version_option(__version__, prog_name="dictation")
@click.pass_context
def main(context: click.Context) -> None:
    """Dictation on your own machine: words while you speak, nothing sent."""
    if context.invoked_subcommand is None:
        context.exit(_open_window(context.ensure_object(Choices)))


def _open_window(choices: Choices) -> int:
    from dictation.app import run_window

    return run_window(model_path=choices.model_path, config_folder=choices.config_folder)


for _command in (transcribe, listen, recover, devices, doctor, lm, models):
    main.add_command(_command)
