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
