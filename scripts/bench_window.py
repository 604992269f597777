"""The measured process of scripts/bench: the real program with a window that watches itself and talks to the mic.

Prints one line of JSON at its end. Not for use by itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import psutil  # noqa: E402
from PySide6.QtCore import QTimer  # noqa: E402
from PySide6.QtGui import QPaintEvent  # noqa: E402

from dictation import app  # noqa: E402
from dictation.core.records import SAMPLE_RATE_HZ, SegmentMark, SegmentState, Tentative, Utterance  # noqa: E402
from dictation.core.status import InputState, ModelState  # noqa: E402
from dictation.runtime import recognizer_worker  # noqa: E402
from dictation.ui import main_window  # noqa: E402

STARTED_S = float(os.environ["BENCH_STARTED_S"])
ROUNDS = int(os.environ["BENCH_ROUNDS"])
CLIPS = [ROOT / "models" / "starter" / "reference.wav", *sorted((ROOT / "tests" / "golden").glob("*.wav"))]
IDLE_S = 10
GUI_TIMER_MS = 10
PAUSE_BETWEEN_S = 1.2


class WatchedWindow(main_window.MainWindow):
    """The window as users have it, which notes when things happen to it and then closes itself."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.found: dict[str, Any] = {
            name: [] for name in ("latency_ms", "after_close_ms", "first_partial_ms", "interval_ms", "gui_late_ms")
        }
        self._process = psutil.Process()
        self._onsets_s: dict[int, float] = {}
        self._partials_s: dict[int, float] = {}
        self._utterances = 0
        self.session.model_changed.connect(self._on_model)
        self.session.segment_changed.connect(self._on_segment)
        self.session.tentative_changed.connect(self._on_tentative)
        self.session.utterance_ready.connect(self._on_utterance)
        self._gui_timer = QTimer(self, interval=GUI_TIMER_MS)
        self._gui_timer.timeout.connect(self._on_gui_timer)
        self._script = self._play_script()
        self._steps = QTimer(self, interval=200)
        self._steps.timeout.connect(lambda: next(self._script, None))
        self._steps.start()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Note the first paint."""
        super().paintEvent(event)
        self.found.setdefault("visible_s", time.time() - STARTED_S)

    def _play_script(self) -> Iterator[None]:
        """What a user does, one step per timer tick."""
        while "ready_s" not in self.found or self.session.input_status.state is InputState.OPENING:
            yield
        self.session.record()
        yield from self._wait(2.0)
        busy_s, from_s = self._busy_s(), time.perf_counter()
        yield from self._wait(IDLE_S)
        self.found["idle_percent"] = 100 * (self._busy_s() - busy_s) / (time.perf_counter() - from_s)
        self._due_s = time.perf_counter() + GUI_TIMER_MS / 1000
        self._gui_timer.start()
        for clip in CLIPS * ROUNDS:
            player = subprocess.Popen(["paplay", "--latency-msec=50", str(clip)])
            while player.poll() is None:
                yield
            yield from self._wait(PAUSE_BETWEEN_S)
        self._gui_timer.stop()
        self.found["utterances"] = self._utterances
        self.found["rss_mib"] = self._process.memory_info().rss / 2**20
        yield from self._wait(recognizer_worker.TEND_EVERY_S + PAUSE_BETWEEN_S)
        self.found["rested_rss_mib"] = self._process.memory_info().rss / 2**20
        self.close()

    def _wait(self, length_s: float) -> Iterator[None]:
        until_s = time.perf_counter() + length_s
        while time.perf_counter() < until_s:
            yield

    def _busy_s(self) -> float:
        times = self._process.cpu_times()
        return times.user + times.system

    def _on_model(self, status: Any) -> None:
        if status.state is ModelState.READY:
            self.found.setdefault("ready_s", time.time() - STARTED_S)

    def _on_segment(self, mark: SegmentMark) -> None:
        if mark.state is SegmentState.OPEN and mark.segment_id not in self._onsets_s:
            heard_s = (mark.end_frame - mark.onset_frame) / SAMPLE_RATE_HZ
            self._onsets_s[mark.segment_id] = time.perf_counter() - heard_s

    def _on_tentative(self, tentative: Tentative | None) -> None:
        if tentative is None or tentative.segment_id not in self._onsets_s:
            return
        now_s, last_s = time.perf_counter(), self._partials_s.get(tentative.segment_id)
        if last_s is not None:
            self.found["interval_ms"].append((now_s - last_s) * 1000)
        elif tentative.stable_text or tentative.tail_text:
            self.found["first_partial_ms"].append((now_s - self._onsets_s[tentative.segment_id]) * 1000)
        else:
            return
        self._partials_s[tentative.segment_id] = now_s

    def _on_utterance(self, utterance: Utterance) -> None:
        if utterance.text:
            self._utterances += 1
            self.found["latency_ms"].append(utterance.latency_ms)
            self.found["after_close_ms"].append(utterance.after_close_ms)

    def _on_gui_timer(self) -> None:
        now_s = time.perf_counter()
        self.found["gui_late_ms"].append(max(0.0, (now_s - self._due_s) * 1000))
        self._due_s = now_s + GUI_TIMER_MS / 1000


def main() -> None:
    """Run the program in a private home and print what its window found."""
    windows: list[WatchedWindow] = []

    def make(*arguments: Any) -> WatchedWindow:
        windows.append(WatchedWindow(*arguments))
        return windows[-1]

    main_window.MainWindow = make  # type: ignore[misc, assignment]
    with tempfile.TemporaryDirectory() as home:
        for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
            os.environ[name] = home
        app.run_window(config_folder=Path(home))
        print(json.dumps(windows[0].found))


if __name__ == "__main__":
    main()
