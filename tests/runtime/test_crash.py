"""Exceptions that nobody foresaw."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dictation.runtime.crash import LOG_NAME, CrashReporter


@pytest.fixture
def reporter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CrashReporter]:
    """An installed reporter whose hooks and log handlers are taken back afterwards."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr("faulthandler.enable", lambda: None)
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    reporter = CrashReporter(tmp_path / "logs")
    reporter.install()
    yield reporter
    for handler in [handler for handler in root.handlers if handler not in before]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)


def int_of_nothing() -> None:
    raise LookupError("somewhere deep")


def test_a_bug_is_logged_with_its_traceback_and_told_once(reporter: CrashReporter, tmp_path: Path) -> None:
    told = []
    reporter.crashed.connect(told.append)
    for _ in range(2):
        with pytest.raises(LookupError) as caught:
            int_of_nothing()
        sys.excepthook(LookupError, caught.value, caught.tb)
    assert [str(error) for error in told] == [
        "Something went wrong inside the program (LookupError). Recording and text are kept."
    ]
    assert LOG_NAME in told[0].remedy
    log = (tmp_path / "logs" / LOG_NAME).read_text()
    assert log.count("LookupError: somewhere deep") == 2
    assert "in int_of_nothing" in log


def test_a_bug_in_a_thread_is_logged_too(reporter: CrashReporter, tmp_path: Path) -> None:
    thread = threading.Thread(target=lambda: {}["missing"])
    thread.start()
    thread.join()
    assert "KeyError" in (tmp_path / "logs" / LOG_NAME).read_text()


def test_control_c_is_no_bug(reporter: CrashReporter) -> None:
    told = []
    reporter.crashed.connect(told.append)
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert told == []


def test_a_log_folder_that_cannot_be_made_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr("faulthandler.enable", lambda: None)
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    CrashReporter(tmp_path / "file" / "logs").install()
    added = [handler for handler in root.handlers if handler not in before]
    assert [type(handler) for handler in added] == [logging.StreamHandler]
    root.removeHandler(added[0])
    root.setLevel(level)
