"""The last resort: what nobody foresaw is logged, told once, and does not end a recording."""

from __future__ import annotations

import faulthandler
import logging
import sys
import threading
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QObject, Signal

from dictation.core.errors import DictationError

LOG_NAME = "dictation.log"
_LOG_BYTES = 1 << 20

_log = logging.getLogger(__name__)


class CrashReporter(QObject):
    """Catches exceptions that reach the top of a thread. Thread: made in the GUI's, told by any.

    Signals:
        crashed(DictationError): A bug showed itself; each kind is told once.
    """

    crashed = Signal(object)

    def __init__(self, log_folder: Path) -> None:
        super().__init__()
        self._log_path = log_folder / LOG_NAME
        self._told: set[str] = set()

    def install(self) -> None:
        """Log to a file (1 MiB, one old one kept) and take over the exception hooks.

        A folder that cannot be written to leaves the log on standard error.
        """
        root = logging.getLogger()
        root.setLevel(logging.INFO)
        try:
            self._log_path.parent.mkdir(parents=True, exist_ok=True)
            handler: logging.Handler = RotatingFileHandler(
                self._log_path, maxBytes=_LOG_BYTES, backupCount=1, encoding="utf-8"
            )
        except OSError:
            handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(threadName)s %(name)s: %(message)s"))
        root.addHandler(handler)
        if sys.stderr is not None:  # a windowed program on Windows has none
            faulthandler.enable()
        sys.excepthook = self._on_exception
        threading.excepthook = lambda args: self._on_exception(args.exc_type, args.exc_value, args.exc_traceback)

    def _on_exception(
        self, kind: type[BaseException], error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Log with traceback; tell the user the first time."""
        if issubclass(kind, KeyboardInterrupt):
            return
        _log.critical("unhandled exception", exc_info=(kind, error or kind(), traceback))
        if kind.__name__ not in self._told:
            self._told.add(kind.__name__)
            self.crashed.emit(DictationError(
                f"Something went wrong inside the program ({kind.__name__}). Recording and text are kept.",
                f"Please report it with the log: {self._log_path}",
            ))  # fmt: skip
