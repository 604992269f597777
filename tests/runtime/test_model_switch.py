"""Another model is chosen in the middle of a recording: nothing that is said meanwhile may be lost."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from dictation.asr.model_folder import open_model_folder
from dictation.asr.recognizer import Recognizer
from dictation.asr.self_test import read_clip
from dictation.core.errors import ModelDamaged
from dictation.core.records import Gap, Hypothesis, Recognition, Word
from dictation.core.settings import RecognizerSettings
from dictation.core.status import ModelFallback, ModelState
from tests.support.fake_recognizer import FakeRecognizer
from tests.support.stage import UTTERANCE, Stage, wait_for
from tests.support.synth import join, silence

ROOT = Path(__file__).resolve().parents[2]
NAME = 'name = "Second"'


class NamedRecognizer(FakeRecognizer):
    """Answers with the name of its model."""

    model = ""

    def recognize(self, *arguments: object, **named: object) -> Recognition:
        super().recognize(*arguments, **named)
        return Recognition((Hypothesis((Word(self.model, 0.0, 0.1, 0.9),)),), 1.0, 0.0, 0.0, "cpu")


@pytest.fixture
def models() -> dict[str, NamedRecognizer]:
    made = {name: NamedRecognizer() for name in ("", "next", "third", "broken")}
    for name, recognizer in made.items():
        recognizer.model = name or "first"
    made["broken"].load_failure = ModelDamaged("truncated")
    return made


@pytest.fixture
def stage(open_stage: Callable[..., Stage], models: dict[str, NamedRecognizer], qtbot: QtBot) -> Stage:
    def use_models(stage: Stage) -> None:
        stage.make_recognizer = lambda settings: models[settings.model_path]

    stage = open_stage(prepare=use_models)
    wait_for(qtbot, lambda: stage.session.model_status.state is ModelState.READY and bool(stage.microphone.opened))
    return stage


def test_what_is_said_while_the_next_model_loads_waits_for_it(
    stage: Stage, models: dict[str, NamedRecognizer], qtbot: QtBot
) -> None:
    session = stage.session
    session.record()
    stage.microphone.play(UTTERANCE)
    wait_for(qtbot, lambda: stage.texts == ["first"])
    models["next"].load_gate.clear()
    session.configure_recognizer(RecognizerSettings(model_path="next"))
    wait_for(qtbot, lambda: session.model_status.state is ModelState.LOADING)
    for _ in range(2):
        stage.microphone.play(UTTERANCE)
    wait_for(qtbot, lambda: session.health.behind_s > 2)
    assert stage.texts == ["first"]
    models["next"].load_gate.set()
    wait_for(qtbot, lambda: stage.texts == ["first", "next", "next"])
    assert session.is_recording
    assert session.health.lost_s == 0
    assert models[""].closed == 1, "the old model is freed"


def test_a_switch_in_the_middle_of_an_utterance_keeps_it_whole(stage: Stage, qtbot: QtBot) -> None:
    stage.session.record()
    half = UTTERANCE.size // 2
    stage.microphone.play(UTTERANCE[:half])
    wait_for(qtbot, lambda: bool(stage.heard["segment_changed"]))
    stage.session.configure_recognizer(RecognizerSettings(model_path="next"))
    stage.microphone.play(UTTERANCE[half:])
    wait_for(qtbot, lambda: stage.texts == ["next"])
    (utterance,) = stage.heard["utterance_ready"]
    assert utterance.end_s - utterance.start_s >= 1.0


def test_a_model_that_fails_gives_way_to_the_one_before_and_says_so(stage: Stage, qtbot: QtBot) -> None:
    session = stage.session
    session.record()
    session.configure_recognizer(RecognizerSettings(model_path="next"))
    session.configure_recognizer(RecognizerSettings(model_path="broken", beam_width=7))
    stage.microphone.play(UTTERANCE)
    wait_for(qtbot, lambda: session.model_status.fallback is not None)
    assert session.model_status.state is ModelState.READY
    assert session.model_status.fallback in {ModelFallback("broken", "next"), ModelFallback("broken", "")}
    assert "truncated" in session.model_status.note
    assert session.model_status.remedy
    wait_for(qtbot, lambda: len(stage.texts) == 1)
    assert [one for one in stage.heard["gap_found"] if isinstance(one, Gap)] == []


def test_settings_that_came_with_a_failed_model_still_count(
    stage: Stage, models: dict[str, NamedRecognizer], qtbot: QtBot
) -> None:
    stage.session.configure_recognizer(RecognizerSettings(model_path="broken", beam_width=7))
    wait_for(qtbot, lambda: [one.beam_width for one in models[""].configured] == [7])
    assert models[""].configured[0].model_path == ""


def test_of_several_choices_made_while_one_loads_only_the_last_is_loaded(
    stage: Stage, models: dict[str, NamedRecognizer], qtbot: QtBot
) -> None:
    models["next"].load_gate.clear()
    stage.session.configure_recognizer(RecognizerSettings(model_path="next"))
    wait_for(qtbot, lambda: stage.session.model_status.state is ModelState.LOADING)
    for name in ("broken", "", "broken", "third"):
        stage.session.configure_recognizer(RecognizerSettings(model_path=name))
    models["next"].load_gate.set()
    wait_for(qtbot, lambda: [one.model_path for one in stage.made] == ["", "next", "third"])
    wait_for(qtbot, lambda: stage.session.model_status.state is ModelState.READY)
    assert stage.session.model_status.fallback is None


@pytest.mark.model
def test_real_models_are_switched_while_someone_speaks(
    open_stage: Callable[..., Stage], tmp_path: Path, qtbot: QtBot
) -> None:
    """Two folders with the starter's files under different names; three known clips, the switch inside the second."""
    starter = ROOT / "models" / "starter"
    for file in starter.iterdir():
        if file.name != "model.toml":
            (tmp_path / file.name).symlink_to(file)
    described = (starter / "model.toml").read_text(encoding="utf-8")
    (tmp_path / "model.toml").write_text(re.sub("(?m)^name = .*$", NAME, described, count=1), encoding="utf-8")
    folders = {"": starter, "second": tmp_path}

    def use_real_models(stage: Stage) -> None:
        stage.make_recognizer = lambda settings: Recognizer(open_model_folder(folders[settings.model_path]), settings)

    names = ("house", "meeting", "question")
    clips = {name: read_clip(ROOT / "tests" / "golden" / f"{name}.wav") for name in names}
    stage = open_stage(prepare=use_real_models)
    # The first load imports torch, which takes long on a busy core.
    qtbot.waitUntil(lambda: stage.session.model_status.state is ModelState.READY, timeout=90_000)
    wait_for(qtbot, lambda: bool(stage.microphone.opened))
    stage.session.record()
    # The fake microphone gives all at once: without a silence its first block may come before the recording begins.
    stage.microphone.play(join(silence(0.5), clips["house"], silence(0.5)))
    wait_for(qtbot, lambda: len(stage.texts) == 1)
    half = clips["meeting"].size // 2
    stage.microphone.play(clips["meeting"][:half])
    wait_for(qtbot, lambda: not stage.microphone.queue)
    stage.session.configure_recognizer(RecognizerSettings(model_path="second"))
    stage.microphone.play(join(clips["meeting"][half:], silence(0.5), clips["question"], silence(0.5)))
    expected = " ".join((ROOT / "tests" / "golden" / f"{name}.txt").read_text().strip() for name in names)
    wait_for(qtbot, lambda: len(" ".join(stage.texts).split()) >= len(expected.split()))
    # The fake microphone plays faster than the clock and then pauses, so ``lost_s`` would say nothing of the switch.
    assert " ".join(stage.texts) == expected
    assert stage.session.model_status.name == "Second"
