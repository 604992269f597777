"""The two ways in which a caller breaks off a download; not errors that a user sees."""

from __future__ import annotations

from collections.abc import Callable


class DownloadCancelled(Exception):
    """``is_cancelled`` said so, and nothing is left."""


class DownloadPaused(Exception):
    """``is_paused`` said so; the part that arrived is kept, and the next ``fetch`` goes on from there."""


def make_checkpoint(is_cancelled: Callable[[], bool], is_paused: Callable[[], bool]) -> Callable[[], None]:
    """Give a function that asks both, and raises ``DownloadCancelled`` or ``DownloadPaused`` if one says yes."""

    def checkpoint() -> None:
        if is_cancelled():
            raise DownloadCancelled
        if is_paused():
            raise DownloadPaused

    return checkpoint
