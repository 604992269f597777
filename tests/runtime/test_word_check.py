"""The check of a hotword on a fake microphone, and a recogniser that knows which hotwords it was given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from dictation.asr.model_folder import open_model_folder
from dictation.asr.recognizer import Recognizer
from dictation.asr.self_test import read_clip
from dictation.core.errors import ModelMissing, OutOfMemory
from dictation.core.records import Hypothesis, Recognition, Samples, Word
from dictation.core.settings import RecognizerSettings, Settings
from dictation.core.status import ModelState, SessionState
from dictation.core.word_check import CheckPhase, WordCheckReport
from dictation.runtime.word_check import CheckEnd, WordCheckRunner
from tests.support.stage import UTTERANCE, Stage, wait_for
from tests.support.synth import join, silence

ROOT = Path(__file__).resolve().parents[2]
HOTWORDS = ("zoë", "Quandt")


class Bench:
    """A stage and a check on it, and everything the check said."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.runner = WordCheckRunner(stage.session, lambda: HOTWORDS)
        self.reports: list[WordCheckReport] = []
        self.ends: list[tuple[CheckEnd, Exception | None]] = []
        self.runner.report_changed.connect(self.reports.append)
        self.runner.ended.connect(lambda how, error: self.ends.append((how, error)))

    def say(self, qtbot: QtBot, until: Callable[[], bool]) -> None:
        self.stage.microphone.play(UTTERANCE)
        wait_for(qtbot, until)


def hears_hotwords(stage: Stage) -> None:
    """Let the recogniser understand "quandt" where it was given the word, and "want" where not."""
    understand = stage.recognizer.recognize
    configured = stage.recognizer.configured

    def recognize(samples: Samples, *arguments: object) -> Recognition:
        understand(samples, *arguments)
        text = "quandt" if "Quandt" in configured[-1].hotwords else "want"
        return Recognition((Hypothesis((Word(text, 0.0, 0.1, 0.9),)),), 1.0, 0.0, 0.0, "cpu")

    stage.recognizer.recognize = recognize


@pytest.fixture
def bench(open_stage: Callable[..., Stage], qtbot: QtBot) -> Bench:
    settings = Settings(recognizer=RecognizerSettings(hotwords=HOTWORDS))
    stage = open_stage(settings, prepare=lambda stage: stage.recognizer.configured.append(settings.recognizer))
    hears_hotwords(stage)
    wait_for(qtbot, lambda: stage.session.state is SessionState.READY and bool(stage.microphone.opened))
    return Bench(stage)


def test_three_sayings_and_a_reading_are_counted_with_and_without_the_word(bench: Bench, qtbot: QtBot) -> None:
    bench.runner.start("Quandt")
    for turn in (1, 2, 3):
        bench.say(qtbot, lambda turn=turn: len(bench.reports[-1].heard) == turn)
    assert bench.reports[-1].phase is CheckPhase.READING
    bench.say(qtbot, lambda: bench.reports[-1].words_read == 1)
    bench.runner.finish()
    wait_for(qtbot, lambda: bench.ends == [(CheckEnd.FINISHED, None)])
    report = bench.reports[-1]
    assert (report.hits, report.hits_without, report.phase) == (3, 0, CheckPhase.DONE)
    assert (report.false_triggers, report.false_triggers_without) == (1, 0)
    assert bench.stage.texts == [], "nothing of a check enters the transcript"
    assert bench.stage.session.transcript.text == ""
    assert bench.stage.recognizer.configured[-1].hotwords == HOTWORDS, "the user's own words are in force again"
    assert ("zoë",) in [settings.hotwords for settings in bench.stage.recognizer.configured]


