"""Trust on first use: what a file's SHA-256 was when it first came and worked, for files whose publisher states none.

Stored in ``pins.toml`` in the user's data folder, by the address in the catalogue, so that a mirror is held to it too.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tomli_w

from dictation.library.catalogue import CatalogueFile
from dictation.library.part_file import disk_faults

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True)
class Pin:
    """A file as it first came.

    Attributes:
        url: Its address in the catalogue.
        sha256: 64 hexadecimal digits.
        size_bytes: Its length.
        date: The day, ``YYYY-MM-DD``.
    """

    url: str
    sha256: str
    size_bytes: int
    date: str


class Pins:
    """The pinned files. Thread: one at a time; the file is read anew each time."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def find(self, file: CatalogueFile) -> Pin | None:
        """The pin of a file that the catalogue states no SHA-256 for, or None."""
        entry = self._read().get(file.url)
        if file.sha256 is not None or not isinstance(entry, Mapping):
            return None
        try:
            return Pin(file.url, **entry)
        except TypeError:
            return None

    def expected(self, file: CatalogueFile) -> CatalogueFile:
        """The file with what is known of it by now."""
        pin = self.find(file)
        return file if pin is None else replace(file, sha256=pin.sha256, size_bytes=pin.size_bytes)

    def add(self, pins: Iterable[Pin]) -> None:
        """Remember; earlier pins stay as they are, also if it fails.

        Raises:
            NoSpace, LibraryError: if the file cannot be written.
        """
        table = self._read()
        for pin in pins:
            table.setdefault(pin.url, {"sha256": pin.sha256, "size_bytes": pin.size_bytes, "date": pin.date})
        new = self.path.with_suffix(".new")
        with disk_faults(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            try:
                new.write_bytes(tomli_w.dumps(table).encode())
                new.replace(self.path)
            except OSError:
                with contextlib.suppress(OSError):
                    new.unlink(missing_ok=True)
                raise

    def _read(self) -> dict[str, Any]:
        """What the file holds; a missing or damaged one pins nothing."""
        try:
            table: dict[str, Any] = tomllib.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return table
