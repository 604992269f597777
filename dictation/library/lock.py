"""Keep two programs from downloading into the same files: the window and the command line, say."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from dictation.core.errors import LibraryError

LOCK_NAME = "lock"


@contextmanager
def only_one(folder: Path, what: str) -> Iterator[None]:
    """Hold a folder while the block runs. What a killed program left of its hold counts for nothing.

    Raises:
        LibraryError: if a program that still runs holds it.
    """
    path = folder / LOCK_NAME
    holder = _holder(path)
    if holder is not None:
        raise LibraryError(f"{what} is being downloaded already, by process {holder}.", "Wait for it, or end it.")
    path.write_text(f"{os.getpid()} {psutil.Process().create_time()}", encoding="utf-8")
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _holder(path: Path) -> int | None:
    """The running process that a lock names, by its number and its start: numbers are used again."""
    try:
        number, started_s = path.read_text(encoding="utf-8").split()
        process = psutil.Process(int(number))
        is_same = abs(process.create_time() - float(started_s)) < 1
    except (OSError, ValueError, psutil.Error):
        return None
    return process.pid if is_same else None
