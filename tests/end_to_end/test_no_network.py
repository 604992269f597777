"""Without a user's click no socket is opened: the real program, used offscreen with the network taken away."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLIP = ROOT / "models" / "starter" / "reference.wav"
CLIP_TEXT = "this is a test of the dictation program"
ALONE = ["unshare", "--map-root-user", "--net"]


def can_be_alone() -> bool:
    """Whether this machine lets a program have a network namespace, which has no way out."""
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*ALONE, "true"], capture_output=True, check=False).returncode == 0


def run_watched(folder: Path, wants: str) -> dict[str, Any]:
    names = ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "DICTATION_CONFIG_DIR")
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", **{name: str(folder / name) for name in names}}
    alone = ALONE if can_be_alone() else []
    command = [*alone, sys.executable, "-m", "tests.support.watched_app", str(CLIP), CLIP_TEXT, wants, str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=150)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One run of everything, for the tests below."""
    return run_watched(tmp_path_factory.mktemp("watched"), "to be used")


@pytest.mark.model
def test_the_program_does_its_work_without_a_network(report: dict[str, Any]) -> None:
    assert CLIP_TEXT in report["said"]
    assert report["files"]["done"].strip() == CLIP_TEXT
    assert report["models"] > 10
    assert report["exit_code"] == 0


@pytest.mark.model
def test_no_python_code_opens_a_socket(report: dict[str, Any]) -> None:
    assert report["attempts"] == []


@pytest.mark.model
def test_no_library_sends_anything(report: dict[str, Any]) -> None:
    if not can_be_alone():
        pytest.skip("unshare --net is refused here: only Python's own sockets are watched")
    assert report["kernel"] == {}


def test_calls_would_be_seen(tmp_path: Path) -> None:
    """One from Python, one from a C library."""
    seen = run_watched(tmp_path, "to call home")
    assert len(seen["attempts"]) == 1
    assert "call_home_from_python" in seen["attempts"][0]
    if can_be_alone():
        assert seen["kernel"]["Ip:OutNoRoutes"] == 1
