"""Segments of a file are searched in another process to the same words, and nothing is lost when there is none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import BrokenExecutor, Future
from pathlib import Path

import numpy as np
import psutil
import pytest

from dictation.asr import recognizer as recognizer_module
from dictation.asr.look_ahead import MOST_TOGETHER, Heard, LookAhead
from dictation.asr.model_folder import ModelFolder
from dictation.asr.recognizer import RecognitionCancelled, Recognizer
from dictation.asr.search_beside import (
    BEGIN_AFTER,
    IDLE_S,
    MOST_PROCESSES,
    SearchBeside,
    are_shareable,
    search_processes,
)
from dictation.asr.search_process import say_ready
from dictation.asr.self_test import read_clip
from dictation.core.errors import OutOfMemory
from dictation.core.records import SAMPLE_RATE_HZ, Hypothesis, Samples, Word
from dictation.core.settings import RecognizerSettings
from tests.asr.test_look_ahead import FakeProcessor

ROOT = Path(__file__).resolve().parents[2]
CLIPS = sorted((ROOT / "tests" / "golden").glob("*.wav"))
SETTINGS = RecognizerSettings(processor="cpu")


class FakePool:
    """A pool whose tasks end when the test says so; ``find`` hears the length of a segment."""

    def __init__(self) -> None:
        self.tasks: list[tuple[Future[object], tuple[object, ...]]] = []
        self.failure: Exception | None = None
        self.is_down = False

    def submit(self, function: object, *arguments: object) -> Future[object]:
        future: Future[object] = Future()
        if function is not say_ready:
            self.tasks.append((future, arguments))
        elif self.failure is None:
            future.set_result(None)
        else:
            future.set_exception(self.failure)
        return future

    def finish(self, place: int) -> None:
        future, (_, audio_s, _) = self.tasks[place]
        size = round(audio_s * SAMPLE_RATE_HZ)
        future.set_result(((Hypothesis((Word(f"{size}", 0.0, 0.1, 0.9),)),), 0.25))

    def shutdown(self, **_: object) -> None:
        self.is_down = True


class Stage:
    """A search beside, on a fake pool, whose network notes what it hears."""

    def __init__(self) -> None:
        self.pool = FakePool()
        self.now_s = 1000.0
        self.made: list[int] = []
        self.heard: list[int] = []
        self.failing: set[int] = set()
        self.hearing_s = 0.0
        self.has_waited = False
        self.beside = SearchBeside(Path("model"), None, self._make, lambda: self.now_s)

    def _make(self, _model: Path, _personal: object, processes: int) -> FakePool:
        self.made.append(processes)
        return self.pool

    def hear(self, samples: Samples) -> Heard:
        if samples.size in self.failing:
            raise OutOfMemory("no room")
        self.heard.append(samples.size)
        self.has_waited = False
        self.now_s += self.hearing_s
        return Heard(np.zeros((1, 1), dtype=np.float32), 0.5, "cpu")

    def wait(self) -> None:
        """Called before a segment is heard, and again and again while there is nothing to do but wait."""
        if self.has_waited:
            self.finish_all()
        self.has_waited = True

    def finish_all(self) -> None:
        for place, (future, _) in enumerate(self.pool.tasks):
            if not future.done():
                self.pool.finish(place)

    def find(self, samples: Samples, *upcoming: Samples, processes: int = 1) -> str | None:
        """The text; "nothing" if the processes failed meanwhile, None without any."""
        begun = self.beside.find(samples, upcoming, SETTINGS, self.hear, self.wait, processes)
        if begun is None:
            return None
        assert begun[0].network_s == 0.5
        return "nothing" if begun[1] is None else begun[1][0][0].text

    def begin(self, processes: int = 1) -> None:
        """Let the processes start."""
        for piece in pieces(*range(1, BEGIN_AFTER + 1)):
            assert self.find(piece, *pieces(99), processes=processes) is None
            self.beside.tend()


def pieces(*lengths: int) -> list[Samples]:
    return [np.zeros(length, dtype=np.float32) for length in lengths]


def test_processes_are_started_for_many_segments_only() -> None:
    stage = Stage()
    for piece in pieces(*range(1, BEGIN_AFTER + 3)):
        assert stage.find(piece) is None  # the last of a file, or one alone
    assert stage.made == []
    stage.begin()
    assert stage.made == [1]
    assert stage.heard == []


def test_what_comes_next_is_heard_once_and_meanwhile() -> None:
    stage = Stage()
    stage.begin()
    one, two, three = pieces(10, 20, 30)
    assert stage.find(one, two, three) == "10"
    assert stage.heard == [10, 20]
    assert stage.beside.has_begun(two)
    assert stage.find(two, three) == "20"
    assert stage.find(three) == "30"
    assert stage.heard == [10, 20, 30]
    assert not stage.beside.has_begun(three)


def test_as_many_are_begun_as_there_are_processes() -> None:
    stage = Stage()
    stage.begin(processes=3)
    assert stage.find(*pieces(10, 20, 30, 40, 50), processes=3) == "10"
    assert stage.heard == [10, 20, 30, 40]
    for piece in pieces(*range(60, 60 + BEGIN_AFTER)):  # the GPU that wanted three has failed
        assert stage.find(piece, *pieces(70), processes=1) is None
        assert stage.pool.is_down
    assert stage.made == [3, 1]


def test_looking_ahead_ends_when_the_segment_is_found() -> None:
    stage = Stage()
    stage.begin(processes=3)
    submit = stage.pool.submit

    def submit_and_finish(*arguments: object) -> Future[object]:
        future = submit(*arguments)
        stage.finish_all()
        return future

    stage.pool.submit = submit_and_finish
    assert stage.find(*pieces(10, 20, 30), processes=3) == "10"
    assert stage.heard == [10]


@pytest.mark.parametrize("lengths", [[100] * 50, [100 + 37 * (place % 11) for place in range(50)]])
def test_every_segment_is_heard_once_where_some_are_heard_together(lengths: list[int]) -> None:
    stage, network = Stage(), FakeProcessor()
    stage.begin(processes=8)
    ahead, audio = LookAhead(network), pieces(*lengths)
    for place, piece in enumerate(audio):
        upcoming = audio[place + 1 : place + 1 + MOST_TOGETHER]

        def hear(one: Samples, upcoming: list[Samples] = upcoming) -> Heard:
            return ahead.hear(one, [new for new in upcoming if not stage.beside.has_begun(new)], lambda: None)

        heard, found = stage.beside.find(piece, upcoming, SETTINGS, hear, stage.finish_all, 8)
        assert (heard.log_probs[0, 0], found[0][0].text) == (piece.size, f"{piece.size}")
    assert sorted(length for batch in network.batches for length in batch) == sorted(lengths)


def test_other_settings_search_anew_and_a_cancelled_file_is_forgotten() -> None:
    stage = Stage()
    stage.begin()
    one, two = pieces(10, 20)
    stage.find(one, two)
    stage.beside.forget()
    assert not stage.beside.has_begun(two)
    stage.find(one, two)
    key = id(two)
    assert key in stage.beside._pending
    del two
    assert key not in stage.beside._pending


def test_a_failure_ahead_is_no_failure_of_this_segment() -> None:
    stage = Stage()
    stage.begin()
    stage.failing = {20}
    one, two = pieces(10, 20)
    assert stage.find(one, two) == "10"
    with pytest.raises(OutOfMemory):
        stage.find(two, one)


def test_waiting_can_be_left() -> None:
    stage = Stage()
    stage.begin()

    def leave() -> None:
        raise RecognitionCancelled

    with pytest.raises(RecognitionCancelled):
        stage.beside.find(pieces(10)[0], (), SETTINGS, stage.hear, leave, 1)


def test_a_process_that_fails_at_the_start_is_said_and_missed_by_nobody(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    stage.pool.failure = BrokenExecutor()
    stage.begin()
    assert stage.find(*pieces(10, 20)) is None
    assert "no searches in other processes" in caplog.text
    assert stage.pool.is_down
    stage.begin()
    assert stage.made == [1]


@pytest.mark.parametrize("error", [BrokenExecutor(), BlockingIOError(), RuntimeError("cannot schedule new futures")])
def test_so_is_one_that_cannot_be_given_work(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    stage.begin()
    stage.pool.submit = lambda *_: (_ for _ in ()).throw(error)
    assert stage.find(*pieces(10, 20)) == "nothing"
    assert stage.heard == [10]
    assert type(error).__name__ in caplog.text
    assert stage.find(*pieces(10, 20)) is None


@pytest.mark.parametrize("error", [BrokenExecutor(), MemoryError(), ValueError("a bug")])
def test_so_is_one_that_fails_at_its_work(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    stage.begin()
    stage.pool.finish = lambda place: stage.pool.tasks[place][0].set_exception(error)
    assert stage.find(*pieces(10, 20)) == "nothing"
    assert type(error).__name__ in caplog.text
    assert stage.pool.is_down


def test_a_system_without_processes_is_said(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(*_: object) -> FakePool:
        raise OSError("no semaphores")

    stage = Stage()
    stage.beside = SearchBeside(Path("model"), None, refuse)
    stage.begin()
    assert stage.find(*pieces(10, 20)) is None
    assert stage.heard == []
    assert "OSError" in caplog.text


def test_idle_processes_end_and_begin_again() -> None:
    stage = Stage()
    stage.begin()
    stage.now_s += IDLE_S
    stage.beside.tend()
    assert not stage.pool.is_down
    stage.now_s += 0.1
    stage.beside.tend()
    assert stage.pool.is_down
    stage.begin()
    assert stage.made == [1, 1]


def test_a_network_that_takes_long_leaves_no_process_idle() -> None:
    stage = Stage()
    stage.begin()
    stage.hearing_s = IDLE_S
    one, two = pieces(10, 20)
    assert stage.find(one, two) == "10"
    stage.beside.tend()
    assert stage.beside.has_begun(two)
    stage.now_s += 10 * IDLE_S  # somebody speaks, and the file waits
    stage.beside.tend()
    assert stage.find(two) == "20"
    assert not stage.pool.is_down


def test_short_files_now_and_then_start_no_process() -> None:
    stage = Stage()
    for piece in pieces(*range(1, 3 * BEGIN_AFTER)):
        assert stage.find(piece, *pieces(99)) is None
        stage.now_s += 2 * IDLE_S
        stage.beside.tend()
    assert stage.made == []


def test_what_waits_for_a_process_is_cancelled_with_it() -> None:
    stage = Stage()
    stage.begin()
    one, two = pieces(10, 20)
    stage.find(one, two)
    waiting: Future[object] = Future()
    stage.beside._pending[id(two)] = (*stage.beside._pending[id(two)][:2], waiting)
    stage.beside.close()
    assert waiting.cancelled()


@pytest.mark.parametrize(
    ("cores", "hears_together", "count"),
    [(1, False, 0), (1, True, 0), (2, False, 1), (2, True, 1), (16, False, 1), (16, True, MOST_PROCESSES)],
)
def test_how_many_processes(cores: int, hears_together: bool, count: int) -> None:
    assert search_processes(cores, hears_together=hears_together) == count


def test_texts_are_not_loaded_twice(tmp_path: Path, starter: ModelFolder) -> None:
    assert are_shareable(starter, None)

    class Texts:
        @staticmethod
        def file(_: str) -> Path:
            return tmp_path / "lm.arpa"

    assert not are_shareable(Texts, None)  # cannot even be read
    (tmp_path / "lm.arpa").write_text("\\data\\\nngram 1=3\n")
    assert not are_shareable(Texts, None)


@pytest.mark.model
def test_the_real_search_gives_the_same_in_another_process(
    starter: ModelFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recognizer_module, "usable_cores", lambda: 2)
    recognizer = Recognizer(starter, RecognizerSettings(processor="cpu", hotwords=("dictation",)))
    recognizer.load()
    clips = [read_clip(path) for path in CLIPS] * 2
    wanted = [recognizer.recognize(clip).best for clip in clips]
    beside = recognizer._beside
    for clip in clips[:BEGIN_AFTER]:
        recognizer.recognize(clip, upcoming=clips[-1:])
    beside._started.result(60)
    clips = [clip.copy() for clip in clips]
    found = [recognizer.recognize(clip, upcoming=clips[place + 1 :]) for place, clip in enumerate(clips)]
    assert beside._pool is not None, "the processes were given up"
    assert [one.best for one in found] == wanted
    assert any(one.text for one in wanted)
    assert all(one.network_s > 0 and one.decode_s > 0 for one in found)
    (number,) = beside._pool._processes
    process = psutil.Process(number)
    recognizer.close()
    assert psutil.wait_procs([process], 30)[1] == []


@pytest.mark.model
@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGKILL, which Windows lacks")
def test_the_processes_end_with_a_program_that_is_killed(starter: ModelFolder) -> None:
    program = (
        "import sys; from pathlib import Path; from dictation.asr.search_beside import _make_pool\n"
        "from dictation.asr.search_process import say_ready\n"
        "if __name__ == '__main__':\n"
        "    pool = _make_pool(Path(sys.argv[1]), None, 1); pool.submit(say_ready).result()\n"
        "    print(*pool._processes, flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(starter.path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        child = psutil.Process(int(parent.stdout.readline()))
        os.kill(parent.pid, signal.SIGKILL)
        psutil.wait_procs([child], 30)
        assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