def test_a_recording_loses_nothing_and_goes_on_after_the_check(bench: Bench, qtbot: QtBot) -> None:
    """What was said before and after the check is written, even a sentence that the check interrupts."""
    stage = bench.stage
    stage.session.record()
    stage.microphone.play(UTTERANCE[: UTTERANCE.size // 2])
    wait_for(qtbot, lambda: stage.session.state is SessionState.HEARING)
    bench.runner.start("Quandt")
    wait_for(qtbot, lambda: len(stage.texts) == 1)
    bench.say(qtbot, lambda: len(bench.reports[-1].heard) == 1)
    assert stage.session.is_recording
    bench.runner.cancel()
    assert bench.ends == [(CheckEnd.CANCELLED, None)]
    stage.microphone.play(UTTERANCE)
    wait_for(qtbot, lambda: len(stage.texts) == 2)
    assert len(bench.reports[-1].heard) == 1
    assert stage.session.health.lost_s == 0


def test_an_utterance_in_hand_belongs_to_the_check_that_is_finished(bench: Bench, qtbot: QtBot) -> None:
    bench.runner.start("Quandt")
    bench.stage.microphone.play(UTTERANCE[: UTTERANCE.size // 2])
    wait_for(qtbot, lambda: bool(bench.stage.heard["segment_changed"]))
    bench.runner.finish()
    wait_for(qtbot, lambda: bench.ends == [(CheckEnd.FINISHED, None)])
    assert bench.reports[-1].heard == ("quandt",)


@pytest.mark.parametrize("press", ["record", "stop"])
def test_the_record_button_ends_a_check(bench: Bench, qtbot: QtBot, press: str) -> None:
    stage = bench.stage
    if press == "stop":
        stage.session.record()
    bench.runner.start("Quandt")
    getattr(stage.session, press)()
    wait_for(qtbot, lambda: bench.ends == [(CheckEnd.INTERRUPTED, None)])
    stage.session.record()
    stage.microphone.play(UTTERANCE)
    wait_for(qtbot, lambda: len(stage.texts) == 1)
    assert not bench.runner.is_running


def test_a_second_start_gives_up_the_first(bench: Bench, qtbot: QtBot) -> None:
    bench.runner.start("Quandt")
    bench.runner.start("zoë")
    bench.say(qtbot, lambda: len(bench.reports[-1].heard) == 1)
    assert bench.reports[-1].phrase == "zoë"
    assert bench.ends == [(CheckEnd.CANCELLED, None)]
    bench.runner.cancel()


def test_an_error_ends_the_check_and_says_why(bench: Bench, qtbot: QtBot) -> None:
    bench.runner.start("Quandt")
    bench.stage.recognizer.failures = [OutOfMemory("no room")]
    bench.say(qtbot, lambda: bool(bench.ends))
    how, error = bench.ends[0]
    assert how is CheckEnd.FAILED
    assert str(error) == "no room"
    assert bench.stage.heard["failed"] == [], "it concerns the check alone"


def test_without_a_model_the_check_says_so(open_stage: Callable[..., Stage], qtbot: QtBot) -> None:
    stage = open_stage(prepare=lambda stage: setattr(stage.recognizer, "load_failure", ModelMissing("none")))
    wait_for(qtbot, lambda: bool(stage.session.model_status.note) and bool(stage.microphone.opened))
    bench = Bench(stage)
    bench.runner.start("Quandt")
    bench.say(qtbot, lambda: bool(bench.ends))
    assert isinstance(bench.ends[0][1], ModelMissing)


def test_closing_in_the_middle_of_a_check_ends_everything(bench: Bench, qtbot: QtBot) -> None:
    bench.runner.start("Quandt")
    bench.stage.microphone.play(UTTERANCE)
    with qtbot.waitSignal(bench.stage.session.stopped, timeout=15_000):
        bench.stage.session.close()
    bench.runner.cancel()


def test_the_hotwords_of_a_check_are_taken_back_when_recognition_fails(bench: Bench, qtbot: QtBot) -> None:
    bench.stage.recognizer.failures = [OutOfMemory("no room"), OutOfMemory("no room")]
    bench.runner.start("Quandt")
    bench.say(qtbot, lambda: bool(bench.ends))
    wait_for(qtbot, lambda: not bench.stage.recognizer.failures)
    assert bench.stage.recognizer.configured[-1] == replace(RecognizerSettings(), hotwords=HOTWORDS)


@pytest.mark.model
def test_the_real_model_is_checked_by_known_clips(open_stage: Callable[..., Stage], qtbot: QtBot) -> None:
    """ "what is your name" three times for the word it ends in, then another sentence as the text to read."""

    def use_the_starter(stage: Stage) -> None:
        folder = open_model_folder(ROOT / "models" / "starter")
        stage.make_recognizer = lambda settings: Recognizer(folder, settings)

    settings = Settings(recognizer=RecognizerSettings(hotwords=HOTWORDS))
    stage = open_stage(settings, prepare=use_the_starter)
    # The first load imports torch, which takes long on a busy core.
    qtbot.waitUntil(lambda: stage.session.model_status.state is ModelState.READY, timeout=90_000)
    bench = Bench(stage)
    bench.runner.start("Name")
    clip = {name: read_clip(ROOT / "tests" / "golden" / f"{name}.wav") for name in ("question", "house")}
    for turn in (1, 2, 3):
        # The fake microphone gives all at once: without a silence its first block may come before the check begins.
        stage.microphone.play(join(silence(0.5), clip["question"], silence(0.5)))
        qtbot.waitUntil(lambda turn=turn: len(bench.reports[-1].heard) == turn, timeout=30_000)
    stage.microphone.play(join(clip["house"], silence(0.5)))
    qtbot.waitUntil(lambda: bench.reports[-1].words_read > 0, timeout=30_000)
    bench.runner.finish()
    wait_for(qtbot, lambda: bench.ends == [(CheckEnd.FINISHED, None)])
    report = bench.reports[-1]
    assert (report.hits, report.false_triggers) == (3, 0)
    assert report.heard[0] == "what is your name"
    assert report.words_read == 6
    assert stage.texts == []
