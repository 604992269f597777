"""A session whose model is missing, damaged, slow, changed or wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pytestqt.qtbot import QtBot

from dictation.core.errors import ModelDamaged, ModelMissing
from dictation.core.settings import RecognizerSettings
from dictation.core.status import ModelState
from dictation.runtime import recognizer_worker
from tests.support.fake_recognizer import FakeRecognizer
from tests.support.stage import UTTERANCE, Stage, wait_for


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


def test_a_gpu_that_is_taken_over_or_fails_meanwhile_is_shown_without_a_word_said(
    open_stage: Callable[..., Stage], qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recognizer_worker, "TEND_EVERY_S", 0.01)
    stage = open_stage()
    for device, note in (("Test GPU", ""), ("CPU", "The Test GPU failed; using the CPU.")):
        stage.recognizer.tended_to = (device, note)
        wait_for(qtbot, lambda device=device: stage.session.model_status.device == device)
        status = stage.session.model_status
        assert (status.state, status.note) == (ModelState.READY, note)


def test_what_loading_and_each_utterance_left_behind_is_given_back_once_in_the_silence_after_it(
    open_stage: Callable[..., Stage], qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    after_calls: list[int] = []

    def watch(stage: Stage) -> None:
        calls = stage.recognizer.calls
        monkeypatch.setattr(recognizer_worker, "give_back_freed_memory", lambda: after_calls.append(len(calls)))

    def wait_for_silence(recognizer: FakeRecognizer) -> None:
        before = recognizer.tended
        wait_for(qtbot, lambda: recognizer.tended > before + 5)

    monkeypatch.setattr(recognizer_worker, "TEND_EVERY_S", 0.01)
    stage = open_stage(prepare=watch)
    wait_for(qtbot, lambda: stage.recognizer.tended > 5)
    assert after_calls == [0]
    stage.session.record()
    stage.microphone.play(UTTERANCE)
    wait_for(qtbot, lambda: stage.texts != [])
    wait_for_silence(stage.recognizer)
    assert after_calls[-1] == len(stage.recognizer.calls) > 0
    times = len(after_calls)
    wait_for_silence(stage.recognizer)
    assert len(after_calls) == times


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


def test_a_model_that_failed_to_replace_another_can_be_chosen_again(stage: Stage, qtbot: QtBot) -> None:
    """The old one stayed in use, and choosing the repaired one again was taken for no change."""
    stage.recognizer.load_failure = ModelDamaged("truncated")
    stage.session.configure_recognizer(RecognizerSettings(model_path="broken"))
    wait_for(qtbot, lambda: "truncated" in stage.session.model_status.note)
    stage.recognizer.load_failure = None
    stage.session.configure_recognizer(RecognizerSettings(model_path="broken"))
    wait_for(qtbot, lambda: len(stage.made) == 3 and stage.session.model_status.note == "")
    assert stage.session.model_status.state is ModelState.READY


def test_a_model_whose_files_have_changed_is_loaded_anew(stage: Stage, qtbot: QtBot) -> None:
    stage.session.reload_model()
    wait_for(qtbot, lambda: stage.recognizer.closed == 1)
    assert stage.made == [stage.made[0]] * 2
    wait_for(qtbot, lambda: stage.session.model_status.state is ModelState.READY)


def test_a_remark_about_a_new_hotword_is_shown_at_once(stage: Stage, qtbot: QtBot) -> None:
    def configure(settings: RecognizerSettings) -> None:
        stage.recognizer.note = f"no letters for {settings.hotwords[0]}" if settings.hotwords else ""

    stage.recognizer.configure = configure
    stage.session.configure_recognizer(RecognizerSettings(hotwords=("Zoë",)))
    wait_for(qtbot, lambda: stage.session.model_status.note == "no letters for Zoë")
    stage.session.configure_recognizer(RecognizerSettings())
    wait_for(qtbot, lambda: stage.session.model_status.note == "")
