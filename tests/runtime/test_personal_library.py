from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from dictation.core.errors import DictationError, PersonalModelMissing, TooLittleText
from dictation.core.personal import BuildProgress, BuildStage, PersonalModelChoice, PersonalModelReport
from dictation.runtime.personal_library import BuildStopped, PersonalLibrary
from dictation.runtime.personal_models import PersonalModels

REPORT = PersonalModelReport("mine", 100, 10, 50, 5, 0, 3, (50, 90, 20), 0.4, 200.0, 120.0, 2)
CHOICE = PersonalModelChoice("mine", "/p/mine", 100, 5, 0.4, "Starter", "2026-11-21", 1000)
SENTENCES = [
    "the harpsichord stood in the small hall", "she tuned the harpsichord before the concert",
    "nobody in the hall had heard a harpsichord", "the concert began with a slow dance",
    "after the dance she played a fugue", "the fugue was longer than the dance",
]  # fmt: skip


class FakeBackend:
    """Builds when the test lets it."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.failure: Exception | None = None
        self.asked: list[tuple[object, ...]] = []

    def list_models(self) -> tuple[PersonalModelChoice, ...]:
        return (CHOICE,)

    def build(
        self,
        paths: tuple[Path, ...],
        name: str,
        model_path: str,
        progress: Callable[[BuildProgress], None],
        is_cancelled: Callable[[], bool],
    ) -> PersonalModelReport:
        self.asked.append((paths, name, model_path))
        progress(BuildProgress(BuildStage.READING, 0.1, "a.txt"))
        while not self.go.wait(0.01):
            if is_cancelled():
                raise BuildStopped
        if self.failure is not None:
            raise self.failure
        return REPORT

    def remove(self, name: str) -> None:
        self.asked.append((name,))
        if self.failure is not None:
            raise self.failure


class Bench:
    """A library and everything it said."""

    def __init__(self, backend: object) -> None:
        self.library = PersonalLibrary(backend, lambda: "/m/used")
        self.said: dict[str, list[object]] = {}
        for name in ("listing_changed", "progress_changed", "built", "build_failed", "failed"):
            getattr(self.library, name).connect(self.said.setdefault(name, []).append)


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend()


@pytest.fixture
def bench(backend: FakeBackend, qtbot: QtBot) -> Iterator[Bench]:
    bench = Bench(backend)
    yield bench
    backend.go.set()
    with qtbot.waitSignal(bench.library.stopped, timeout=10_000):
        bench.library.close()


def test_a_build_tells_its_progress_and_its_result(bench: Bench, backend: FakeBackend, qtbot: QtBot) -> None:
    bench.library.build((Path("a.txt"),), "mine")
    bench.library.build((Path("b.txt"),), "second")
    qtbot.waitUntil(lambda: bool(bench.said["progress_changed"]))
    assert bench.library.is_building
    backend.go.set()
    qtbot.waitUntil(lambda: bench.said["built"] == [REPORT])
    assert backend.asked == [((Path("a.txt"),), "mine", "/m/used")], "one at a time"
    qtbot.waitUntil(lambda: bench.said["listing_changed"] == [(CHOICE,)])
    assert not bench.library.is_building


def test_a_cancelled_build_ends_without_an_error(bench: Bench, qtbot: QtBot) -> None:
    bench.library.build((Path("a.txt"),), "mine")
    bench.library.cancel()
    qtbot.waitUntil(lambda: bench.said["build_failed"] == [None])
    bench.library.build((Path("a.txt"),), "mine")
    assert bench.library.is_building, "an earlier cancel does not touch a later build"


def test_failures_are_told(bench: Bench, backend: FakeBackend, qtbot: QtBot) -> None:
    backend.failure = TooLittleText("Only 3 words.")
    backend.go.set()
    bench.library.build((Path("a.txt"),), "mine")
    qtbot.waitUntil(lambda: bench.said["build_failed"] == [backend.failure])
    backend.failure = ZeroDivisionError()
    bench.library.build((Path("a.txt"),), "mine")
    qtbot.waitUntil(lambda: len(bench.said["build_failed"]) == 2)
    assert isinstance(bench.said["build_failed"][1], DictationError)
    backend.failure = PersonalModelMissing("There is none.")
    bench.library.remove("mine")
    qtbot.waitUntil(lambda: bench.said["failed"] == [backend.failure])


def test_closing_cancels_a_build(backend: FakeBackend, qtbot: QtBot) -> None:
    library = PersonalLibrary(backend, str)
    library.build((Path("a.txt"),), "mine")
    with qtbot.waitSignal(library.stopped, timeout=10_000):
        library.close()


@pytest.mark.model
def test_real_documents_become_a_model_for_the_starter(qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("\n\n".join(f"{line}." for line in SENTENCES * 5), encoding="utf-8")
    (tmp_path / "broken.pdf").write_bytes(b"no pdf")
    bench = Bench(PersonalModels())
    bench.library.build((tmp_path / "letter.txt", tmp_path / "broken.pdf"), "mine")
    qtbot.waitUntil(lambda: bool(bench.said["built"] or bench.said["build_failed"]), timeout=60_000)
    (report,) = bench.said["built"]
    assert report.words > 150
    assert "broken.pdf" in " ".join(report.problems)
    assert bench.said["progress_changed"][-1].fraction == 1.0
    qtbot.waitUntil(lambda: bool(bench.said["listing_changed"]))
    assert [choice.name for choice in bench.said["listing_changed"][-1]] == ["mine"]
    bench.library.remove("mine")
    qtbot.waitUntil(lambda: bench.said["listing_changed"][-1] == ())
    with qtbot.waitSignal(bench.library.stopped, timeout=10_000):
        bench.library.close()
