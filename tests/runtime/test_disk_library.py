"""The model library on a real disk and a real HTTP server: everything a user does in the models window."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from dictation.asr.model_folder import find_models, open_model_folder
from dictation.core.library_status import LibraryJob, LibraryJobState, LibraryListing, LibraryModel
from dictation.core.settings import NetworkSettings
from dictation.library.install import downloads_folder, user_models_folder
from dictation.runtime import disk_library
from dictation.runtime.backends import choose_model
from dictation.runtime.disk_library import DiskLibrary
from dictation.runtime.model_library import ModelLibrary
from tests.support.bad_server import BadServer, behave, drip, serving
from tests.support.tiny_bundle import ARPA, make_tiny_bundle
from tests.support.tiny_model import make_tiny_model


class WatchedLibrary(DiskLibrary):
    """Counts how often it began to look at the disk."""

    looks = 0

    def list_models(self) -> LibraryListing:
        self.looks += 1
        return super().list_models()


class Shop:
    """A server with one tiny model, a library that knows it, and what the library said."""

    def __init__(self, server: BadServer, folder: Path) -> None:
        bundle = make_tiny_bundle(server.url)
        server.files.update(bundle.files)
        bundle.catalogue(folder)
        self.server = server
        self.network = NetworkSettings()
        self.used_path = ""
        self.backend = WatchedLibrary(catalogue_path=folder / "catalogue.toml")
        self.library = ModelLibrary(self.backend, lambda: self.network, lambda: self.used_path)
        self.jobs: list[LibraryJob] = []
        self.listings: list[LibraryListing] = []
        self.errors: list[Exception] = []
        self.library.job_changed.connect(self.jobs.append)
        self.library.listing_changed.connect(self.listings.append)
        self.library.failed.connect(self.errors.append)

    def begin_slow_download(self, qtbot: QtBot) -> threading.Semaphore:
        """Start a download whose second file comes in steps of 64 KiB, as many as the semaphore lets through."""
        self.server.files["/tiny.arpa.gz"] += bytes(6_000_000)  # zeros behind its end mean nothing to gzip
        may_send = threading.Semaphore(0)
        self.server.faults.extend([behave, drip(1 << 16, may_send)])
        self.library.download("tiny", "Tiny")

        def has_begun() -> bool:
            may_send.release()  # one step for each look: progress is told ten times a second
            return self.jobs[-1].done_bytes > 1 << 16

        qtbot.waitUntil(has_begun, timeout=30_000)
        return may_send

    def is_at(self, state: LibraryJobState) -> bool:
        return bool(self.jobs) and self.jobs[-1].state is state

    def listed(self, qtbot: QtBot, key: str) -> LibraryModel:
        """The model of that key in a list that was begun after now: an earlier one may still be on its way."""
        looks = self.backend.looks
        self.library.refresh()
        qtbot.waitUntil(lambda: len(self.listings) > looks, timeout=30_000)
        return next(model for model in self.listings[-1].models if model.key == key)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot) -> Iterator[Shop]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving({}) as server:
        shop = Shop(server, tmp_path)
        yield shop
        with qtbot.waitSignal(shop.library.stopped, timeout=30_000):
            shop.library.close()


def test_the_list_names_the_starter_and_the_catalogue_without_asking_the_network(shop: Shop, qtbot: QtBot) -> None:
    tiny = shop.listed(qtbot, "tiny")
    assert (tiny.name, tiny.path, tiny.is_recommended) == ("Tiny wav2vec 2.0", "", True)
    starter = next(model for model in shop.listings[-1].models if model.is_installed)
    assert not starter.can_remove
    assert starter.rates, "its own measured word error rates are shown"
    assert shop.listings[-1].free_bytes > 0
    assert shop.server.asked == []


def test_a_model_is_downloaded_used_given_another_language_model_and_removed(
    shop: Shop, qtbot: QtBot, tmp_path: Path
) -> None:
    shop.library.download("tiny", "Tiny wav2vec 2.0")
    qtbot.waitUntil(lambda: shop.is_at(LibraryJobState.DONE), timeout=60_000)
    folder = user_models_folder() / "tiny"
    assert shop.jobs[-1].path == str(folder)
    assert {job.state for job in shop.jobs} & {LibraryJobState.DOWNLOADING, LibraryJobState.INSTALLING}
    tiny = shop.listed(qtbot, "tiny")
    assert (tiny.path, tiny.can_remove) == (str(folder), True)
    assert folder in [model.path for model in find_models()]

    (tmp_path / "other.arpa").write_text(ARPA.replace("WORLD", "THERE"), encoding="utf-8")
    shop.used_path = str(folder)
    shop.library.import_from(tmp_path / "other.arpa")
    qtbot.waitUntil(lambda: shop.is_at(LibraryJobState.DONE), timeout=60_000)
    assert "other.arpa" in shop.jobs[-1].message
    assert shop.jobs[-1].path == str(folder)

    shop.library.remove(str(folder))
    qtbot.waitUntil(lambda: not folder.exists(), timeout=30_000)
    assert shop.listed(qtbot, "tiny").path == ""


def test_a_language_model_is_downloaded_for_an_installed_model(shop: Shop, qtbot: QtBot, tmp_path: Path) -> None:
    shop.library.download("tiny", "Tiny wav2vec 2.0")
    qtbot.waitUntil(lambda: shop.is_at(LibraryJobState.DONE), timeout=60_000)
    tiny = shop.listed(qtbot, "tiny")
    assert tiny.takes_language_model
    offer = shop.listings[-1].language_models[0]
    assert offer.language == tiny.language
    at_first = open_model_folder(Path(tiny.path)).files["language_model"].sha256
    (tmp_path / "other.arpa").write_text(ARPA.replace("WORLD", "THERE"), encoding="utf-8")
    shop.used_path = tiny.path
    shop.library.import_from(tmp_path / "other.arpa")
    qtbot.waitUntil(lambda: shop.is_at(LibraryJobState.DONE), timeout=60_000)
    assert open_model_folder(Path(tiny.path)).files["language_model"].sha256 != at_first
    shop.library.download_language_model(offer.key, offer.name, tiny.path)
    qtbot.waitUntil(lambda: shop.is_at(LibraryJobState.DONE) or shop.is_at(LibraryJobState.FAILED), timeout=60_000)
    assert shop.jobs[-1].message == f"Tiny wav2vec 2.0 with the language model {offer.name}"
    assert shop.jobs[-1].path == tiny.path
    assert open_model_folder(Path(tiny.path)).files["language_model"].sha256 == at_first


def test_without_a_choice_the_starter_is_used_whatever_was_downloaded(shop: Shop, qtbot: QtBot) -> None:
    shop.library.download("tiny", "Tiny wav2vec 2.0")
    qtbot.waitUntil(lambda: shop.is_at(LibraryJobState.DONE), timeout=60_000)
    shop.listed(qtbot, "tiny")
    assert shop.listings[-1].first_path == str(choose_model("").path) != shop.listed(qtbot, "tiny").path


def test_a_model_of_the_catalogue_that_came_from_another_machine_is_not_offered_again(
    shop: Shop, qtbot: QtBot, tmp_path: Path
) -> None:
    shop.library.download("tiny", "Tiny wav2vec 2.0")
    qtbot.waitUntil(lambda: shop.is_at(LibraryJobState.DONE), timeout=60_000)
    stick = Path(shutil.move(user_models_folder() / "tiny", tmp_path / "stick"))
    shop.library.import_from(stick)
    qtbot.waitUntil(lambda: shop.is_at(LibraryJobState.DONE), timeout=60_000)
    assert shop.listed(qtbot, "tiny").path == shop.jobs[-1].path
    assert [model.name for model in shop.listings[-1].models].count("Tiny wav2vec 2.0") == 1


def test_a_paused_download_goes_on_where_it_stopped(shop: Shop, qtbot: QtBot) -> None:
    may_send = shop.begin_slow_download(qtbot)
    shop.library.pause("tiny")
    may_send.release(1000)
    qtbot.waitUntil(lambda: shop.is_at(LibraryJobState.PAUSED), timeout=30_000)
    kept_bytes = shop.listed(qtbot, "tiny").kept_bytes
    assert kept_bytes > 0
    shop.library.download("tiny", "Tiny")
    qtbot.waitUntil(lambda: shop.is_at(LibraryJobState.DONE), timeout=60_000)
    assert any(wanted.startswith("bytes=") for wanted in shop.server.ranges), "it went on where it stopped"


def test_a_cancelled_download_leaves_nothing(shop: Shop, qtbot: QtBot) -> None:
    may_send = shop.begin_slow_download(qtbot)
    shop.library.cancel("tiny")
    may_send.release(1000)
    qtbot.waitUntil(lambda: shop.is_at(LibraryJobState.CANCELLED), timeout=30_000)
    assert shop.listed(qtbot, "tiny").kept_bytes == 0
    assert not (downloads_folder(user_models_folder()) / "tiny").exists()


def test_never_use_the_network_is_obeyed_and_said(shop: Shop, qtbot: QtBot) -> None:
    shop.network = NetworkSettings(is_allowed=False)
    shop.library.download("tiny", "Tiny")
    qtbot.waitUntil(lambda: shop.is_at(LibraryJobState.FAILED), timeout=30_000)
    assert "network" in shop.jobs[-1].message
    assert shop.jobs[-1].remedy
    assert shop.server.asked == []


def test_what_cannot_be_imported_or_removed_is_said(shop: Shop, qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no model", encoding="utf-8")
    shop.library.import_from(tmp_path / "notes.txt")
    qtbot.waitUntil(lambda: shop.is_at(LibraryJobState.FAILED), timeout=30_000)
    assert "notes.txt" in shop.jobs[-1].message
    starter = next(model for model in DiskLibrary().list_models().models if model.is_installed)
    shop.library.remove(starter.path)
    qtbot.waitUntil(lambda: bool(shop.errors), timeout=30_000)
    assert Path(starter.path).is_dir()


def test_a_model_folder_of_this_program_is_imported(shop: Shop, qtbot: QtBot, tmp_path: Path) -> None:
    source = make_tiny_model(tmp_path / "usb" / "mine")
    assert DiskLibrary().is_model(source)
    assert not DiskLibrary().is_model(tmp_path)
    shop.library.import_from(source)
    qtbot.waitUntil(lambda: shop.is_at(LibraryJobState.DONE), timeout=60_000)
    assert shop.jobs[-1].message == "tiny"
    shop.library.refresh()
    qtbot.waitUntil(lambda: bool(shop.listings), timeout=30_000)
    listed = {model.path: model for model in shop.listings[-1].models}
    assert listed[shop.jobs[-1].path].can_remove


def test_a_damaged_catalogue_is_named_and_installed_models_are_listed_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "catalogue.toml").write_text("format_version = 99", encoding="utf-8")
    listing = DiskLibrary(catalogue_path=tmp_path / "catalogue.toml").list_models()
    assert "catalogue.toml" in listing.problem
    assert [model for model in listing.models if model.is_installed]


def test_a_machine_too_slow_for_all_of_them_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from dictation.library.machine import Machine

    monkeypatch.setattr(disk_library, "_machine", lambda: Machine(1, 1_000, 1.0))
    listing = DiskLibrary().list_models()
    assert listing.problem == disk_library.NOTHING_KEEPS_UP
    assert not any(model.is_recommended for model in listing.models)


def test_the_shipped_catalogue_recommends_two_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    from dictation.library.machine import Machine

    monkeypatch.setattr(disk_library, "_machine", lambda: Machine(8, 32_000, 2_000.0))
    for language in ("en", "de-DE", "xx"):
        recommended = [model for model in DiskLibrary(language).list_models().models if model.is_recommended]
        assert 1 <= len(recommended) <= 2
        assert {model.language for model in recommended} == {"de" if language == "de-DE" else "en"}


def test_a_gpu_counts_for_the_recommendation_while_the_setting_lets_it_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    from dictation.library.machine import Gpu, Machine

    monkeypatch.setattr(disk_library, "_machine", lambda: Machine(1, 1_000, 1.0, (Gpu("any", 80_000),)))
    processor = "auto"
    library = DiskLibrary(processor=lambda: processor)
    assert any(model.is_recommended for model in library.list_models().models)
    processor = "cpu"
    assert library.list_models().problem == disk_library.NOTHING_KEEPS_UP
