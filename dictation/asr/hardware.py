"""Runs the child process that tests the GPUs, and lives to tell how it ended. The child is ``probe``."""

from __future__ import annotations

import json
import logging
import os
import platform
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from dictation.core.hardware import GpuReport, HardwareReport

HANG_S = 120.0
"""Without a word for so long the child counts as hung. Importing torch from a cold disk takes half a minute, and a
driver that compiles kernels for a new GPU a whole one; nobody waits for this."""
PROBE_ARGUMENT = "--probe-hardware"
"""With this as its first argument a frozen program (which has no ``-m``) is the child."""
PREFIX = "dictation-probe:"
"""Starts each line of the child that counts; a JSON object follows."""
_POLL_S = 0.1
_NVIDIA_VERSION = Path("/proc/driver/nvidia/version")
_AMD_DEVICE = Path("/dev/kfd")

_log = logging.getLogger(__name__)

Message = dict[str, Any]


def probe(
    model: Path | None,
    command: Sequence[str] | None = None,
    hang_s: float = HANG_S,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> HardwareReport:
    """Run the child until every GPU is tested, skipping those that it died of. Never raises. Thread: any.

    Args:
        model: Folder of the model to test with; None lists the GPUs only.
        command: What to run instead of ``python -m dictation.asr.probe``; gets the same arguments.
        hang_s: Kill a child that says nothing for so long.
        is_cancelled: Asked ten times a second; the report is then incomplete.
    """
    report = HardwareReport(driver=find_driver())
    skipped: list[str] = []
    while True:
        arguments = [str(model)] if model else []
        for device in skipped:
            arguments += ["--skip", device]
        listener = _Listener(report)
        fault = _listen([*(command or _command()), *arguments], listener, hang_s, is_cancelled)
        report = listener.report
        if not fault or is_cancelled():
            return report
        if listener.under_test is None or listener.under_test in skipped:
            return replace(report, problem=f"The test of the GPUs {fault}")
        skipped.append(listener.under_test)
        report = _with(report, listener.under_test, precision="", fault=f"{fault} in its test", test_ms=0.0)


def find_driver() -> str:
    """The GPU driver in words, without loading it; empty if the system has none that torch can use."""
    if sys.platform == "darwin":
        return f"macOS {platform.mac_ver()[0]}" if platform.machine() == "arm64" else ""
    try:
        return _NVIDIA_VERSION.read_text(encoding="utf-8").splitlines()[0].strip()
    except (OSError, IndexError):
        return _ask_nvidia_smi() or ("AMD" if _AMD_DEVICE.exists() else "")


class _Listener:
    """Puts what the child says together."""

    def __init__(self, report: HardwareReport) -> None:
        self.report = report
        self.under_test: str | None = None
        self.is_done = False

    def hear(self, message: Message) -> None:
        """Take one message; one that is not as the child would say it is chatter."""
        try:
            self._take(message)
        except (KeyError, TypeError):
            _log.debug("the GPU probe said something odd: %s", message)

    def _take(self, message: Message) -> None:
        said, facts = message["say"], {name: fact for name, fact in message.items() if name != "say"}
        if said == "machine":
            self.report = replace(self.report, **facts)
        elif said == "found":
            gpu = GpuReport(**facts, precision="", fault="", test_ms=0.0)
            if all(known.device != gpu.device for known in self.report.gpus):
                self.report = replace(self.report, gpus=(*self.report.gpus, gpu))
        elif said == "testing":
            self.under_test = str(facts["device"])
        elif said == "tested":
            self.under_test = None
            self.report = _with(self.report, **facts)
        self.is_done = said == "done"


def _with(report: HardwareReport, device: str, **facts: Any) -> HardwareReport:
    """The report with other facts about one GPU."""
    return replace(
        report, gpus=tuple(replace(gpu, **facts) if gpu.device == device else gpu for gpu in report.gpus)
    )  # fmt: skip


def _command() -> list[str]:
    """How to start the child: this Python, or this program again where it is frozen into one."""
    if getattr(sys, "frozen", False):
        return [sys.executable, PROBE_ARGUMENT]
    return [sys.executable, "-m", "dictation.asr.probe"]


def _listen(command: list[str], listener: _Listener, hang_s: float, is_cancelled: Callable[[], bool]) -> str:
    """Run a child to its end; return how it failed, as a phrase, or nothing if it said all it had to."""
    package_root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(part for part in (package_root, os.environ.get("PYTHONPATH", "")) if part)
    flags: int = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # else Windows shows a console for a moment
    try:
        child = subprocess.Popen(  # noqa: S603 - ourselves
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            encoding="utf-8", errors="replace", creationflags=flags, env={**os.environ, "PYTHONPATH": path},
        )  # fmt: skip
    except OSError as error:
        return f"could not be started ({error})"
    with child:
        try:
            for message in _messages(child, hang_s, is_cancelled):
                listener.hear(message)
        except TimeoutError:
            return f"did not answer within {hang_s:.0f} s"
        finally:
            child.kill()  # harmless to one that has ended
    if listener.is_done or is_cancelled():
        return ""
    return _ending(child.returncode)


def _messages(
    child: subprocess.Popen[str], hang_s: float, is_cancelled: Callable[[], bool]
) -> Iterator[Message]:  # fmt: skip
    """Yield what a child says until it closes its output; ``TimeoutError`` after ``hang_s`` of silence."""
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def read() -> None:
        for line in child.stdout or ():
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, name="hardware-probe-reader", daemon=True).start()
    heard_s = time.monotonic()
    while not is_cancelled():
        try:
            line = lines.get(timeout=_POLL_S)
        except queue.Empty:
            if time.monotonic() - heard_s > hang_s:
                raise TimeoutError from None
            continue
        if line is None:
            return
        if line.startswith(PREFIX) and (message := _parse(line[len(PREFIX) :])):
            heard_s = time.monotonic()
            yield message


def _parse(text: str) -> Message | None:
    """A message, or None if it is none."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return cast("Message", found) if isinstance(found, dict) else None


def _ending(code: int) -> str:
    """How a child ended that did not finish, as a phrase."""
    if code < 0:
        try:
            return f"crashed ({signal.Signals(-code).name})"
        except ValueError:
            return f"crashed (signal {-code})"
    return f"crashed (exit code {code:#x})" if code > 0xFF else f"ended early (exit code {code})"  # noqa: PLR2004


def _ask_nvidia_smi() -> str:
    """The NVIDIA driver's version where the system shows no file with it (Windows, WSL)."""
    question = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        asked = subprocess.run(question, capture_output=True, text=True, timeout=10, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return ""
    return f"NVIDIA {asked.stdout.split()[0]}" if asked.stdout.split() else ""
