"""A recogniser that hears utterances grow is asked once for each, and goes on from there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from dictation.asr.model_folder import open_model_folder
from dictation.asr.open_recognizer import open_recognizer
from dictation.asr.recognizer import Effort
from dictation.core.records import CloseCause, Recognition, Samples, Segment, Tentative
from dictation.core.status import SessionState
from tests.support.fake_recognizer import FakeRecognizer
from tests.support.stage import UTTERANCE, Stage, wait_for
from tests.support.synth import babble, join, silence
from tests.support.tiny_transducer import make_tiny_transducer


@dataclass
class GrowingRecognizer(FakeRecognizer):
    """Counts which of its utterances was asked with how many samples."""

    utterances: list[list[int]] = field(default_factory=list)

    def begin_utterance(self) -> _Utterance:
        self.utterances.append([])
        return _Utterance(self, self.utterances[-1])


@dataclass
class _Utterance:
    recognizer: GrowingRecognizer
    sizes: list[int]

    def recognize(
        self, samples: Samples, effort: Effort = Effort.FINAL, is_cancelled: Callable[[], bool] = lambda: False
    ) -> Recognition:
        self.sizes.append(samples.size)
        return self.recognizer.recognize(samples, effort, is_cancelled)


def test_each_utterance_has_a_session_of_its_own(open_stage: Callable[..., Stage], qtbot: QtBot) -> None:
    recognizer = GrowingRecognizer()
    stage = open_stage(prepare=lambda stage: setattr(stage, "recognizer", recognizer))
    stage.session.record()
    for count in (1, 2):
        stage.microphone.play(UTTERANCE)
        wait_for(qtbot, lambda count=count: len(stage.texts) == count)  # type: ignore[misc]
    assert len(recognizer.utterances) == 2
    assert all(sizes for sizes in recognizer.utterances)
    assert sum(map(len, recognizer.utterances)) == len(recognizer.calls), "nothing went past the sessions"


def test_segments_of_files_have_none(open_stage: Callable[..., Stage], qtbot: QtBot, segment: Segment) -> None:
    recognizer = GrowingRecognizer()
    stage = open_stage(prepare=lambda stage: setattr(stage, "recognizer", recognizer))
    future = stage.session.submit_segment(segment)
    wait_for(qtbot, future.done)
    assert future.result().best.text
    assert recognizer.utterances == []


@pytest.fixture
def segment() -> Segment:
    samples = babble(1.0)
    return Segment(0, 0, 0, samples.size, samples.size, CloseCause.END_OF_INPUT, samples)


def test_a_transducer_writes_while_someone_speaks(
    open_stage: Callable[..., Stage], tmp_path: Path, qtbot: QtBot
) -> None:  # fmt: skip
    folder = open_model_folder(make_tiny_transducer(tmp_path / "model", seed=3))
    stage = open_stage(
        prepare=lambda stage: setattr(stage, "make_recognizer", lambda settings: open_recognizer(folder, settings))
    )
    wait_for(qtbot, lambda: stage.session.state is SessionState.READY)
    stage.session.record()
    sound = join(babble(2.0), silence(0.5))
    stage.microphone.play(sound[:24_000])
    wait_for(
        qtbot, lambda: any(isinstance(one, Tentative) and one.tail_text for one in stage.heard["tentative_changed"])
    )
    stage.microphone.play(sound[24_000:])
    wait_for(qtbot, lambda: len(stage.texts) == 1)
    (utterance,) = stage.heard["utterance_ready"]
    assert utterance.text
    assert utterance.recognition.audio_s == pytest.approx(utterance.end_s - utterance.start_s, abs=0.001)
