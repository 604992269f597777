"""The session with a microphone and a recogniser made of Python: real threads, real queues, no hardware."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from dictation.core.errors import ModelDamaged, ModelMissing, NoInputDevice, OutOfMemory
from dictation.core.records import SAMPLE_RATE_HZ, Gap, LossCause, Segment, SegmentState
from dictation.core.segmenter import SegmentClosed, Segmenter
from dictation.core.settings import AudioSettings, RecognizerSettings, SegmenterSettings, Settings
from dictation.core.status import InputDevice, InputState, ModelState, SessionState
from dictation.runtime.backends import Backends
from dictation.runtime.session import Session
from tests.support.fake_recognizer import FakeRecognizer
from tests.support.fake_source import FakeMicrophone
from tests.support.synth import babble, click, join, silence

UTTERANCE = join(babble(1.0), silence(0.5))


SIGNALS = [
    "state_changed",
    "input_changed",
    "model_changed",
    "segment_changed",
    "tentative_changed",
    "utterance_ready",
    "gap_found",
    "health_changed",
    "failed",
    "levels_ready",
    "stopped",
]


class Stage:
    """A session on fakes, and everything it said."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.microphone = FakeMicrophone()
        self.recognizer = FakeRecognizer()
        self.made: list[RecognizerSettings] = []
        self.session = Session(settings or Settings(), Backends(
            self.microphone.make, lambda: (InputDevice("fake", "test", 1, 16000, True),), self.microphone.refresh,
            self._make_recognizer, tuple,
        ))  # fmt: skip
        self.heard: dict[str, list[object]] = {}
        for name in SIGNALS:
            said = self.heard.setdefault(name, [])
            getattr(self.session, name).connect(lambda *arguments, said=said: said.append(*arguments or (None,)))

    def _make_recognizer(self, settings: RecognizerSettings) -> FakeRecognizer:
        self.made.append(settings)
        return self.recognizer

    @property
    def texts(self) -> list[str]:
        return [utterance.text for utterance in self.heard["utterance_ready"]]

    def segment_states(self, segment_id: int = 0) -> list[SegmentState]:
        states = [mark.state for mark in self.heard["segment_changed"] if mark.segment_id == segment_id]
        return [state for turn, state in enumerate(states) if turn == 0 or states[turn - 1] is not state]


@pytest.fixture
def open_stage(qtbot: QtBot) -> Iterator[Callable[..., Stage]]:
    stages: list[Stage] = []

    def build(settings: Settings | None = None, prepare: Callable[[Stage], None] = lambda _: None) -> Stage:
        stage = Stage(settings)
        prepare(stage)
        stages.append(stage)
        stage.session.open()
        return stage

    yield build
    for stage in stages:
        stage.recognizer.gate.set()
        stage.recognizer.load_gate.set()
        if not stage.heard["stopped"]:
            with qtbot.waitSignal(stage.session.stopped, timeout=20_000):
                stage.session.close()


@pytest.fixture
def stage(open_stage: Callable[..., Stage], qtbot: QtBot) -> Stage:
    stage = open_stage()
    qtbot.waitUntil(lambda: stage.session.state is SessionState.READY and
                    stage.session.input_status.state is InputState.DELIVERING)  # fmt: skip
    return stage


def wait_for(qtbot: QtBot, condition: Callable[[], bool]) -> None:
    qtbot.waitUntil(condition, timeout=15_000)


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


@pytest.mark.parametrize(
    ("failure", "state"), [(ModelMissing("none"), ModelState.MISSING), (ModelDamaged("bad hash"), ModelState.FAILED)]
)
def test_without_a_model_everything_else_works_and_one_can_be_chosen_later(
    open_stage: Callable[..., Stage], qtbot: QtBot, failure: Exception, state: ModelState
) -> None:
    stage = open_stage(prepare=lambda stage: setattr(stage.recognizer, "load_failure", failure))
    wait_for(qtbot, lambda: stage.session.model_status.state is state)
    assert stage.session.model_status.remedy
    stage.session.record()
    stage.microphone.play(UTTERANCE)
    wait_for(qtbot, lambda: stage.session.health.behind_s > 1)
    stage.recognizer.load_failure = None
    stage.session.configure_recognizer(RecognizerSettings(model_path="another"))
    wait_for(qtbot, lambda: stage.texts != [])


def test_closing_without_a_model_does_not_wait_for_one(open_stage: Callable[..., Stage], qtbot: QtBot) -> None:
    stage = open_stage(prepare=lambda stage: setattr(stage.recognizer, "load_failure", ModelMissing("none")))
    wait_for(qtbot, lambda: stage.session.model_status.state is ModelState.MISSING)
    stage.session.record()
    stage.microphone.play(UTTERANCE)
    wait_for(qtbot, lambda: stage.session.health.behind_s > 1)
    with qtbot.waitSignal(stage.session.stopped, timeout=4_000):
        stage.session.close()


def test_a_model_that_cannot_be_loaded_leaves_the_old_one_working(stage: Stage, qtbot: QtBot) -> None:
    stage.recognizer.load_failure = ModelDamaged("truncated")
    stage.session.configure_recognizer(RecognizerSettings(model_path="broken"))
    wait_for(qtbot, lambda: "truncated" in stage.session.model_status.note)
    assert stage.session.model_status.state is ModelState.READY
    stage.session.record()
    stage.microphone.play(UTTERANCE)
    wait_for(qtbot, lambda: stage.texts != [])


def test_another_model_takes_over_and_the_old_one_is_freed(stage: Stage, qtbot: QtBot) -> None:
    stage.session.configure_recognizer(RecognizerSettings(model_path="another"))
    wait_for(qtbot, lambda: stage.recognizer.closed == 1)
    stage.session.record()
    stage.microphone.play(UTTERANCE)
    wait_for(qtbot, lambda: stage.texts != [])


def test_a_model_that_fails_its_self_test_is_used_but_says_so(open_stage: Callable[..., Stage], qtbot: QtBot) -> None:
    stage = open_stage(prepare=lambda stage: setattr(stage.recognizer, "self_test_text", "sword"))
    wait_for(qtbot, lambda: stage.session.model_status.state is ModelState.READY)
    assert "misread its own test clip" in stage.session.model_status.note
    assert stage.session.model_status.remedy


def test_a_bug_between_the_jobs_ends_the_recogniser_but_not_the_program(stage: Stage, qtbot: QtBot) -> None:
    def misbehave(_settings: RecognizerSettings) -> None:
        raise ZeroDivisionError

    stage.recognizer.configure = misbehave
    stage.session.configure_recognizer(RecognizerSettings(beam_width=7))
    wait_for(qtbot, lambda: stage.session.model_status.state is ModelState.FAILED)
    with qtbot.waitSignal(stage.session.stopped, timeout=5_000):
        stage.session.close()


def test_beam_settings_change_without_a_reload(stage: Stage, qtbot: QtBot) -> None:
    stage.session.configure_recognizer(RecognizerSettings(beam_width=7))
    wait_for(qtbot, lambda: [one.beam_width for one in stage.recognizer.configured] == [7])
    assert len(stage.made) == 1


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
