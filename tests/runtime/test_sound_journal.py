"""Speech on the disk: there from its first syllable, gone with its words, and never a reason to stop recording."""

from __future__ import annotations

import errno
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from dictation.audio.growing_wav import GrowingWav, read_growing_wav
from dictation.core.job_box import JobBox
from dictation.core.records import SAMPLE_RATE_HZ, Hypothesis, Recognition, Samples, Utterance, Word
from dictation.core.settings import AudioSettings, RecoverySettings, SegmenterSettings
from dictation.runtime import sound_journal
from dictation.runtime.backends import Backends
from dictation.runtime.kept_sounds import KeptSound, claim_orphans, digest, saved_with
from dictation.runtime.segmenter_worker import SegmenterWorker
from dictation.runtime.sound_journal import SoundJournal
from dictation.runtime.sound_release import SoundRelease
from tests.support.fake_recognizer import FakeRecognizer
from tests.support.fake_source import FakeMicrophone, FakeSource
from tests.support.synth import babble, join, noise, silence

STEP = 1 / 32768


class Studio:
    """A segmenter's worker with a journal, every slot called here, so that nothing depends on timing."""

    def __init__(self, root: Path, microphone: FakeMicrophone | None = None) -> None:
        self.root = root
        self.microphone = microphone or FakeMicrophone()
        self.box = JobBox()
        backends = Backends(self.microphone.make, tuple, self.microphone.refresh, lambda _: FakeRecognizer(), tuple)
        self.journal = SoundJournal(root, RecoverySettings())
        self.told: list[str] = []
        self.journal.failed.connect(lambda error: self.told.append(str(error)))
        self.worker = SegmenterWorker(self.box, backends, AudioSettings(), SegmenterSettings(), self.journal)
        self.worker._tick()  # opens the input
        self.worker.record()

    def hear(self, samples: Samples) -> None:
        self.microphone.play(samples)
        while self.microphone.queue:
            self.worker._tick()

    def close(self) -> None:
        self.worker.finish()
        self.journal.close()

    @property
    def files(self) -> list[Path]:
        return sorted(self.root.glob("*/*.wav"))

    def jobs(self) -> list[Samples]:
        return [job.samples for job in iter(lambda: self.box.take(0), None)]


@pytest.fixture
def studio(tmp_path: Path, qapp: object) -> Iterator[Studio]:
    studio = Studio(tmp_path / "sound")
    yield studio
    studio.close()


def answer(segment_id: int, text: str = "word") -> Utterance:
    words = tuple(Word(part, 0.0, 0.1, 1.0) for part in text.split())
    return Utterance(segment_id, 0.0, 1.0, Recognition((Hypothesis(words),), 1.0, 0.0, 0.0, "cpu"))


def test_nothing_is_written_before_somebody_speaks(studio: Studio) -> None:
    studio.hear(silence(1.0))
    assert not studio.root.exists()


def test_what_is_being_said_is_on_the_disk_while_it_is_said(studio: Studio) -> None:
    studio.hear(silence(0.5))
    for turn in range(4):
        studio.hear(babble(0.5, seed=turn))
        audio = studio.worker._segmenter.open_audio()
        assert audio is not None
        (path,) = studio.files
        np.testing.assert_allclose(read_growing_wav(path), audio.samples.clip(-1, 1 - STEP), atol=STEP)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes; the user's folder is private there")
def test_only_its_owner_can_read_it(studio: Studio) -> None:
    studio.hear(babble(0.5))
    (path,) = studio.files
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(studio.root.stat().st_mode) == 0o700


def test_a_file_holds_exactly_its_segment_also_where_a_long_utterance_is_split(studio: Studio) -> None:
    studio.worker.configure(SegmenterSettings(max_segment_s=3))
    studio.hear(join(silence(0.5), babble(7.0), silence(0.6)))
    jobs = studio.jobs()
    assert len(jobs) == len(studio.files) >= 3
    for path, samples in zip(studio.files, jobs, strict=True):
        np.testing.assert_allclose(read_growing_wav(path), samples.clip(-1, 1 - STEP), atol=STEP)


