"""Segments of files beside live speech."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pytestqt.qtbot import QtBot

from dictation.core.errors import ModelMissing
from dictation.core.records import Segment
from dictation.core.segmenter import SegmentClosed, Segmenter
from dictation.core.settings import SegmenterSettings
from dictation.core.status import ModelState
from tests.support.stage import UTTERANCE, Stage, wait_for
from tests.support.synth import join, silence


def file_segment() -> Segment:
    events = Segmenter(SegmenterSettings()).push(join(silence(0.5), UTTERANCE))
    return next(event.segment for event in events if isinstance(event, SegmentClosed))


def test_a_files_segment_is_recognised_beside_live_speech(stage: Stage) -> None:
    assert stage.session.submit_segment(file_segment()).result(10).best.text == "word word word"
    assert stage.session.transcript.entries == ()


def test_the_recogniser_is_told_which_segments_come_next(stage: Stage, qtbot: QtBot) -> None:
    assert stage.session.look_ahead() == 0
    stage.recognizer.look_ahead = 2
    assert stage.session.look_ahead() == 2
    stage.recognizer.gate.clear()
    futures = [stage.session.submit_segment(file_segment()) for _ in range(6)]
    wait_for(qtbot, lambda: len(stage.recognizer.calls) == 1)
    assert futures[2].cancel()
    stage.recognizer.gate.set()
    assert [future.result(10).best.text for future in futures if not future.cancelled()] == ["word word word"] * 5
    assert stage.recognizer.told_of[1:] == [1, 2, 1, 0]  # the cancelled one is neither told nor recognised


def test_a_files_segment_without_a_model_fails_with_the_reason(open_stage: Callable[..., Stage], qtbot: QtBot) -> None:
    stage = open_stage(prepare=lambda stage: stage.recognizer.load_gate.clear())
    stage.recognizer.load_failure = ModelMissing("nothing there")
    early = stage.session.submit_segment(file_segment())
    stage.recognizer.load_gate.set()
    wait_for(qtbot, lambda: stage.session.model_status.state is ModelState.MISSING)
    late = stage.session.submit_segment(file_segment())
    for future in (early, late):
        with pytest.raises(ModelMissing, match="nothing there"):
            future.result(10)


def test_a_files_segment_cancelled_while_it_is_recognised_does_not_disturb_the_next(stage: Stage, qtbot: QtBot) -> None:
    """The file queue cancels futures; setting a result on a cancelled one raises in the recogniser's thread."""
    stage.recognizer.gate.clear()
    cancelled = stage.session.submit_segment(file_segment())
    wait_for(qtbot, lambda: len(stage.recognizer.calls) == 1)
    assert cancelled.cancel()
    following = stage.session.submit_segment(file_segment())
    stage.recognizer.gate.set()
    assert following.result(10).best.text == "word word word"
    assert stage.heard["failed"] == []
