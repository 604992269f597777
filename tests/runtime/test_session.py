"""The session with a microphone and a recogniser made of Python: real threads, real queues, no hardware."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from dictation.core.errors import NoInputDevice, OutOfMemory
from dictation.core.records import SAMPLE_RATE_HZ, Gap, LossCause, SegmentState
from dictation.core.settings import AudioSettings, RecognizerSettings, SegmenterSettings, Settings
from dictation.core.status import InputState, SessionState
from tests.support.stage import UTTERANCE, Stage, wait_for
from tests.support.synth import babble, click, join, silence


def test_speech_becomes_tentative_words_and_then_an_utterance(stage: Stage, qtbot: QtBot) -> None:
    stage.session.record()
    stage.microphone.play(UTTERANCE)
    wait_for(qtbot, lambda: stage.texts != [])
    assert stage.texts == ["word word word"]
    assert any(one is not None and one.tail_text for one in stage.heard["tentative_changed"])
    assert stage.heard["tentative_changed"][-1] is None
    assert stage.session.transcript.text == "word word word"
    assert stage.segment_states() == [SegmentState.OPEN, SegmentState.QUEUED, SegmentState.RECOGNISED]
    assert stage.session.health.lost_s == 0


def test_nothing_is_recognised_before_record_but_levels_flow(stage: Stage, qtbot: QtBot) -> None:
    stage.microphone.play(UTTERANCE)
    wait_for(qtbot, lambda: not stage.microphone.queue and len(stage.heard["levels_ready"]) > 3)
    assert stage.heard["segment_changed"] == []
    assert stage.texts == []


def test_states_follow_the_speech(stage: Stage, qtbot: QtBot) -> None:
    stage.session.record()
    assert stage.session.state is SessionState.LISTENING
    stage.recognizer.gate.clear()
    stage.microphone.play(babble(0.6))
    wait_for(qtbot, lambda: stage.session.state is SessionState.HEARING)
    stage.microphone.play(silence(0.6))
    wait_for(qtbot, lambda: stage.session.state is SessionState.RECOGNISING)
    stage.session.stop()
    assert stage.session.state is SessionState.DRAINING
    stage.recognizer.gate.set()
    wait_for(qtbot, lambda: stage.session.state is SessionState.READY)
    assert len(stage.texts) == 1


def test_stop_in_mid_word_loses_nothing(stage: Stage, qtbot: QtBot) -> None:
    stage.session.record()
    stage.microphone.play(babble(2.0))
    wait_for(qtbot, lambda: stage.session.state is SessionState.HEARING)
    stage.session.stop()
    wait_for(qtbot, lambda: stage.session.state is SessionState.READY)
    assert len(stage.texts) == 1
    (utterance,) = stage.heard["utterance_ready"]
    assert utterance.end_s - utterance.start_s >= 2.0


def test_no_recording_counts_as_finished_before_its_words_are_there(stage: Stage, qtbot: QtBot) -> None:
    """The recogniser may be done with them before this thread has heard that the recording has ended."""
    order: list[object] = []
    stage.session.state_changed.connect(order.append)
    stage.session.utterance_ready.connect(lambda _: order.append("words"))
    stage.session.record()
    stage.microphone.play(babble(2.0))
    wait_for(qtbot, lambda: stage.session.state is SessionState.HEARING)
    is_answered = threading.Event()
    stage.session._recognizer_worker.final_ready.connect(is_answered.set, Qt.ConnectionType.DirectConnection)
    has_gone_on = threading.Event()
    stage.recognizer.configure = lambda _: has_gone_on.set()
    stage.session.stop()
    assert is_answered.wait(15)
    stage.session.configure_recognizer(RecognizerSettings(beam_width=7))  # taken when the answer has been given
    assert has_gone_on.wait(15)
    wait_for(qtbot, lambda: stage.session.state is SessionState.READY)
    assert order[-2:] == ["words", SessionState.READY]


def test_stop_and_record_again_at_once_is_one_recording_after_the_other(stage: Stage, qtbot: QtBot) -> None:
    stage.session.record()
    stage.microphone.play(UTTERANCE)
    wait_for(qtbot, lambda: len(stage.texts) == 1)
    stage.session.stop()
    stage.session.record()
    stage.microphone.play(UTTERANCE)
    wait_for(qtbot, lambda: len(stage.texts) == 2)
    assert stage.session.is_recording


def test_the_final_text_was_decoded_during_the_silence(stage: Stage, qtbot: QtBot) -> None:
    """The speculation covers exactly the final's audio, so the final costs no second recognition."""
    stage.session.record()
    stage.microphone.play(babble(1.0))
    wait_for(qtbot, lambda: stage.session.state is SessionState.HEARING)
    wait_for(qtbot, lambda: stage.texts != [])
    (utterance,) = stage.heard["utterance_ready"]
    final_frames = round((utterance.end_s - utterance.start_s) * SAMPLE_RATE_HZ)
    full = [size for effort, size in stage.recognizer.calls if effort.value == "final"]
    assert full == [final_frames]


