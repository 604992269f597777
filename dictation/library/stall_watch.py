"""Hear a cancel while a server is silent: a blocked call asks no one."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from types import TracebackType
from typing import TypeVar

from dictation.library.interrupts import DownloadCancelled, DownloadPaused

SILENCE_S = 0.5
_POLL_S = 0.1
_Answer = TypeVar("_Answer")


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


def ask_aside(ask: Callable[[], _Answer], checkpoint: Callable[[], None], drop: Callable[[_Answer], None]) -> _Answer:
    """Wait for the beginning of an answer and hear meanwhile whether to break off.

    Before it there may be no connection yet whose reading could be ended: a name is looked up, a port does not answer.
    So the question is left behind in a thread of its own, where it ends by its own timeouts.

    Args:
        ask: Blocks until the answer begins; what it raises is raised here.
        checkpoint: Raises to break off; called after half a second, and ten times a second from then on.
        drop: Gets an answer that no one waits for any more, perhaps in the other thread.
    """

    def drop_late(late: Future[_Answer]) -> None:
        if late.exception() is None:
            drop(late.result())

    future: Future[_Answer] = Future()
    threading.Thread(target=_answer, args=(ask, future), name="download-ask", daemon=True).start()
    silence_s = SILENCE_S
    try:
        while not wait((future,), silence_s).done:
            checkpoint()
            silence_s = _POLL_S
    except BaseException:  # Ctrl+C too
        future.add_done_callback(drop_late)
        raise
    return future.result()


def _answer(ask: Callable[[], _Answer], future: Future[_Answer]) -> None:
    try:
        future.set_result(ask())
    except BaseException as error:  # noqa: BLE001  # whatever it is belongs to the one who waits
        future.set_exception(error)
