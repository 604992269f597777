"""Rules for every test: no real screen, no real settings, no thread left behind, hypothesis profiles."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# A shell that starts the tests in the background lets them ignore Ctrl+C, and so would every program they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# No deadline: on two busy cores a slow example says nothing. The database would make runs depend on each other.
settings.register_profile("dev", max_examples=40, deadline=None, database=None)
settings.register_profile(
    "ci", max_examples=200, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

SHARED = Path(__file__).resolve().parents[1].parent / "shared"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the tests that a run of every day cannot afford."""
    parser.addoption(
        "--large-networks", action="store_true", help="also compare networks of up to a billion parameters (12 GB)"
    )


@pytest.fixture
def shared_corpus() -> Path:
    """The corpora in the shared folder beside the checkout; skips loudly where there is none."""
    if not (SHARED / "corpus").is_dir():
        pytest.skip("needs the shared folder beside the checkout: ../shared/corpus is not there")
    return SHARED / "corpus"


@pytest.fixture(autouse=True)
def _private_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the user's own settings and models out of reach."""
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setenv("DICTATION_CONFIG_DIR", str(tmp_path / "config"))


@pytest.fixture(autouse=True)
def _no_thread_left_running(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A test that ends while a QThread of its own runs has a shutdown bug (the idea is napari's)."""
    try:
        from PySide6.QtCore import QThread
        from shiboken6 import isValid
    except ImportError:
        yield
        return
    started: list[QThread] = []
    start = QThread.start

    def remember(self: QThread, *arguments: object) -> None:
        started.append(self)
        start(self, *arguments)

    monkeypatch.setattr(QThread, "start", remember)
    yield
    running = [thread.objectName() or repr(thread) for thread in started if isValid(thread) and thread.isRunning()]
    assert not running, f"threads left running: {running}"
