"""Work that takes too long for the window: functions run in threads of their own, their outcome comes back."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from dictation.core.errors import DictationError

Value = TypeVar("Value")

_log = logging.getLogger(__name__)


class Background(QObject):
    """A few threads, and the way back to the thread that made it (the GUI's).

    Signals:
        stopped: After ``close``: nothing runs any more, and every outcome has been delivered.
    """

    stopped = Signal()

    _posted = Signal(object)

    def __init__(self, name: str, workers: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._executor = ThreadPoolExecutor(max_workers=workers, thread_name_prefix=name)
        self._running = 0
        self._is_closed = False
        self._posted.connect(self._call, Qt.ConnectionType.QueuedConnection)

    def run(self, work: Callable[[], object], deliver: Callable[[object], None]) -> None:
        """Do ``work`` in a thread, then call ``deliver`` here with what it returned or raised. Thread: the owner's."""
        if self._is_closed:
            return
        self._running += 1

        def come_back(future: Future[object]) -> None:
            error = future.exception()
            outcome = error if error is not None else future.result()
            self.post(lambda: self._finish(deliver, outcome))

        self._executor.submit(work).add_done_callback(come_back)

    def post(self, function: Callable[[], None]) -> None:
        """Call a function in the owner's thread, after what was posted before. Thread: any."""
        self._posted.emit(function)

    def close(self) -> None:
        """Take no more work; ``stopped`` follows when what runs has ended, which the caller hastens. Idempotent."""
        if self._is_closed:
            return
        self._is_closed = True
        self._executor.shutdown(wait=False)
        if not self._running:
            QTimer.singleShot(0, self, self.stopped.emit)

    @Slot(object)
    def _call(self, function: Callable[[], None]) -> None:
        """A method, because a function without an owner would be called in the emitting thread."""
        function()

    def _finish(self, deliver: Callable[[object], None], outcome: object) -> None:
        self._running -= 1
        deliver(outcome)
        if self._is_closed and not self._running:
            self.stopped.emit()


class Newest(Generic[Value]):
    """Delivers the newest of many values in the owner's thread; those overtaken before it looks are dropped.

    A conversion reports its progress thousands of times in a second; the window shall not repaint for each.
    """

    def __init__(self, background: Background, deliver: Callable[[Value], None]) -> None:
        self._background = background
        self._deliver = deliver
        self._lock = threading.Lock()
        self._waiting: list[Value] = []

    def put(self, value: Value) -> None:
        """Take a value in place of the one that waits. Thread: any."""
        with self._lock:
            is_awaited = bool(self._waiting)
            self._waiting = [value]
        if not is_awaited:
            self._background.post(self._take)

    def _take(self) -> None:
        with self._lock:
            value = self._waiting.pop()
        self._deliver(value)


def as_dictation_error(error: Exception, what: str) -> DictationError:
    """Turn a bug or a fault of the disk into an error with a user message; the traceback goes to the log."""
    if isinstance(error, DictationError):
        return error
    _log.error("unexpected failure in the background", exc_info=error)
    return DictationError(f"{what}: {type(error).__name__}: {error}", "See the log for details.")