def test_speech_recorded_before_the_model_is_ready_is_recognised_when_it_is(
    open_stage: Callable[..., Stage], qtbot: QtBot
) -> None:
    stage = open_stage(prepare=lambda stage: stage.recognizer.load_gate.clear())
    assert stage.session.state is SessionState.LOADING
    stage.session.record()
    stage.microphone.play(join(UTTERANCE, UTTERANCE))
    wait_for(qtbot, lambda: stage.session.health.behind_s > 2)
    stage.recognizer.load_gate.set()
    wait_for(qtbot, lambda: len(stage.texts) == 2)


def test_a_slow_recogniser_blocks_nothing_and_answers_every_final_in_order(stage: Stage, qtbot: QtBot) -> None:
    stage.recognizer.gate.clear()
    stage.session.record()
    for turn in range(4):
        stage.microphone.play(join(babble(0.6 + 0.5 * turn), silence(0.5)))
    wait_for(qtbot, lambda: sum(m.state is SegmentState.QUEUED for m in stage.heard["segment_changed"]) == 4)
    assert stage.texts == []
    stage.recognizer.gate.set()
    wait_for(qtbot, lambda: len(stage.texts) == 4)
    assert [len(text.split()) for text in stage.texts] == sorted(len(text.split()) for text in stage.texts)
    assert [one.segment_id for one in stage.heard["utterance_ready"]] == [0, 1, 2, 3]


def test_a_click_is_marked_as_noise_and_gives_no_text(stage: Stage, qtbot: QtBot) -> None:
    stage.session.record()
    stage.microphone.play(join(silence(0.3), click(), silence(0.6)))
    wait_for(qtbot, lambda: SegmentState.REJECTED in stage.segment_states())
    assert stage.texts == []
    assert stage.session.state is SessionState.LISTENING


def test_a_segment_without_words_is_marked_as_noise(stage: Stage, qtbot: QtBot) -> None:
    stage.recognizer.is_deaf = True
    stage.session.record()
    stage.microphone.play(UTTERANCE)
    wait_for(qtbot, lambda: SegmentState.REJECTED in stage.segment_states())
    assert stage.texts == [""]
    assert stage.session.transcript.text == ""


def test_a_device_that_vanishes_in_mid_word_ends_the_utterance_and_the_recording_goes_on(
    stage: Stage, qtbot: QtBot
) -> None:
    stage.session.record()
    stage.microphone.play(babble(1.0))
    wait_for(qtbot, lambda: stage.session.state is SessionState.HEARING and not stage.microphone.queue)
    stage.microphone.refused = [NoInputDevice("gone")]
    stage.microphone.unplug()
    wait_for(qtbot, lambda: stage.session.input_status.state is InputState.LOST)
    assert stage.session.state is SessionState.FAILED
    wait_for(qtbot, lambda: len(stage.texts) == 1)
    wait_for(qtbot, lambda: stage.session.input_status.state is InputState.DELIVERING)
    stage.microphone.play(UTTERANCE)
    wait_for(qtbot, lambda: len(stage.texts) == 2)
    first, gap, second = stage.session.transcript.entries
    assert isinstance(gap, Gap)
    assert gap.cause is LossCause.DEVICE
    assert gap.length_s > 0.5
    assert (first.text, second.text) == ("word word word", "word word word")
    assert stage.session.health.lost_s == gap.length_s
    assert stage.session.is_recording


def test_a_segment_that_fails_leaves_a_visible_gap_and_the_next_is_recognised(stage: Stage, qtbot: QtBot) -> None:
    stage.recognizer.gate.clear()
    stage.session.record()
    stage.microphone.play(join(UTTERANCE, UTTERANCE))
    wait_for(qtbot, lambda: sum(m.state is SegmentState.QUEUED for m in stage.heard["segment_changed"]) == 2)
    stage.recognizer.failures = [OutOfMemory("The GPU is full.")]
    stage.recognizer.gate.set()
    wait_for(qtbot, lambda: stage.texts != [])
    gap, _ = stage.session.transcript.entries
    assert gap.cause is LossCause.RECOGNISER
    assert [str(error) for error in stage.heard["failed"]] == ["The GPU is full."]
    assert stage.segment_states(0)[-1] is SegmentState.FAILED
    assert "GPU" not in stage.session.transcript.text


def test_a_bug_in_the_recogniser_does_not_end_its_thread(stage: Stage, qtbot: QtBot) -> None:
    stage.recognizer.gate.clear()
    stage.session.record()
    stage.microphone.play(join(UTTERANCE, UTTERANCE))
    wait_for(qtbot, lambda: sum(m.state is SegmentState.QUEUED for m in stage.heard["segment_changed"]) == 2)
    stage.recognizer.failures = [ZeroDivisionError("oops")]
    stage.recognizer.gate.set()
    wait_for(qtbot, lambda: stage.texts != [])
    assert "ZeroDivisionError" in str(stage.heard["failed"][0])