def test_names_say_when_it_was_said(studio: Studio) -> None:
    studio.hear(join(silence(1.0), babble(1.0), silence(0.6)))
    sound = studio.journal.take(0)
    assert sound is not None
    assert sound.start_s == pytest.approx(1.0 - 0.15, abs=0.03)
    assert sound.said_at_s == pytest.approx(sound.path.stat().st_mtime, abs=10)


def test_what_turns_out_to_be_noise_is_deleted(studio: Studio, qtbot: QtBot) -> None:
    studio.worker.configure(SegmenterSettings(max_segment_s=30))
    studio.hear(join(silence(2.0), noise(1.0, -40)))
    assert studio.files
    studio.hear(noise(6.0, -40, seed=1))
    assert studio.jobs() == []
    qtbot.waitUntil(lambda: not studio.files)


def test_a_check_is_not_kept(studio: Studio) -> None:
    studio.worker.begin_check(1)
    studio.hear(join(babble(1.0), silence(0.6)))
    assert studio.files == []


def test_an_unplugged_microphone_ends_the_file_and_the_next_word_has_its_own(studio: Studio) -> None:
    studio.hear(babble(0.6))
    studio.microphone.unplug()
    studio.worker._tick()  # notices
    studio.worker._tick()  # opens again
    studio.hear(babble(0.6))
    studio.worker.stop()
    studio.worker._end_recording()
    jobs = [samples for samples in studio.jobs() if samples.size]
    assert [read_growing_wav(path).size for path in studio.files] == [samples.size for samples in jobs]
    assert len(jobs) == 2


def test_a_device_of_another_rate_is_kept_at_the_rate_of_the_recogniser(tmp_path: Path, qapp: object) -> None:
    class FortyEight(FakeMicrophone):
        def make(self, settings: object) -> FakeSource:
            source = super().make(settings)
            source.rate_hz = 48_000
            return source

    studio = Studio(tmp_path / "sound", FortyEight())
    studio.hear(join(np.repeat(babble(1.0), 3), np.zeros(48_000, dtype=np.float32)))
    ((path,), (job,)) = studio.files, [samples for samples in studio.jobs() if samples.size]
    assert job.size == pytest.approx(1.2 * SAMPLE_RATE_HZ, rel=0.15)
    assert read_growing_wav(path).size == job.size
    studio.close()


def test_switched_off_nothing_is_kept_and_what_was_is_deleted(studio: Studio, qtbot: QtBot) -> None:
    studio.hear(join(babble(1.0), silence(0.6), babble(0.5)))
    assert len(studio.files) == 2
    studio.worker.keep_sound(RecoverySettings(keeps_sound=False))
    qtbot.waitUntil(lambda: studio.files == [])
    studio.hear(babble(0.5))
    assert studio.files == []
    studio.worker.keep_sound(RecoverySettings(keeps_sound=True))
    studio.hear(babble(0.5))
    (path,) = studio.files
    assert read_growing_wav(path).size > 1.4 * SAMPLE_RATE_HZ  # the open utterance from its beginning


