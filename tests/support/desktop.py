"""A private X screen and the hands of a user: keys, mouse, clipboard, screenshots. Needs xvfb, xdotool, xclip."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

PROGRAMS = ("Xvfb", "xdotool", "xclip")
SIZE_PX = (1280, 900)


class Desktop:
    """Context manager around one Xvfb; without a window manager, windows lie where they ask to."""

    def __init__(self) -> None:
        self._server: subprocess.Popen[bytes] | None = None
        self.display = ""

    @staticmethod
    def missing_programs() -> list[str]:
        return [program for program in PROGRAMS if shutil.which(program) is None]

    def __enter__(self) -> Desktop:  # noqa: PYI034 - typing.Self needs Python 3.11
        readable, writable = os.pipe()
        screen = f"{SIZE_PX[0]}x{SIZE_PX[1]}x24"
        # The server chooses a free number itself and writes it to the pipe once it answers.
        self._server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(writable), "-screen", "0", screen, "-nolisten", "tcp"],  # noqa: S607
            pass_fds=[writable],
            stderr=subprocess.DEVNULL,
        )
        os.close(writable)
        with os.fdopen(readable) as pipe:
            self.display = f":{pipe.readline().strip()}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.terminate()
            self._server.wait()

    @property
    def variables(self) -> dict[str, str]:
        return {"DISPLAY": self.display, "QT_QPA_PLATFORM": "xcb"}

    def titles(self) -> list[str]:
        """Titles of all windows that are shown."""
        windows = self._xdotool("search", "--onlyvisible", "--name", ".").split()
        return [self._xdotool("getwindowname", window).strip() for window in windows]

    def focused_title(self) -> str:
        """Title of the window that takes the keys; without a window manager none does until it is clicked."""
        return self._xdotool("getwindowfocus", "getwindowname").strip()

    def press(self, keys: str) -> None:
        """Type a key combination such as ``ctrl+shift+c`` into the window under the pointer."""
        self._xdotool("key", keys)

    def type_text(self, text: str) -> None:
        """Type a text, key by key."""
        self._xdotool("type", "--delay", "30", text)

    def click(self, x: int, y: int) -> None:
        self._xdotool("mousemove", str(x), str(y), "click", "1")

    def move(self, x: int, y: int) -> None:
        self._xdotool("mousemove", str(x), str(y))

    def drag(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        """Pull from one point to another in steps, as a hand does, and let go."""
        self.move(*start)
        self._xdotool("mousedown", "1")
        steps = 12
        for step in range(1, steps + 1):
            self.move(*(round(a + (b - a) * step / steps) for a, b in zip(start, end, strict=True)))
            time.sleep(0.05)
        time.sleep(0.3)
        self._xdotool("mouseup", "1")

    def clipboard(self) -> str:
        """The text in the clipboard; empty if there is none."""
        command = ["xclip", "-selection", "clipboard", "-out"]
        done = subprocess.run(command, env=self._environment(), capture_output=True, check=False, timeout=10)
        return done.stdout.decode()

    def save_screenshot(self, path: Path) -> None:
        """Write what is on the screen as PNG, where ImageMagick is there to do it."""
        if shutil.which("import"):
            subprocess.run(["import", "-window", "root", str(path)], env=self._environment(), check=False)  # noqa: S607

    def _xdotool(self, *words: str) -> str:
        done = subprocess.run(
            ["xdotool", *words],  # noqa: S607
            env=self._environment(),
            capture_output=True,
            check=False,
            timeout=20,
        )
        return done.stdout.decode()

    def _environment(self) -> dict[str, str]:
        return {**os.environ, **self.variables}


def wait_until(is_true: Callable[[], bool], timeout_s: float, what: str) -> None:
    """Wait for another process to do something; ``what`` says in the failure what never came."""
    deadline_s = time.monotonic() + timeout_s
    while not is_true():
        assert time.monotonic() < deadline_s, f"within {timeout_s:.0f} s: {what}"
        time.sleep(0.1)