def test_a_threshold_change_takes_effect_while_recording(stage: Stage, qtbot: QtBot) -> None:
    stage.session.configure_segmenter(SegmenterSettings(threshold_dbfs=-10))
    stage.session.record()
    stage.microphone.play(babble(1.0, -20))
    wait_for(qtbot, lambda: not stage.microphone.queue)
    stage.session.configure_segmenter(SegmenterSettings(threshold_dbfs=-40))
    stage.microphone.play(join(babble(1.0, -20), silence(0.5)))
    wait_for(qtbot, lambda: stage.texts != [])
    assert len(stage.texts) == 1


def test_another_input_can_be_chosen_in_mid_recording(stage: Stage, qtbot: QtBot) -> None:
    stage.session.record()
    stage.microphone.play(babble(1.0))
    wait_for(qtbot, lambda: stage.session.state is SessionState.HEARING and not stage.microphone.queue)
    stage.session.choose_input(AudioSettings(device_name="other"))
    wait_for(qtbot, lambda: len(stage.texts) == 1)
    wait_for(qtbot, lambda: len(stage.microphone.opened) == 2)
    stage.microphone.play(UTTERANCE)
    wait_for(qtbot, lambda: len(stage.texts) == 2)
    assert stage.microphone.settings[-1] == AudioSettings(device_name="other")


def test_no_device_is_a_state_that_heals_by_itself(open_stage: Callable[..., Stage], qtbot: QtBot) -> None:
    stage = open_stage(prepare=lambda stage: setattr(stage.microphone, "refused", [NoInputDevice("none found")]))
    wait_for(qtbot, lambda: stage.session.input_status.state is InputState.NO_DEVICE)
    assert stage.session.input_status.message == "none found"
    wait_for(qtbot, lambda: stage.session.input_status.state is InputState.DELIVERING)


def test_calibration_listens_two_seconds_and_proposes(stage: Stage, qtbot: QtBot) -> None:
    with qtbot.waitSignal(stage.session.calibrated, timeout=10_000) as answer:
        stage.session.calibrate()
        stage.microphone.play(np.concatenate([stage.microphone.room(40_000)]))
    (found,) = answer.args
    assert -80 <= found.floor_dbfs <= -65
    assert found.sentence.startswith("Noise floor")


def test_refreshing_lists_the_devices(stage: Stage, qtbot: QtBot) -> None:
    with qtbot.waitSignal(stage.session.devices_changed, timeout=10_000) as answer:
        stage.session.refresh_devices()
    assert [device.name for device in answer.args[0]] == ["fake"]


def test_closing_finishes_what_was_said(open_stage: Callable[..., Stage], qtbot: QtBot) -> None:
    stage = open_stage()
    wait_for(qtbot, lambda: stage.session.state is SessionState.READY)
    stage.session.record()
    stage.microphone.play(babble(1.5))
    wait_for(qtbot, lambda: stage.session.state is SessionState.HEARING and not stage.microphone.queue)
    with qtbot.waitSignal(stage.session.stopped, timeout=10_000):
        stage.session.close()
        stage.session.close()
    assert len(stage.texts) == 1
    assert stage.microphone.opened[-1].closed
    assert stage.recognizer.closed == 1


def test_closing_while_the_recogniser_hangs_gives_up_after_its_deadline(
    stage: Stage, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dictation.runtime.session.CLOSE_WITHIN_MS", 200)
    stage.recognizer.gate.clear()
    stage.session.record()
    stage.microphone.play(UTTERANCE)
    wait_for(qtbot, lambda: stage.session.health.behind_s > 0)
    with qtbot.waitSignal(stage.session.stopped, timeout=5_000):
        stage.session.close()


def test_starting_and_stopping_fifty_times_leaves_everything_in_order(stage: Stage, qtbot: QtBot) -> None:
    for _ in range(50):
        stage.session.record()
        stage.session.stop()
    wait_for(qtbot, lambda: stage.session.state is SessionState.READY)
    stage.session.record()
    stage.microphone.play(UTTERANCE)
    wait_for(qtbot, lambda: len(stage.texts) == 1)


def test_a_session_that_never_opened_can_be_closed(qtbot: QtBot) -> None:
    stage = Stage(replace(Settings()))
    with qtbot.waitSignal(stage.session.stopped):
        stage.session.close()


def test_stopping_while_the_device_is_gone_leaves_the_gap(stage: Stage, qtbot: QtBot) -> None:
    stage.session.record()
    stage.microphone.play(UTTERANCE)
    wait_for(qtbot, lambda: len(stage.texts) == 1)
    stage.microphone.refused = [NoInputDevice("gone")] * 20
    stage.microphone.unplug()
    wait_for(qtbot, lambda: stage.session.input_status.state is InputState.LOST)
    stage.session.stop()
    wait_for(qtbot, lambda: stage.session.state is not SessionState.DRAINING and len(stage.heard["gap_found"]) == 1)
    assert stage.heard["gap_found"][0].cause is LossCause.DEVICE
    assert isinstance(stage.session.transcript.entries[-1], Gap)
