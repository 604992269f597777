"""Hear a cancel while a server is silent: a blocked read asks no one."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from types import TracebackType

from dictation.library.interrupts import DownloadCancelled, DownloadPaused

SILENCE_S = 0.5
_POLL_S = 0.1


class StallWatch:
    """While its block runs, asks in a thread of its own whether to break off, once no byte has come for half a second.

    Args:
        checkpoint: Raises ``DownloadCancelled`` or ``DownloadPaused`` if so; called in that thread too.
        end_read: Makes the blocked read return.
    """

    def __init__(self, checkpoint: Callable[[], None], end_read: Callable[[], None]) -> None:
        self._checkpoint = checkpoint
        self._end_read = end_read
        self._fed_s = time.monotonic()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="download-watch", daemon=True)

    def __enter__(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the thread."""
        self._is_over.set()
        self._thread.join()

    def feed(self) -> None:
        """Bytes have come."""
        self._fed_s = time.monotonic()

    def _watch(self) -> None:
        while not self._is_over.wait(_POLL_S):
            if time.monotonic() - self._fed_s < SILENCE_S:
                continue
            try:
                self._checkpoint()
            except (DownloadCancelled, DownloadPaused):
                with contextlib.suppress(OSError, ValueError, RuntimeError):  # it ended by itself meanwhile
                    self._end_read()
                return