class FullDisk:
    """The disk takes nothing while this is set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_full = False
        real = GrowingWav._write

        def write(file: GrowingWav, data: bytes) -> None:
            if self.is_full:
                real(file, data[: len(data) // 3])
                raise OSError(errno.ENOSPC, "No space left on device")
            real(file, data)

        monkeypatch.setattr(GrowingWav, "_write", write)


@pytest.mark.parametrize("is_full_from_the_start", [True, False])
def test_a_full_disk_is_told_once_and_costs_nothing_once_there_is_room(
    is_full_from_the_start: bool, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = FullDisk(monkeypatch)
    disk.is_full = is_full_from_the_start
    studio.hear(babble(0.5))
    disk.is_full = True
    studio.hear(babble(1.0, seed=1))
    assert len(studio.told) == 1
    assert "No space left" in studio.told[0]
    disk.is_full = False
    studio.hear(join(babble(0.5, seed=2), silence(0.6)))
    ((path,), (job,)) = studio.files, studio.jobs()
    np.testing.assert_allclose(read_growing_wav(path), job.clip(-1, 1 - STEP), atol=STEP)
    assert len(studio.told) == 1


def test_recording_goes_on_where_nothing_can_be_written(tmp_path: Path, qapp: object) -> None:
    (tmp_path / "sound").write_text("in the way")
    studio = Studio(tmp_path / "sound")
    studio.hear(join(babble(1.0), silence(0.6), babble(1.0, seed=1), silence(0.6)))
    assert len(studio.jobs()) == 2
    assert len(studio.told) == 1
    studio.close()


def test_more_than_the_limit_is_not_kept_and_told(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound_journal, "LIMIT_BYTES", 10_000)
    studio.hear(join(babble(1.0), silence(0.6), babble(1.0, seed=1), silence(0.6)))
    assert len(studio.files) == 1
    assert "wait to be recognised already" in studio.told[0]
    assert len(studio.jobs()) == 2


def test_the_disk_itself_is_asked_to_take_it_now_and_then(
    studio: Studio, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(sound_journal, "sync", synced.append)
    studio.hear(babble(0.5))
    studio.journal.tend(studio.journal._unsynced_since_s + sound_journal.SYNC_EVERY_S)
    qtbot.waitUntil(lambda: set(synced) == {*studio.files, studio.files[0].parent})


def test_the_sound_goes_when_the_text_is_on_the_disk_and_not_before(studio: Studio, qtbot: QtBot) -> None:
    release = SoundRelease(studio.root, studio.journal)
    studio.hear(join(babble(1.0), silence(0.6), babble(1.0, seed=1), silence(0.6), babble(1.0, seed=2), silence(0.6)))
    first, second, third = studio.files
    release.note_utterance(answer(0))
    release.note_utterance(answer(1, ""))
    qtbot.waitUntil(lambda: not second.exists())
    waiting = release.take_waiting()
    assert [sound.path for sound in waiting] == [first]
    release.put_back(waiting)  # the text could not be written
    assert release.take_waiting() == waiting
    release.before_writing(b"text", waiting)
    assert saved_with(studio.root, digest(b"text")) == {waiting[0].key}
    assert saved_with(studio.root, digest(b"other text")) == set()
    assert first.exists()
    release.after_writing(waiting)
    assert studio.files == [third]  # nobody has answered it


def test_a_program_without_a_draft_lets_sound_go_with_the_words(studio: Studio, qtbot: QtBot) -> None:
    release = SoundRelease(studio.root, studio.journal)
    release.text_is_kept = False
    studio.hear(join(babble(1.0), silence(0.6)))
    release.note_utterance(answer(0))
    qtbot.waitUntil(lambda: studio.files == [])


def test_after_a_clean_end_nothing_is_left_but_what_has_no_words(tmp_path: Path, qapp: object) -> None:
    def run(answers: Callable[[SoundJournal], KeptSound | None]) -> list[Path]:
        studio = Studio(tmp_path / "sound")
        studio.hear(join(babble(1.0), silence(0.6)))
        sound = answers(studio.journal)
        studio.journal.discard([sound.path] if sound else [])
        studio.close()
        return sorted((tmp_path / "sound").iterdir())

    assert run(lambda journal: journal.take(0)) == []
    (left,) = run(lambda _: None)
    (orphan,) = claim_orphans(tmp_path / "sound")
    assert orphan.path == left
    assert len(orphan.sounds()) == 1
    orphan.release()


def test_what_a_running_program_keeps_is_no_orphan(studio: Studio) -> None:
    studio.hear(babble(1.0))
    assert claim_orphans(studio.root) == []
