"""The real program, watched for every attempt to reach the network; only the microphone is a recording.

Prints what happened as JSON. Python's own sockets are seen by an audit hook (PEP 578), those of C libraries by the
kernel's counters, which say something only in a network namespace of its own (``unshare -rn``).
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import socket
import struct
import sys
import traceback
import wave
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

SPEED = 4.0
attempts: list[str] = []
_NAMES = {"socket.connect", "socket.bind", "socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr",
          "socket.sendto", "socket.sendmsg"}  # fmt: skip


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    """Note and forbid what could leave the machine; sockets between processes (AF_UNIX) could not."""
    if event == "socket.__new__":
        is_outward = arguments[1] in (socket.AF_INET, socket.AF_INET6)
    else:
        is_outward = event in _NAMES and getattr(arguments[0], "family", None) != socket.AF_UNIX
    if is_outward:
        attempts.append(f"{event} {arguments[1:]}\n{''.join(traceback.format_stack(limit=25)[:-1])}")
        raise PermissionError(f"{event} is forbidden here")


def kernel_counts() -> dict[str, int]:
    """Connections and packets that were tried in this network namespace, by protocol."""
    counts: dict[str, int] = {}
    lines = Path("/proc/net/snmp").read_text().splitlines()
    for names, values in zip(lines[::2], lines[1::2], strict=True):
        kind, *keys = names.split()
        counts.update(dict(zip((kind + key for key in keys), map(int, values.split()[1:]), strict=True)))
    for line in Path("/proc/net/snmp6").read_text().splitlines():
        key, value = line.split()
        counts[key] = int(value)
    wanted = ("Out", "ActiveOpens", "NoRoutes")
    return {key: count for key, count in counts.items() if any(word in key for word in wanted)}


def repeat(clip: Path, target: Path) -> Path:
    """Say the clip again and again, so that one of them begins after the recording has."""
    with wave.open(str(clip), "rb") as source, wave.open(str(target), "wb") as sink:
        sink.setparams(source.getparams())
        once = source.readframes(source.getnframes()) + bytes(2 * source.getframerate())
        sink.writeframes(once * 100)
    return target


def call_home_from_python() -> None:
    import urllib.request

    with contextlib.suppress(OSError):  # a program that calls home would hide it, too
        urllib.request.urlopen("http://192.0.2.1/")  # a documentation address, RFC 5737


def call_home_from_c() -> None:
    libc = ctypes.CDLL(None)
    handle = libc.socket(socket.AF_INET, socket.SOCK_STREAM, 0)
    address = struct.pack("<H", socket.AF_INET) + struct.pack(">H", 80) + socket.inet_aton("192.0.2.1") + bytes(8)
    libc.connect(handle, address, 16)


class Scenario:
    """What a user does, step by step; each step waits for its condition."""

    def __init__(self, clip: Path, text: str, wants: str) -> None:
        self._clip = clip
        self._text = text
        self._wants = wants
        self.report: dict[str, Any] = {"said": [], "files": {}, "models": 0}

    def steps(self, window: Any) -> Iterator[Callable[[], bool]]:
        report, session, store = self.report, window.session, window.settings_store
        if self._wants == "to call home":
            call_home_from_python()
            call_home_from_c()
            return
        session.failed.connect(lambda error: report["said"].append(f"failed: {error}"))
        session.utterance_ready.connect(lambda utterance: report["said"].append(utterance.text))
        window.model_library.listing_changed.connect(lambda listing: report.update(models=len(listing.models)))
        window.file_queue.job_changed.connect(lambda job: report["files"].update({job.state.value: job.text}))
        yield lambda: session.model_status.state.value in ("ready", "failed")
        session.record()
        yield lambda: self._text in report["said"]
        session.stop()
        window.file_queue.add([self._clip])
        yield lambda: bool({"done", "failed"} & set(report["files"]))
        settings = store.settings
        store.update(replace(settings.recognizer, beam_width=50, hotwords=("dictation",)))
        store.update(replace(settings.network, is_allowed=not settings.network.is_allowed))
        store.update(replace(settings.window, font_px=20))
        for name in ("models", "words"):
            window.actions_by_id[name].trigger()
        yield lambda: report["models"] > 0


def main() -> int:
    clip, text, wants, folder = Path(sys.argv[1]), *sys.argv[2:4], Path(sys.argv[4])
    before = kernel_counts() if sys.platform == "linux" else {}
    sys.addaudithook(watch)
    from PySide6.QtCore import QTimer

    from dictation.audio.wave_source import WaveSource
    from dictation.runtime import backends
    from dictation.ui import main_window

    real_backends, scenario = backends.real_backends, Scenario(clip, text, wants)
    spoken = repeat(clip, folder / "spoken.wav")

    def with_recording(*arguments: Any, **options: Any) -> backends.Backends:
        return replace(real_backends(*arguments, **options), make_source=lambda _settings: WaveSource(spoken, SPEED))

    class Driven(main_window.MainWindow):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            self._steps = scenario.steps(self)
            self._is_done: Callable[[], bool] = lambda: True
            self._timer = QTimer(self, interval=20)
            self._timer.timeout.connect(self._go_on)
            self._timer.start()

        def _go_on(self) -> None:
            if self._is_done():
                step = next(self._steps, None)
                if step is None:
                    self._timer.stop()
                    self.close()
                else:
                    self._is_done = step

    backends.real_backends = with_recording
    main_window.MainWindow = Driven  # type: ignore[misc]
    from dictation.app import run_window

    code = run_window()
    after = kernel_counts() if sys.platform == "linux" else {}
    kernel = {key: after[key] - before[key] for key in after if after[key] != before.get(key)}
    told = {**scenario.report, "exit_code": code, "attempts": attempts, "kernel": kernel}
    sys.stdout.write(f"{json.dumps(told)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
