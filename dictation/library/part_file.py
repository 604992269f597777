"""A file on its way: what has arrived of it, of which version it is, and its SHA-256 so far.

Beside ``NAME`` stand ``NAME.part`` with the bytes and ``NAME.part.toml`` with the version at the server. Both survive
the end of the program, also by ``kill -9``: bytes are written unbuffered, the version before the first of them. Of a
complete file for which nobody states a SHA-256, ``NAME.whole.toml`` remembers what it was.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from io import FileIO
from pathlib import Path

import tomli_w

from dictation.core.errors import DownloadAltered, LibraryError, NoSpace
from dictation.core.file_hash import file_sha256
from dictation.library.catalogue import CatalogueFile

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

RESERVE_BYTES = 50_000_000
"""Left free on the disk: a full one hurts other programs."""
_BLOCK_BYTES = 1 << 20

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Version:
    """Which bytes a server holds at an address, as it says itself.

    Attributes:
        url: The address in the catalogue; the same bytes may come from a mirror.
        etag: Its entity tag, or empty.
        last_modified: Its date, or empty.
        total_bytes: Its length, or -1 if the server does not tell.
    """

    url: str
    etag: str = ""
    last_modified: str = ""
    total_bytes: int = -1

    @property
    def validator(self) -> str:
        """What ``If-Range`` may carry: a strong tag, else the date (RFC 9110, 13.1.5); empty if there is neither."""
        is_strong = bool(self.etag) and not self.etag.startswith("W/")
        return self.etag if is_strong else self.last_modified


@dataclass(frozen=True)
class _Whole:
    """What a complete file was when it was given its name."""

    url: str
    sha256: str


class PartFile:
    """What has arrived of one file; what the disk refuses is an ``OSError``. Thread: one at a time.

    Args:
        target: Where the complete file will lie; its folder exists.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self._path = target.with_name(target.name + ".part")
        self._note = target.with_name(target.name + ".part.toml")
        self._whole_note = target.with_name(target.name + ".whole.toml")
        self._stream: FileIO | None = None
        self._digest = hashlib.sha256()
        self.version: Version | None = None
        self.size_bytes = 0

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self._target.parent

    def keep_whole(self, file: CatalogueFile, checkpoint: Callable[[], None]) -> str | None:
        """Look whether the complete file of an earlier run still is what it was; if not, it is deleted.

        Args:
            file: What is known of it; if that is no SHA-256, what was remembered when it was complete counts.
            checkpoint: As for ``open``.

        Returns:
            Its SHA-256; None if there is no such file any more.
        """
        if not self._target.exists():
            return None
        promised = file.sha256 or _remembered_sha256(self._whole_note, file.url)
        if promised and file.size_bytes in (None, self._target.stat().st_size):
            found = file_sha256(self._target, checkpoint)
            if found == promised:
                return found
        _log.warning("%s is damaged, or nobody knows what it was; it is fetched again", self._target)
        self._target.unlink()
        self._whole_note.unlink(missing_ok=True)
        return None

    def open(self, url: str, checkpoint: Callable[[], None]) -> None:
        """Take up what an earlier run left of the same address, or begin with nothing.

        Args:
            url: The address in the catalogue.
            checkpoint: Called for every megabyte that is read again for the SHA-256; may raise to break off.
        """
        self.version = _read_note(self._note, url)
        self._stream = FileIO(self._path, "r+" if self._path.exists() else "w+")
        if self.version is None:
            self._empty()
            return
        while block := self._stream.read(_BLOCK_BYTES):
            checkpoint()
            self._digest.update(block)
            self.size_bytes += len(block)

    def restart(self, version: Version) -> None:
        """Forget what has arrived; the bytes to come are of this version."""
        self._empty()
        self.version = version
        self._note.write_bytes(tomli_w.dumps(asdict(version)).encode())

    def append(self, block: bytes) -> None:
        """Add the next bytes."""
        remaining = memoryview(block)
        while remaining:
            remaining = remaining[self._file.write(remaining) :]
        self._digest.update(block)
        self.size_bytes += len(block)

    def finish(self, file: CatalogueFile) -> str:
        """Check the complete file and give it its name; returns its SHA-256.

        Raises:
            DownloadAltered: if it is empty, or size or SHA-256 are not the expected ones; then nothing is left of it.
        """
        found = self._digest.hexdigest()
        complaint = self._complaint(file, found)
        if complaint:
            self.discard()
            raise DownloadAltered(complaint)
        os.fsync(self._file.fileno())
        self.close()
        if file.sha256 is None:  # before the name: a complete file is never without it
            self._whole_note.write_bytes(tomli_w.dumps(asdict(_Whole(file.url, found))).encode())
        self._path.replace(self._target)
        self._note.unlink(missing_ok=True)
        return found

    def close(self) -> None:
        """Keep what has arrived for the next time, if anything has; idempotent."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None
            if not self.size_bytes:
                self.discard()

    def discard(self) -> None:
        """Leave nothing; idempotent."""
        self.close()
        self._path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def _complaint(self, file: CatalogueFile, sha256: str) -> str:
        """What is wrong with the complete file, or nothing."""
        name = self._target.name
        if file.size_bytes is not None and self.size_bytes != file.size_bytes:
            return f"{name} has {self.size_bytes} bytes instead of {file.size_bytes}."
        if file.sha256 is not None and sha256 != file.sha256:
            return (
                f"{name} is not the file that was promised: its SHA-256 begins {sha256[:12]}, not {file.sha256[:12]}."
            )
        return "" if self.size_bytes else f"{name} is empty."

    @property
    def _file(self) -> FileIO:
        if self._stream is None:
            raise RuntimeError("open() comes first")
        return self._stream

    def _empty(self) -> None:
        self._file.seek(0)
        self._file.truncate()
        self._digest = hashlib.sha256()
        self.size_bytes = 0


@contextmanager
def disk_faults(path: Path) -> Iterator[None]:
    """Say in words what the disk refuses while the block works on ``path`` and on what lies in it.

    Raises:
        NoSpace: if the disk or the user's share of it is full.
        LibraryError: for any other ``OSError``.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoSpace(f"The disk is full: {path.name} does not fit into {path.parent}.") from error
        raise LibraryError(
            f"{path.name} cannot be kept in {path.parent}: {error.strerror or error}.",
            "Check that you may write to that folder and that its disk is there and in order, then try again.",
        ) from error


def check_space(folder: Path, needed_bytes: int, name: str) -> None:
    """Raise ``NoSpace`` unless the folder's disk has room for so many bytes, with a reserve."""
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needed_bytes + RESERVE_BYTES:
        raise NoSpace(
            f"{name} needs {needed_bytes / 1e6:.0f} MB in {folder}, where {free_bytes / 1e6:.0f} MB are free."
        )


def _read_note(path: Path, url: str) -> Version | None:
    """The version that a part file is of; None if there is no readable note, or one of another address."""
    try:
        version = Version(**tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return version if version.url == url else None


def _remembered_sha256(path: Path, url: str) -> str | None:
    """The SHA-256 of a complete file when it was given its name; None as for ``_read_note``."""
    try:
        whole = _Whole(**tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return whole.sha256 if whole.url == url else None
