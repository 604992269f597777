"""What a killed program has left: found, recognised once, and never lost on the way."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from dictation.audio.growing_wav import GrowingWav, read_growing_wav
from dictation.audio.media import open_media
from dictation.core.errors import ModelMissing
from dictation.core.records import SAMPLE_RATE_HZ, Hypothesis, Recognition, Segment, Word
from dictation.core.recovery import RecoveredUtterance, RecoveryState, RecoveryStatus
from dictation.core.settings import RecoverySettings
from dictation.runtime.draft_store import FILE_NAME, DraftStore
from dictation.runtime.kept_sounds import KeptSound, RunFolder, make_run_folder
from dictation.runtime.sound_journal import SoundJournal
from dictation.runtime.sound_recovery import SoundRecovery
from dictation.runtime.sound_release import SoundRelease
from tests.support.synth import babble

SAID_AT_S = 1_795_253_400.5


class Survivor:
    """The program after a crash: draft, release and recovery over a folder; its "recogniser" answers as told."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "sound"
        self.text = ""
        self.answers: list[str | Exception] = []
        self.submitted: list[Segment] = []
        self.heard: list[RecoveredUtterance] = []
        self.statuses: list[RecoveryStatus] = []
        self.journal = SoundJournal(self.root, RecoverySettings())
        self.release = SoundRelease(self.root, self.journal)
        self.draft = DraftStore(folder, lambda: self.text, self.release)
        self.recovery = SoundRecovery(self.root, self.submit, self.release)
        self.recovery.utterance_recovered.connect(self.take)
        self.recovery.status_changed.connect(self.statuses.append)

    def start(self) -> None:
        self.text = self.draft.load()
        self.recovery.start(self.draft.found_digest)

    def submit(self, segment: Segment) -> Future[Recognition]:
        self.submitted.append(segment)
        future: Future[Recognition] = Future()
        answer = self.answers.pop(0) if self.answers else "some words"
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            words = tuple(Word(text, 0.0, 0.1, 1.0) for text in answer.split())
            future.set_result(Recognition((Hypothesis(words),), segment.length_s, 0.0, 0.0, "cpu"))
        return future

    def take(self, recovered: RecoveredUtterance) -> None:
        self.heard.append(recovered)
        self.text += f"{recovered.utterance.text}\n"
        self.draft.note_change()

    @property
    def files(self) -> list[Path]:
        return sorted(self.root.glob("*/*.wav"))

    def end(self) -> None:
        self.draft.close()
        self.recovery.close()
        self.journal.close()


@pytest.fixture
def survivors(tmp_path: Path, qapp: object) -> Iterator[Any]:
    made: list[Survivor] = []

    def make() -> Survivor:
        made.append(Survivor(tmp_path / "data"))
        return made[-1]

    yield make
    for survivor in made:
        survivor.end()


def leave(root: Path, *segment_ids: int, length_s: float = 0.5, is_alive: bool = False) -> RunFolder:
    """Write what a run leaves that is killed (or that still runs)."""
    folder = make_run_folder(root)
    for segment_id in segment_ids:
        file = GrowingWav(sound(folder, segment_id).path)
        file.open()
        file.append(babble(length_s, seed=segment_id))
        file.close()
    if not is_alive:
        folder._lock.unlock()
    return folder


def sound(folder: RunFolder, segment_id: int) -> KeptSound:
    return folder.name_sound(segment_id, segment_id * SAMPLE_RATE_HZ, SAID_AT_S + segment_id)


def ended(survivor: Survivor) -> bool:
    return bool(survivor.statuses) and survivor.statuses[-1].state is not RecoveryState.RUNNING


def test_words_come_back_in_order_with_their_times_and_the_sound_goes(survivors: Any, qtbot: QtBot) -> None:
    survivor = survivors()
    leave(survivor.root, 3, 12, 4)
    survivor.answers = ["one", "two", "three"]
    survivor.start()
    qtbot.waitUntil(lambda: ended(survivor))
    assert survivor.text == "one\ntwo\nthree\n"
    assert [item.utterance.segment_id for item in survivor.heard] == [3, 4, 12]
    assert [item.is_first for item in survivor.heard] == [True, False, False]
    last = survivor.heard[-1]
    assert (last.said_at_s, last.utterance.start_s) == (SAID_AT_S + 12, 12.0)
    assert last.utterance.end_s == pytest.approx(12.5)
    np.testing.assert_allclose(survivor.submitted[0].samples, babble(0.5, seed=3), atol=1 / 32768)
    running, done = survivor.statuses
    assert (running.state, running.length_s) == (RecoveryState.RUNNING, pytest.approx(1.5))
    assert (done.state, done.word_count, done.said_at_s) == (RecoveryState.DONE, 3, SAID_AT_S + 3)
    qtbot.waitUntil(lambda: survivor.files == [])
    survivor.end()
    assert [path.name for path in survivor.root.iterdir()] == ["saved.json"]


def test_nothing_left_is_nothing_said(survivors: Any, qtbot: QtBot) -> None:
    survivor = survivors()
    survivor.start()
    with qtbot.waitSignal(survivor.recovery._background.stopped):
        survivor.recovery.close()
    assert survivor.statuses == []


def test_the_sound_of_a_running_program_is_left_alone(survivors: Any, qtbot: QtBot) -> None:
    survivor = survivors()
    alive = leave(survivor.root, 0, is_alive=True)
    leave(survivor.root, 1)
    survivor.start()
    qtbot.waitUntil(lambda: ended(survivor))
    assert [segment.segment_id for segment in survivor.submitted] == [1]
    assert sound(alive, 0).path.exists()
    alive.release()


