from __future__ import annotations

import threading

from pytestqt.qtbot import QtBot

from dictation.runtime.background import Background, Newest


def test_outcomes_come_back_in_the_owners_thread_in_order(qtbot: QtBot) -> None:
    background = Background("test", 1)
    came: list[tuple[object, str]] = []

    def deliver(outcome: object) -> None:
        came.append((outcome, threading.current_thread().name))

    def fail() -> object:
        raise KeyError("no")

    background.run(lambda: threading.current_thread().name, deliver)
    background.run(fail, deliver)
    with qtbot.waitSignal(background.stopped, timeout=10_000):
        background.close()
    here = threading.current_thread().name
    assert [thread for _, thread in came] == [here, here]
    assert str(came[0][0]).startswith("test")
    assert isinstance(came[1][0], KeyError)
    background.run(lambda: None, deliver)
    background.close()
    assert len(came) == 2, "nothing is taken after close"


def test_of_a_burst_of_reports_the_newest_arrives(qtbot: QtBot) -> None:
    background = Background("test", 1)
    came: list[int] = []
    newest = Newest(background, came.append)
    for value in range(1000):
        newest.put(value)
    assert came == []
    qtbot.waitUntil(lambda: came == [999])
    background.run(lambda: newest.put(1000), lambda _: came.append(-1))
    qtbot.waitUntil(lambda: came == [999, 1000, -1])
    background.close()
