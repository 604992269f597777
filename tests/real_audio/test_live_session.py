"""The whole main job: real microphone stream, real segmenter, real model, words in the transcript."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from dictation.core.records import Gap, LossCause, Utterance
from dictation.core.settings import Settings
from dictation.core.status import InputState, ModelState, SessionState
from dictation.runtime.backends import real_backends
from dictation.runtime.session import Session
from tests.support.pulse import VirtualMicrophone

pytestmark = [pytest.mark.portaudio, pytest.mark.model]

CLIP = Path(__file__).resolve().parents[2] / "models" / "starter" / "reference.wav"
CLIP_TEXT = "this is a test of the dictation program"


@pytest.fixture
def play(virtual_microphone: VirtualMicrophone) -> Iterator[Callable[[], None]]:
    """Starts the clip and returns at once; its end is waited for when the test is over."""
    players = []
    yield lambda: players.append(virtual_microphone.play(CLIP, wait=False))
    for player in players:
        player.wait(30)


@pytest.fixture
def session(virtual_microphone: VirtualMicrophone, qtbot: QtBot) -> Iterator[Session]:
    session = Session(Settings(), real_backends())
    session.open()
    yield session
    with qtbot.waitSignal(session.stopped, timeout=30_000):
        session.close()


@pytest.fixture
def ready(session: Session, qtbot: QtBot) -> Session:
    wait_for(qtbot, lambda: session.model_status.state is ModelState.READY, 60)
    # The virtual microphone delivers exact zeros while nothing is played, and that is said within 2 s.
    wait_for(qtbot, lambda: session.input_status.state in {InputState.DELIVERING, InputState.SILENT})
    return session


def wait_for(qtbot: QtBot, condition: Callable[[], bool], timeout_s: float = 20) -> None:
    qtbot.waitUntil(condition, timeout=round(timeout_s * 1000))


def test_speech_into_the_microphone_arrives_as_words_in_the_transcript(
    ready: Session, play: Callable[[], None], qtbot: QtBot
) -> None:
    tentative, states = [], []
    ready.tentative_changed.connect(tentative.append)
    ready.state_changed.connect(states.append)
    ready.record()
    play()
    wait_for(qtbot, lambda: ready.transcript.text == CLIP_TEXT)
    (utterance,) = ready.transcript.entries
    words = utterance.recognition.best.words
    assert [word.text for word in words] == CLIP_TEXT.split()
    assert all(one.end_s <= two.start_s for one, two in pairwise(words))
    assert any(one is not None and one.stable_text for one in tentative), "no words while speaking"
    assert SessionState.HEARING in states
    assert utterance.latency_ms is not None
    assert ready.health.lost_s == 0


def test_recording_before_the_model_is_ready_loses_nothing(
    session: Session, play: Callable[[], None], qtbot: QtBot
) -> None:
    wait_for(qtbot, lambda: session.input_status.state in {InputState.DELIVERING, InputState.SILENT})
    assert session.model_status.state is ModelState.LOADING
    session.record()
    play()
    wait_for(qtbot, lambda: session.transcript.text == CLIP_TEXT, 60)


def test_an_unplugged_microphone_is_noticed_within_a_second_and_the_recording_goes_on(
    ready: Session, virtual_microphone: VirtualMicrophone, play: Callable[[], None], qtbot: QtBot
) -> None:
    ready.record()
    play()
    wait_for(qtbot, lambda: ready.state is SessionState.HEARING)
    virtual_microphone.kill()
    killed_s = time.perf_counter()
    wait_for(qtbot, lambda: ready.input_status.state is InputState.LOST)
    assert time.perf_counter() - killed_s < 1.0
    assert ready.input_status.message
    assert ready.input_status.remedy
    assert ready.state is SessionState.FAILED
    virtual_microphone.restart()
    wait_for(qtbot, lambda: ready.input_status.state in {InputState.DELIVERING, InputState.SILENT})
    play()
    wait_for(qtbot, lambda: CLIP_TEXT in ready.transcript.text)
    gaps = [entry for entry in ready.transcript.entries if isinstance(entry, Gap)]
    assert [gap.cause for gap in gaps] == [LossCause.DEVICE]
    assert ready.health.lost_s == pytest.approx(gaps[0].length_s)
    assert ready.is_recording


def test_stopping_in_mid_word_keeps_what_was_said(ready: Session, play: Callable[[], None], qtbot: QtBot) -> None:
    ready.record()
    play()
    wait_for(qtbot, lambda: ready.transcript.tentative is not None and bool(ready.transcript.tentative.stable_text))
    ready.stop()
    wait_for(qtbot, lambda: ready.state is SessionState.READY)
    (utterance,) = ready.transcript.entries
    assert isinstance(utterance, Utterance)
    assert utterance.text.startswith("this is")