def test_words_that_the_text_holds_already_are_not_recognised_again(survivors: Any, qtbot: QtBot) -> None:
    """The program was killed between writing the text and deleting the sound."""
    victim = survivors()
    victim.draft.load()
    folder = leave(victim.root, 1)
    victim.text = "already there"
    victim.release.note_recovered(sound(folder, 1), has_words=True)
    shutil.copy(sound(folder, 1).path, victim.root / "copy.wav")
    victim.draft.note_change()
    victim.draft.close()
    assert victim.files == []
    (victim.root / "copy.wav").rename(sound(folder, 1).path)  # as if it had not been deleted
    survivor = survivors()
    survivor.start()
    qtbot.waitUntil(lambda: survivor.files == [])
    assert survivor.text == "already there"
    assert survivor.submitted == []


def test_killed_before_the_text_was_written_the_words_are_found_again(survivors: Any, qtbot: QtBot) -> None:
    victim = survivors()
    folder = leave(victim.root, 1)
    victim.release.before_writing(b"text that never reached the disk", [sound(folder, 1)])
    survivor = survivors()
    survivor.start()
    qtbot.waitUntil(lambda: ended(survivor))
    assert survivor.text == "some words\n"


def test_without_a_model_the_sound_is_kept_and_can_be_tried_again(survivors: Any, qtbot: QtBot) -> None:
    survivor = survivors()
    folder = leave(survivor.root, 1, 2)
    survivor.answers = ["first", ModelMissing("No recognition model was found.")]
    survivor.start()
    qtbot.waitUntil(lambda: ended(survivor))
    kept = survivor.statuses[-1]
    assert (kept.state, kept.length_s, kept.folder) == (RecoveryState.KEPT, pytest.approx(0.5), str(folder.path))
    assert kept.message == "No recognition model was found."
    assert sound(folder, 2).path.exists()
    survivor.recovery.retry()
    qtbot.waitUntil(lambda: survivor.statuses[-1].state is RecoveryState.DONE)
    assert survivor.text == "first\nsome words\n"
    qtbot.waitUntil(lambda: survivor.files == [])


def test_a_program_that_ends_meanwhile_leaves_it_to_the_next(survivors: Any, qtbot: QtBot) -> None:
    first = survivors()
    leave(first.root, 1)
    first.answers = [CancelledError()]
    first.start()
    qtbot.waitUntil(lambda: bool(first.submitted) and not first.recovery._is_running)
    first.end()
    second = survivors()
    second.start()
    qtbot.waitUntil(lambda: ended(second))
    assert second.text == "some words\n"


def test_speech_that_kills_the_recogniser_is_not_tried_for_ever(survivors: Any, qtbot: QtBot) -> None:
    survivor = survivors()
    folder = leave(survivor.root, 1)
    for _ in range(2):
        folder.count_attempt()
    survivor.start()
    qtbot.waitUntil(lambda: ended(survivor))
    assert survivor.submitted == []
    assert survivor.statuses[-1].state is RecoveryState.KEPT
    survivor.recovery.retry()
    qtbot.waitUntil(lambda: survivor.statuses[-1].state is RecoveryState.DONE)


def test_a_damaged_file_costs_only_itself(survivors: Any, qtbot: QtBot) -> None:
    survivor = survivors()
    folder = leave(survivor.root, 1, 2)
    sound(folder, 1).path.write_bytes(bytes(5000))
    survivor.start()
    qtbot.waitUntil(lambda: ended(survivor))
    assert survivor.text == "some words\n"
    assert survivor.statuses[-1].state is RecoveryState.KEPT
    assert sound(folder, 1).path.exists()


def test_it_can_be_saved_as_wav_or_deleted(survivors: Any, qtbot: QtBot, tmp_path: Path) -> None:
    survivor = survivors()
    leave(survivor.root, 1, 2)
    survivor.answers = [ModelMissing("none")]
    survivor.start()
    qtbot.waitUntil(lambda: ended(survivor))
    for times in (1, 2):
        with qtbot.waitSignal(survivor.recovery.exported) as exported:
            survivor.recovery.export(tmp_path / "out")
        assert exported.args == [2, str(tmp_path / "out")]
        assert len(list((tmp_path / "out").iterdir())) == 2 * times  # nothing is overwritten
    saved = min((tmp_path / "out").iterdir())
    with open_media(saved) as media:
        assert np.concatenate(list(media)).size == read_growing_wav(survivor.files[0]).size
    (tmp_path / "file").touch()
    with qtbot.waitSignal(survivor.recovery.failed):
        survivor.recovery.export(tmp_path / "file")
    survivor.recovery.discard()
    qtbot.waitUntil(lambda: survivor.files == [])


def test_a_text_that_cannot_be_written_keeps_the_sound(
    survivors: Any, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    survivor = survivors()
    leave(survivor.root, 1)
    told: list[object] = []
    survivor.draft.failed.connect(told.append)

    def full(_path: Path, _data: bytes) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("dictation.runtime.draft_store.write_atomically", full)
        survivor.start()
        qtbot.waitUntil(lambda: bool(told))
    assert len(survivor.files) == 1
    survivor.draft.note_change()
    qtbot.waitUntil(lambda: survivor.files == [])
    assert (survivor.root.parent / FILE_NAME).read_text() == "some words\n"
