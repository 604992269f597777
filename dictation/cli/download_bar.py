"""A download on one line of the terminal; into a file or pipe, one line for each stage."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from dictation.library.install import InstallProgress, InstallStage
    from dictation.library.progress import DownloadProgress

_CLEAR_LINE = "\r\x1b[2K"


class DownloadBar:
    """Shows ``InstallProgress`` on standard error."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._stage: InstallStage | None = None
        self._has_line = False

    def end(self) -> None:
        """Leave the cursor on a line of its own; idempotent."""
        if self._has_line:
            click.echo(err=True)
            self._has_line = False

    def show(self, progress: InstallProgress) -> None:
        """Draw one moment."""
        text = progress.stage.value
        if self._is_terminal:
            if progress.download is not None:
                text = _describe(progress.download)
            elif progress.fraction is not None:
                text = f"{text} {100 * progress.fraction:.0f} %"
            click.echo(_CLEAR_LINE + text, nl=False, err=True)
            self._has_line = True
        elif progress.stage is not self._stage:
            click.echo(text, err=True)
        self._stage = progress.stage


def _describe(download: DownloadProgress) -> str:
    """Name, what has come of what, speed, time to go."""
    done = f"{download.done_bytes / 1e6:.1f}"
    total = "" if download.total_bytes is None else f" of {download.total_bytes / 1e6:.1f}"
    speed = f", {download.bytes_per_s / 1e6:.1f} MB/s" if download.bytes_per_s else ""
    left = "" if download.eta_s is None else f", {_duration(download.eta_s)} to go"
    return f"{download.name}: {done}{total} MB{speed}{left}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
