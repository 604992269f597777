"""Where Debian's packages put what the recipe reads, and which of them is missing."""

from __future__ import annotations

import os
from pathlib import Path

import click


class DebianPath(click.Path):
    """A path that must exist; the error names the package that brings it."""

    def __init__(self, package: str) -> None:
        super().__init__(exists=True, path_type=Path)
        self._package = package

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> str | bytes | os.PathLike[str]:
        """Check the path.

        Raises:
            click.BadParameter: It does not exist.
        """
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as error:
            raise click.BadParameter(f"{error.message} {install(self._package)}", ctx, param) from error


def install(*packages: str) -> str:
    """What to do about missing packages."""
    return f"It is in Debian: apt install {' '.join(packages)}"
