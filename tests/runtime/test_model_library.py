from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from dictation.core.errors import DownloadFailed, ModelImportFailed, ModelNotRemovable
from dictation.core.library_status import LibraryJob, LibraryJobState, LibraryListing, LibraryModel
from dictation.core.settings import NetworkSettings
from dictation.runtime.model_library import ModelLibrary
from tests.support.fake_library import FakeLibraryBackend

LISTING = LibraryListing((LibraryModel("base", "Base", "en", "MIT", 1000),), "/m", 5_000)


class Bench:
    """A library on a fake backend, and everything it said."""

    def __init__(self) -> None:
        self.backend = FakeLibraryBackend(LISTING)
        self.network = NetworkSettings()
        self.library = ModelLibrary(self.backend, lambda: self.network, lambda: "/m/used")
        self.jobs: list[LibraryJob] = []
        self.listings: list[LibraryListing] = []
        self.errors: list[Exception] = []
        self.media: list[tuple[Path, ...]] = []
        self.library.job_changed.connect(self.jobs.append)
        self.library.listing_changed.connect(self.listings.append)
        self.library.failed.connect(self.errors.append)
        self.library.dropped_media.connect(self.media.append)

    @property
    def states(self) -> list[LibraryJobState]:
        said = [job.state for job in self.jobs]
        return [state for turn, state in enumerate(said) if turn == 0 or said[turn - 1] is not state]

    def step(self, count: int = 1) -> None:
        self.backend.steps.release(count)


@pytest.fixture
def bench(qtbot: QtBot) -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.backend.steps.release(100)
    with qtbot.waitSignal(bench.library.stopped, timeout=10_000):
        bench.library.close()


def test_nothing_happens_until_it_is_asked_for(bench: Bench) -> None:
    assert bench.backend.threads == set()


def test_the_list_is_read_in_another_thread(bench: Bench, qtbot: QtBot) -> None:
    bench.library.refresh()
    qtbot.waitUntil(lambda: bench.listings == [LISTING])
    assert threading.current_thread().name not in bench.backend.threads


def test_a_download_tells_how_far_it_is_and_lists_anew(bench: Bench, qtbot: QtBot) -> None:
    bench.library.download("base", "Base")
    assert [job.state for job in bench.library.jobs] == [LibraryJobState.WAITING]
    bench.step(3)
    qtbot.waitUntil(lambda: bench.jobs[-1].done_bytes == 300)
    assert (bench.jobs[-1].fraction, bench.jobs[-1].bytes_per_s, bench.jobs[-1].left_s) == (0.3, 50.0, 14.0)
    bench.step(7)
    qtbot.waitUntil(lambda: bench.listings == [LISTING])
    assert bench.states == [LibraryJobState.WAITING, LibraryJobState.DOWNLOADING, LibraryJobState.DONE]
    assert bench.library.jobs == ()


def test_a_paused_download_keeps_what_came_and_goes_on_from_there(bench: Bench, qtbot: QtBot) -> None:
    bench.library.download("base", "Base")
    bench.step(4)
    qtbot.waitUntil(lambda: bench.jobs[-1].done_bytes == 400)
    bench.library.pause("base")
    qtbot.waitUntil(lambda: bench.jobs[-1].state is LibraryJobState.PAUSED)
    assert (bench.jobs[-1].done_bytes, bench.jobs[-1].bytes_per_s) == (400, 0.0)
    bench.library.download("base", "Base")
    bench.step(6)
    qtbot.waitUntil(lambda: bench.jobs[-1].state is LibraryJobState.DONE)
    assert bench.backend.discarded == []


@pytest.mark.parametrize("is_paused", [False, True])
def test_cancelling_leaves_nothing(bench: Bench, qtbot: QtBot, is_paused: bool) -> None:
    bench.library.download("base", "Base")
    bench.step(2)
    qtbot.waitUntil(lambda: bench.jobs[-1].done_bytes == 200)
    if is_paused:
        bench.library.pause("base")
        qtbot.waitUntil(lambda: bench.jobs[-1].state is LibraryJobState.PAUSED)
    bench.library.cancel("base")
    qtbot.waitUntil(lambda: bench.jobs[-1].state is LibraryJobState.CANCELLED)
    qtbot.waitUntil(lambda: "base" in bench.backend.discarded)
    assert bench.library.jobs == ()


def test_a_third_download_waits_and_can_be_paused_while_it_waits(bench: Bench, qtbot: QtBot) -> None:
    for key in ("a", "b", "c"):
        bench.library.download(key, key)
    bench.library.pause("c")
    bench.step(20)
    qtbot.waitUntil(lambda: [job.key for job in bench.library.jobs] == ["c"])
    qtbot.waitUntil(lambda: bench.library.jobs[0].state is LibraryJobState.PAUSED)


def test_a_failure_says_why_and_can_be_tried_again(bench: Bench, qtbot: QtBot) -> None:
    bench.backend.failure = DownloadFailed("No answer.")
    bench.library.download("base", "Base")
    bench.step()
    qtbot.waitUntil(lambda: bench.jobs[-1].state is LibraryJobState.FAILED)
    assert bench.jobs[-1].message == "No answer."
    assert bench.jobs[-1].remedy
    bench.backend.failure = None
    bench.library.download("base", "Base")
    assert (bench.jobs[-1].state, bench.jobs[-1].message) == (LibraryJobState.WAITING, "")
    bench.step(10)
    qtbot.waitUntil(lambda: bench.jobs[-1].state is LibraryJobState.DONE)


