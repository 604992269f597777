"""What an output was asked for, kept beside it: to go on with other options would mix two outputs unseen."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import click

Asked = Mapping[str, str | int]
"""Values by the name of the option; of a file or a folder its digest."""
DIGEST_PREFIX = "sha256:"


def digest(parts: Iterable[bytes]) -> str:
    """A short value for what is too long to be kept."""
    total = hashlib.sha256()
    for part in parts:
        total.update(hashlib.sha256(part).digest())  # of each by itself: where it ends counts
    return f"{DIGEST_PREFIX}{total.hexdigest()}"


def digest_of(path: Path) -> str:
    """The digest of a file, or of the files in a folder with their names."""
    if path.is_file():
        return digest([path.read_bytes()])
    files = sorted(file for file in path.iterdir() if file.is_file())
    return digest(part for file in files for part in (file.name.encode(), file.read_bytes()))


def claim(folder: Path, name: str, suffix: str, asked: Asked, *, is_unrecorded_trusted: bool) -> None:
    """Keep what the files ``NAME-NUMBER.SUFFIX`` of a folder are asked for, before the first of them is written.

    Files of an earlier version have no record: they are taken for what is asked now, or refused.

    Raises:
        click.ClickException: Such files are there and were asked for with something else.
    """
    record = folder / f"{name}.asked.json"
    is_begun = any(re.fullmatch(rf"{re.escape(name)}-\d+{re.escape(suffix)}", path.name) for path in folder.iterdir())
    remedy = f"Take another --output folder, or delete {folder / name}-[0-9]*{suffix}."
    if is_begun and record.exists():
        differences = _differences(json.loads(record.read_text(encoding="utf-8")), asked)
        if differences:
            raise click.ClickException(f"{record} asks for something else: {', '.join(differences)}. {remedy}")
    elif is_begun and not is_unrecorded_trusted:
        raise click.ClickException(
            f"There is no {record}, so nothing says what an earlier version made these files of. {remedy}"
        )
    else:
        partial = record.with_suffix(".part")
        partial.write_text(json.dumps(asked, indent=1), encoding="utf-8")
        partial.replace(record)


def _differences(before: Asked, now: Asked) -> list[str]:
    """What is to be told of each option that has another value."""
    names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    return [
        f"{name} has changed"
        if str(before.get(name)).startswith(DIGEST_PREFIX)
        else f"{name} was {before.get(name)} and is {now.get(name)} now"
        for name in names
    ]
