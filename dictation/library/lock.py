"""Keep two programs from downloading into the same files: the window and the command line, say."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from dictation.core.errors import LibraryError

LOCK_NAME = "lock"
_MOST_TRIES = 10
"""To take a lock, while other programs take and give up the same one."""
_looking = threading.Lock()
"""Held from the look at a lock until what follows from it is done, by one thread of this program at a time."""


@contextmanager
def only_one(folder: Path, what: str) -> Iterator[None]:
    """Hold a folder while the block runs; it is made if need be.

    What a killed program left of its hold counts for nothing.

    Raises:
        LibraryError: if a program that still runs holds it.
        OSError: if the folder cannot be made or written to.
    """
    path = folder / LOCK_NAME
    with _looking:
        _take_soon(path, what)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def take_away(folder: Path, what: str, new: Path) -> bool:
    """Rename a folder that no one holds: it is gone at once, and who wants one of its name makes a new one.

    Nothing is written, for that must work on a full disk.

    Returns:
        False if this program itself holds it: another thread has begun anew, and it stays.

    Raises:
        LibraryError: if another program that still runs holds it.
        OSError: if it cannot be renamed.
    """
    with _looking:
        holder = _holder(folder / LOCK_NAME)
        if holder == os.getpid():
            return False
        if holder is not None:
            remedy = "It is left alone. Cancel it there, or end that process."
            raise LibraryError(f"{what} is being downloaded by process {holder}.", remedy)
        folder.rename(new)
    return True


def _take_soon(path: Path, what: str) -> None:
    """Take a lock; once more if another program was quicker, or deleted the folder before the lock was in it."""
    for _ in range(_MOST_TRIES - 1):
        with contextlib.suppress(FileExistsError, FileNotFoundError):
            return _take(path, what)
    return _take(path, what)


def _take(path: Path, what: str) -> None:
    """Put our name on a lock that no one holds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    holder = _holder(path)
    if holder is not None:
        raise LibraryError(f"{what} is being downloaded already, by process {holder}.", "Wait for it, or end it.")
    path.unlink(missing_ok=True)
    stream = path.open("x", encoding="utf-8")
    try:
        with stream:
            stream.write(f"{os.getpid()} {psutil.Process().create_time()}")
    except OSError:  # the disk is full
        path.unlink(missing_ok=True)
        raise


def _holder(path: Path) -> int | None:
    """The running process that a lock names, by its number and its start: numbers are used again."""
    try:
        number, started_s = path.read_text(encoding="utf-8").split()
        process = psutil.Process(int(number))
        is_same = abs(process.create_time() - float(started_s)) < 1
    except (OSError, ValueError, psutil.Error):
        return None
    return process.pid if is_same else None
