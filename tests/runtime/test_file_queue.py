"""The queue of files beside the window: one line for every file, whatever it is, and a clean end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from dictation.core.errors import ModelMissing
from dictation.core.settings import SegmenterSettings
from dictation.core.status import FileJob, FileJobState
from dictation.runtime import file_queue
from dictation.runtime.file_queue import FileQueue
from tests.support.fake_submit import FakeRecogniser
from tests.support.media_files import write_audio, write_float_wav
from tests.support.synth import babble, join, noise, silence

FINAL = {FileJobState.DONE, FileJobState.FAILED, FileJobState.CANCELLED}
MakeQueue = Callable[[FakeRecogniser], FileQueue]


@pytest.fixture
def make_queue(qtbot: QtBot) -> Iterator[MakeQueue]:
    made: list[tuple[FileQueue, FakeRecogniser]] = []

    def make(fake: FakeRecogniser) -> FileQueue:
        queue = FileQueue(fake.submit, SegmenterSettings)
        made.append((queue, fake))
        return queue

    yield make
    for queue, fake in made:
        with qtbot.waitSignal(queue.stopped, raising=False, timeout=10_000 if not queue._is_closed else 1):
            queue.close()
        fake.close()


def _write_talk(path: Path, utterances: int = 2) -> Path:
    parts = [part for seed in range(utterances) for part in (noise(0.7, -80, seed), babble(1.0, seed=seed))]
    return write_float_wav(path, join(*parts, noise(0.7, -80, 99)))


def _wait_for_all(queue: FileQueue, count: int, qtbot: QtBot) -> tuple[FileJob, ...]:
    qtbot.waitUntil(lambda: len(queue.jobs) == count and all(job.state in FINAL for job in queue.jobs), timeout=20_000)
    return queue.jobs


def test_a_folder_of_good_and_bad_files_gives_one_line_each(
    tmp_path: Path, qtbot: QtBot, make_queue: MakeQueue
) -> None:
    folder = tmp_path / "recordings"
    (folder / "more").mkdir(parents=True)
    (folder / "b_broken.mp3").write_bytes(np.random.default_rng(5).bytes(3000))
    (folder / "c_empty.wav").touch()
    write_float_wav(folder / "d_silent.wav", silence(2.0))
    write_audio(folder / "e_mute.mp4", np.empty((0, 0), dtype=np.float32), 16_000, video_frames=5)
    (folder / "notes.txt").write_text("not media")
    (folder / "._a.wav").touch()
    _write_talk(folder / "more" / "f_good.WAV")
    good = _write_talk(folder / "a_good.wav")
    queue = make_queue(FakeRecogniser())
    queue.add([folder])
    jobs = _wait_for_all(queue, 6, qtbot)
    assert [Path(job.path).name[0] for job in jobs] == ["a", "b", "c", "d", "e", "f"]
    assert [job.state.name for job in jobs] == ["DONE", "FAILED", "FAILED", "DONE", "FAILED", "DONE"]
    assert jobs[0].path == str(good)
    assert jobs[0].text == jobs[5].text == "segment 0\nsegment 1"
    assert jobs[0].progress == 1.0
    assert jobs[0].speed > 0
    assert jobs[3].message == "The file is silent."
    for job in jobs[1:5]:
        assert job.message
        assert "\n" not in job.message
    assert all(job.remedy for job in jobs if job.state is FileJobState.FAILED)


def test_a_folder_without_media_and_a_file_that_is_not_there(
    tmp_path: Path, qtbot: QtBot, make_queue: MakeQueue
) -> None:
    queue = make_queue(FakeRecogniser())
    queue.add([tmp_path, tmp_path / "gone.wav"])
    empty, gone = _wait_for_all(queue, 2, qtbot)
    assert "no audio or video file" in empty.message
    assert "gone.wav" in gone.message


def test_progress_grows_and_the_states_come_in_order(tmp_path: Path, qtbot: QtBot, make_queue: MakeQueue) -> None:
    queue = make_queue(FakeRecogniser())
    seen: list[FileJob] = []
    queue.job_changed.connect(seen.append)
    queue.add([_write_talk(tmp_path / "talk.wav", 6)])
    _wait_for_all(queue, 1, qtbot)
    assert list(dict.fromkeys(job.state for job in seen)) == [
        FileJobState.WAITING, FileJobState.RUNNING, FileJobState.DONE,
    ]  # fmt: skip
    progress = [job.progress for job in seen if job.progress is not None]
    assert progress == sorted(progress)
    assert [job.text.count("\n") for job in seen] == sorted(job.text.count("\n") for job in seen)


def test_a_running_and_a_waiting_file_can_be_cancelled_and_the_next_one_runs(
    tmp_path: Path, qtbot: QtBot, make_queue: MakeQueue
) -> None:
    fake = FakeRecogniser()
    fake.gate.clear()
    queue = make_queue(fake)
    queue.add([_write_talk(tmp_path / f"{name}.wav", 8) for name in "abc"])
    qtbot.waitUntil(lambda: fake.submitted > 0)
    queue.cancel(1)
    queue.cancel(0)
    qtbot.waitUntil(lambda: [job.state for job in queue.jobs][:2] == [FileJobState.CANCELLED] * 2)
    fake.gate.set()
    assert _wait_for_all(queue, 3, qtbot)[2].state is FileJobState.DONE
    queue.cancel(2)
    queue.cancel(77)
    assert queue.jobs[2].state is FileJobState.DONE


def test_a_missing_model_fails_each_file_with_its_remedy(tmp_path: Path, qtbot: QtBot, make_queue: MakeQueue) -> None:
    queue = make_queue(FakeRecogniser(error=ModelMissing("There is no model.")))
    queue.add([_write_talk(tmp_path / f"{name}.wav") for name in "ab"])
    for job in _wait_for_all(queue, 2, qtbot):
        assert (job.state, job.message, job.remedy) == (
            FileJobState.FAILED, "There is no model.", ModelMissing.remedy,
        )  # fmt: skip
        assert job.text == ""


def test_a_recogniser_that_closes_cancels_the_file(tmp_path: Path, qtbot: QtBot, make_queue: MakeQueue) -> None:
    queue = make_queue(FakeRecogniser(error=CancelledError()))
    queue.add([_write_talk(tmp_path / "talk.wav")])
    (job,) = _wait_for_all(queue, 1, qtbot)
    assert job.state is FileJobState.CANCELLED


def test_a_bug_in_one_file_does_not_stop_the_queue(
    tmp_path: Path, qtbot: QtBot, make_queue: MakeQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = file_queue.transcribe_file

    def sometimes_broken(path: Path, *rest: object) -> object:
        if path.name == "a.wav":
            raise_later: list[int] = []
            return (raise_later[0] for _ in range(1))
        return original(path, *rest)

    monkeypatch.setattr(file_queue, "transcribe_file", sometimes_broken)
    queue = make_queue(FakeRecogniser())
    queue.add([_write_talk(tmp_path / f"{name}.wav") for name in "ab"])
    first, second = _wait_for_all(queue, 2, qtbot)
    assert (first.state, second.state) == (FileJobState.FAILED, FileJobState.DONE)
    assert "IndexError" in first.message


def test_a_recogniser_that_hears_several_together_gets_as_many(tmp_path: Path, qtbot: QtBot) -> None:
    fake = FakeRecogniser()
    fake.gate.clear()
    queue = FileQueue(fake.submit, SegmenterSettings, look_ahead=lambda: 7)
    queue.add([_write_talk(tmp_path / "talk.wav", 9)])
    qtbot.waitUntil(lambda: fake.submitted == 8, timeout=20_000)
    fake.gate.set()
    (job,) = _wait_for_all(queue, 1, qtbot)
    assert job.text.splitlines() == [f"segment {number}" for number in range(9)]
    with qtbot.waitSignal(queue.stopped, timeout=10_000):
        queue.close()
    fake.close()


def test_text_so_far_stays_when_a_job_is_cancelled(tmp_path: Path, qtbot: QtBot, make_queue: MakeQueue) -> None:
    fake = FakeRecogniser()
    queue = make_queue(fake)
    queue.job_changed.connect(lambda job: fake.gate.clear() if job.text else None)
    queue.add([_write_talk(tmp_path / "talk.wav", 60)])
    qtbot.waitUntil(lambda: bool(queue.jobs) and bool(queue.jobs[0].text))
    queue.cancel(0)
    (job,) = _wait_for_all(queue, 1, qtbot)
    assert job.state is FileJobState.CANCELLED
    assert job.text.startswith("segment 0")


@pytest.mark.parametrize("is_busy", [True, False])
def test_closing_ends_the_thread_and_cancels_the_rest(
    is_busy: bool, tmp_path: Path, qtbot: QtBot, make_queue: MakeQueue
) -> None:
    fake = FakeRecogniser()
    queue = make_queue(fake)
    if is_busy:
        fake.gate.clear()
        queue.add([_write_talk(tmp_path / f"{name}.wav") for name in "ab"])
        qtbot.waitUntil(lambda: fake.submitted > 0)
    with qtbot.waitSignal(queue.stopped):
        queue.close()
        queue.close()
    assert all(job.state is FileJobState.CANCELLED for job in queue.jobs)
    queue.add([tmp_path])
    fake.gate.set()
