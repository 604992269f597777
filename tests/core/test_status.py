"""Which one state a window shows for all that is going on."""

from __future__ import annotations

import pytest

from dictation.core.status import ModelState, SessionState, session_state


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ({}, SessionState.READY),
        ({"model": ModelState.LOADING}, SessionState.LOADING),
        ({"model": ModelState.FAILED}, SessionState.FAILED),
        ({"model": ModelState.MISSING}, SessionState.READY),
        ({"input_failed": True}, SessionState.READY),
        ({"draining": True, "queued": 2}, SessionState.DRAINING),
        ({"recording": True}, SessionState.LISTENING),
        ({"recording": True, "hearing": True, "queued": 1}, SessionState.HEARING),
        ({"recording": True, "queued": 1}, SessionState.RECOGNISING),
        ({"recording": True, "queued": 1, "model": ModelState.MISSING}, SessionState.LISTENING),
        ({"recording": True, "queued": 1, "model": ModelState.LOADING}, SessionState.LISTENING),
        ({"recording": True, "model": ModelState.LOADING}, SessionState.LISTENING),
        ({"recording": True, "hearing": True, "input_failed": True}, SessionState.FAILED),
    ],
)
def test_the_most_telling_fact_wins(facts: dict[str, object], state: SessionState) -> None:
    nothing = {
        "model": ModelState.READY,
        "recording": False,
        "hearing": False,
        "draining": False,
        "queued": 0,
        "input_failed": False,
    }
    assert session_state(**{**nothing, **facts}) is state
