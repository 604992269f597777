"""How an import tells how far it is, and how it is stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


class ImportCancelled(Exception):
    """The caller's ``is_cancelled`` said so; nothing was installed. Not an error that a user sees."""


@dataclass(frozen=True)
class ImportJob:
    """The caller's side of an import, or of a part of it.

    Attributes:
        progress: Called with 0 to 1, never backwards.
        is_cancelled: Asked several times a second.
    """

    progress: Callable[[float], None]
    is_cancelled: Callable[[], bool]

    def checkpoint(self, fraction: float) -> None:
        """Report how much is done; raises ``ImportCancelled`` if the caller wants no more."""
        if self.is_cancelled():
            raise ImportCancelled
        self.progress(min(1.0, fraction))

    def part(self, start: float, end: float) -> ImportJob:
        """The job of one part, whose own 0 to 1 is ``start`` to ``end`` of the whole."""
        return ImportJob(lambda fraction: self.progress(start + (end - start) * fraction), self.is_cancelled)
