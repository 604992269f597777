"""The segmenter's worker without its thread: every slot is called here, so that nothing depends on timing."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QCoreApplication

from dictation.core.job_box import JobBox, JobKind
from dictation.core.settings import AudioSettings, SegmenterSettings
from dictation.runtime.backends import Backends
from dictation.runtime.segmenter_worker import SegmenterWorker
from tests.support.fake_recognizer import FakeRecognizer
from tests.support.fake_source import FakeMicrophone
from tests.support.synth import babble


@pytest.fixture
def microphone() -> FakeMicrophone:
    return FakeMicrophone()


@pytest.fixture
def box() -> JobBox:
    return JobBox()


@pytest.fixture
def worker(qapp: QCoreApplication, microphone: FakeMicrophone, box: JobBox) -> SegmenterWorker:
    backends = Backends(microphone.make, tuple, microphone.refresh, lambda _settings: FakeRecognizer(), tuple)
    return SegmenterWorker(box, backends, AudioSettings(), SegmenterSettings())


def test_a_word_that_was_not_read_yet_when_record_was_released_is_not_lost(
    worker: SegmenterWorker, microphone: FakeMicrophone, box: JobBox
) -> None:
    worker._tick()  # opens the input
    worker.record()
    microphone.play(babble(0.25))
    worker.stop()
    worker.finish()
    assert [job.kind for job in iter(lambda: box.take(0), None)] == [JobKind.FINAL]