def test_a_bug_in_a_job_fails_that_job_alone(bench: Bench, qtbot: QtBot) -> None:
    bench.backend.failure = ZeroDivisionError("oops")
    bench.library.download("base", "Base")
    bench.step()
    qtbot.waitUntil(lambda: bench.jobs[-1].state is LibraryJobState.FAILED)
    assert "oops" in bench.jobs[-1].message


def test_the_settings_that_hold_at_the_click_are_used(bench: Bench, qtbot: QtBot) -> None:
    bench.network = NetworkSettings(mirror_url="http://mirror")
    bench.library.download("base", "Base")
    qtbot.waitUntil(lambda: bench.backend.networks == [NetworkSettings(mirror_url="http://mirror")])


def test_an_import_is_a_job_with_progress(bench: Bench, qtbot: QtBot) -> None:
    bench.library.import_from(Path("/usb/german"))
    qtbot.waitUntil(lambda: bench.jobs[-1].state is LibraryJobState.IMPORTING)
    bench.step()
    qtbot.waitUntil(lambda: bench.jobs[-1].state is LibraryJobState.DONE)
    assert bench.backend.imported == [(Path("/usb/german"), "/m/used")]
    assert (bench.jobs[-1].message, bench.jobs[-1].path) == ("Imported german", "/m/german")


def test_a_failed_import_can_be_tried_again(bench: Bench, qtbot: QtBot) -> None:
    bench.backend.failure = ModelImportFailed(Path("/usb/german"), "config.json is missing")
    bench.library.import_from(Path("/usb/german"))
    bench.step()
    qtbot.waitUntil(lambda: bench.jobs[-1].state is LibraryJobState.FAILED)
    bench.backend.failure = None
    bench.library.retry(bench.jobs[-1].key)
    bench.step()
    qtbot.waitUntil(lambda: bench.jobs[-1].state is LibraryJobState.DONE)
    assert [path for path, _ in bench.backend.imported] == [Path("/usb/german")]


def test_a_language_model_is_a_download_for_an_installed_model(bench: Bench, qtbot: QtBot) -> None:
    bench.library.download_language_model("3-gram", "3-gram for Base", "/m/base")
    bench.step(4)
    qtbot.waitUntil(lambda: bench.jobs[-1].done_bytes == 400)
    bench.library.pause("3-gram")
    qtbot.waitUntil(lambda: bench.jobs[-1].state is LibraryJobState.PAUSED)
    bench.library.retry("3-gram")
    bench.step(6)
    qtbot.waitUntil(lambda: bench.jobs[-1].state is LibraryJobState.DONE)
    assert (bench.jobs[-1].message, bench.jobs[-1].path) == ("base with 3-gram for Base", "/m/base")
    bench.library.download_language_model("4-gram", "4-gram for Base", "/m/base")
    bench.library.pause("4-gram")
    qtbot.waitUntil(lambda: bench.jobs[-1].state is LibraryJobState.PAUSED)
    bench.library.download_language_model("4-gram", "4-gram for Oslo", "/m/oslo")
    assert bench.jobs[-1].name == "4-gram for Oslo", "what was paused for one model may go on for another"
    bench.library.cancel("4-gram")
    qtbot.waitUntil(lambda: bench.jobs[-1].state is LibraryJobState.CANCELLED)
    qtbot.waitUntil(lambda: bench.backend.discarded == ["4-gram"])


def test_what_is_dropped_is_imported_if_it_is_a_model_and_else_handed_back(bench: Bench, qtbot: QtBot) -> None:
    bench.backend.models_on_disk = {Path("/usb/german")}
    bench.library.take_dropped([Path("/x/a.wav"), Path("/usb/german"), Path("/x/b.mp3")])
    qtbot.waitUntil(lambda: bench.media == [(Path("/x/a.wav"), Path("/x/b.mp3"))])
    assert [job.name for job in bench.library.jobs] == ["german"]


def test_removing_lists_anew_and_says_what_went_wrong(bench: Bench, qtbot: QtBot) -> None:
    bench.library.remove("/m/base")
    qtbot.waitUntil(lambda: bench.listings == [LISTING])
    assert bench.backend.removed == [Path("/m/base")]
    bench.backend.failure = ModelNotRemovable("It came with the program.")
    bench.library.remove("/m/base")
    qtbot.waitUntil(lambda: [str(error) for error in bench.errors] == ["It came with the program."])


def test_closing_pauses_downloads_and_cancels_imports(qtbot: QtBot) -> None:
    bench = Bench()
    bench.library.download("base", "Base")
    bench.library.import_from(Path("/usb/german"))
    qtbot.waitUntil(lambda: bench.jobs[-1].state is LibraryJobState.IMPORTING)
    with qtbot.waitSignal(bench.library.stopped, timeout=10_000):
        bench.library.close()
    last = {job.key: job.state for job in bench.jobs}
    assert last == {"base": LibraryJobState.PAUSED, "import:/usb/german": LibraryJobState.CANCELLED}
    assert "base" not in bench.backend.discarded
    bench.library.refresh()
    bench.library.close()
