"""From the server to a model that recognises, and every way in which that can be broken off."""

from __future__ import annotations

import io
import os
import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dictation.asr.model_folder import find_models, model_roots, open_model_folder
from dictation.core.errors import (
    DownloadAltered,
    DownloadFailed,
    LibraryError,
    ModelImportFailed,
    ModelNotRemovable,
    NetworkForbidden,
    NoSpace,
)
from dictation.core.settings import NetworkSettings, RecognizerSettings
from dictation.library.catalogue import CatalogueEntry
from dictation.library.download import Downloader
from dictation.library.install import (
    InstallCallbacks,
    InstallProgress,
    InstallStage,
    discard_download,
    downloads_folder,
    install,
    install_language_model,
    paused_downloads,
    remove,
    user_models_folder,
)
from dictation.library.interrupts import DownloadCancelled, DownloadPaused
from dictation.library.lock import only_one
from dictation.library.pins import Pins
from tests.support import bad_server
from tests.support.bad_server import BadServer
from tests.support.tiny_bundle import make_tiny_bundle
from tests.support.tiny_model import make_tiny_model


class Shop:
    """A server with a tiny bundle, and a machine to install it on."""

    def __init__(self, server: BadServer, tmp_path: Path) -> None:
        self.server = server
        bundle = make_tiny_bundle(server.url)
        server.files.update(bundle.files)
        self.catalogue = bundle.catalogue(tmp_path)
        self.entry = self.catalogue.model("tiny")
        self.models = tmp_path / "data" / "models"
        self.progress: list[InstallProgress] = []
        self.downloader = Downloader(NetworkSettings(), read_timeout_s=0.5, wait=lambda _: None)

    def install(self, entry: CatalogueEntry | None = None, **callbacks: Callable[[], bool]) -> Any:
        return install(
            entry or self.entry, self.models, self.downloader, InstallCallbacks(self.progress.append, **callbacks)
        )

    def everything(self) -> list[str]:
        """Every file and folder in the data folder."""
        data = self.models.parent
        return sorted(str(path.relative_to(data)) for path in data.rglob("*")) if data.exists() else []

    def is_converting(self) -> bool:
        return bool(self.progress) and self.progress[-1].stage is InstallStage.CONVERTING


@pytest.fixture
def shop(server: BadServer, tmp_path: Path) -> Shop:
    return Shop(server, tmp_path)


def test_an_installed_model_recognises(shop: Shop) -> None:
    from dictation.asr.recognizer import Recognizer

    folder = shop.install()
    assert folder.path == shop.models / "tiny"
    assert folder.name == "Tiny wav2vec 2.0"
    assert folder.labels.symbols == tuple("-|abcdefghijklmnopqrstuvwxyz")
    assert set(folder.files) == {"weights", "language_model", "unigrams"}
    assert open_model_folder(folder.path) == folder
    recognizer = Recognizer(folder, RecognizerSettings(processor="cpu"))
    recognizer.load()
    samples = np.random.default_rng(0).normal(0, 0.1, 8_000).astype(np.float32)
    assert recognizer.recognize(samples).audio_s == 0.5
    recognizer.close()
    assert [path for path in shop.everything() if path.startswith(("downloads/", "models/."))] == []


def test_the_network_is_the_published_one_without_the_dropped_outputs(shop: Shop) -> None:
    import torch
    from safetensors.torch import load_file

    published = torch.load(io.BytesIO(shop.server.files["/tiny.pt"]), weights_only=True)
    ours = load_file(shop.install().required_file("weights"))
    assert torch.equal(ours["aux.weight"][0], published["aux.weight"][0])
    assert torch.equal(ours["aux.weight"][1:], published["aux.weight"][4:])


def test_progress_is_of_all_files_and_then_of_the_conversion(shop: Shop) -> None:
    shop.install()
    downloading = [step for step in shop.progress if step.stage is InstallStage.DOWNLOADING]
    assert downloading[-1].download is not None
    whole = sum(len(shop.server.files[path]) for path in ("/tiny.pt", "/tiny.arpa.gz"))
    assert downloading[-1].download.done_bytes == whole
    assert {step.download.total_bytes for step in downloading if step.download} == {whole}
    assert shop.progress[-1].fraction == 1.0


def test_a_model_that_is_there_is_not_fetched_again(shop: Shop) -> None:
    shop.install()
    with pytest.raises(LibraryError, match="installed already"):
        shop.install()
    assert len(shop.server.asked) == 2


def test_without_the_network_nothing_is_made(shop: Shop) -> None:
    shop.downloader = Downloader(NetworkSettings(is_allowed=False))
    with pytest.raises(NetworkForbidden):
        shop.install()
    assert shop.everything() == ["downloads"]
    assert shop.server.asked == []


def test_a_pause_keeps_what_came_and_the_next_call_goes_on(shop: Shop) -> None:
    with pytest.raises(DownloadPaused):
        shop.install(is_paused=lambda: bool(paused_downloads(shop.models)))
    kept = paused_downloads(shop.models)
    assert kept["tiny"] > 0
    is_checked = (downloads_folder(shop.models) / "tiny" / "tiny.pt").exists()  # or it has all its bytes, perhaps
    assert shop.install().path.is_dir()
    assert paused_downloads(shop.models) == {}
    assert [path[":path"] for path in shop.server.asked].count("/tiny.pt") == (1 if is_checked else 2)


def test_what_a_pause_kept_can_be_thrown_away(shop: Shop) -> None:
    asked = iter([False] * 3)
    with pytest.raises(DownloadPaused):
        shop.install(is_paused=lambda: next(asked, True))
    discard_download("tiny", shop.models)
    discard_download("tiny", shop.models)
    assert paused_downloads(shop.models) == {}


def test_a_cancel_while_downloading_leaves_nothing(shop: Shop) -> None:
    asked = iter([False] * 5)
    with pytest.raises(DownloadCancelled):
        shop.install(is_cancelled=lambda: next(asked, True))
    assert shop.everything() == ["downloads"]


def test_a_cancel_while_converting_leaves_nothing(shop: Shop) -> None:
    with pytest.raises(DownloadCancelled):
        shop.install(is_cancelled=shop.is_converting)
    assert shop.everything() == ["downloads", "models"]


def test_a_half_model_is_never_seen(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """At every report of the conversion, what the program finds is what was there before."""
    monkeypatch.setattr("dictation.asr.model_folder.model_roots", lambda: (shop.models,))
    seen: set[int] = set()

    def is_cancelled() -> bool:
        seen.add(len(find_models()))
        return False

    shop.install(is_cancelled=is_cancelled)
    assert seen == {0}
    assert [folder.name for folder in find_models()] == ["Tiny wav2vec 2.0"]


def test_too_little_space_is_said_before_the_first_request(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=1, used=1, free=10**7))
    with pytest.raises(NoSpace, match="The model needs"):
        shop.install(replace(shop.entry, weights=replace(shop.entry.weights, size_bytes=10**8)))
    assert shop.server.asked == []
    assert shop.everything() == ["downloads"]


def test_a_server_that_tells_no_lengths_is_no_obstacle(shop: Shop) -> None:
    shop.server.tells_lengths = False
    shop.install()
    assert shop.progress[0].download is not None
    assert shop.progress[0].download.total_bytes is None


def test_a_server_fault_keeps_what_came(shop: Shop) -> None:
    shop.server.faults += [bad_server.behave, bad_server.status(404)]
    with pytest.raises(DownloadFailed, match=r"tiny\.arpa\.gz"):
        shop.install()
    assert paused_downloads(shop.models)["tiny"] == len(shop.server.files["/tiny.pt"])
    shop.install()
    assert [headers[":path"] for headers in shop.server.asked].count("/tiny.pt") == 1


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/tiny.pt", b"no zip"),
        ("/tiny.pt", pickle.dumps(print, protocol=2)),
        ("/tiny.arpa.gz", b"\x1f\x8bnot really"),
        ("/tiny.arpa.gz", b"<xml>"),
    ],
    ids=["no network", "a pickle that runs code", "damaged gzip", "no language model"],
)
def test_a_damaged_file_is_named_and_thrown_away(shop: Shop, path: str, content: bytes) -> None:
    """Otherwise it would be taken for complete the next time."""
    good, shop.server.files[path] = shop.server.files[path], content
    with pytest.raises(ModelImportFailed) as caught:
        shop.install()
    assert path[1:] in str(caught.value)
    assert paused_downloads(shop.models) == {}
    assert not list(shop.models.glob("*"))
    shop.server.files[path] = good
    assert shop.install().path.is_dir()


def test_a_network_of_other_outputs_is_refused(server: BadServer, shop: Shop) -> None:
    server.files.update(make_tiny_bundle(server.url, label_count=30).files)
    with pytest.raises(ModelImportFailed, match="has 33 outputs"):
        shop.install()


# --- two programs


def test_two_programs_do_not_download_the_same(shop: Shop) -> None:
    downloads = downloads_folder(shop.models) / "tiny"
    downloads.mkdir(parents=True)
    with only_one(downloads, "tiny"), pytest.raises(LibraryError, match=f"already, by process {os.getpid()}"):
        shop.install()
    assert shop.install().path.is_dir()


@pytest.mark.parametrize("left", ["", "nonsense", "1", f"{os.getpid()} 5.0", "999999999 5.0"])
def test_what_a_killed_program_held_is_free(tmp_path: Path, left: str) -> None:
    (tmp_path / "lock").write_text(left)
    with only_one(tmp_path, "tiny"):
        assert (tmp_path / "lock").read_text().startswith(f"{os.getpid()} ")
    assert list(tmp_path.iterdir()) == []


# --- pins


def test_the_first_good_download_is_pinned_and_another_file_refused(shop: Shop) -> None:
    remove(shop.install(), shop.models)
    good = shop.server.files["/tiny.arpa.gz"]
    shop.server.files["/tiny.arpa.gz"] = good[:-1] + b"\1"
    with pytest.raises(DownloadAltered, match=r"tiny\.arpa\.gz .* was first downloaded on 20") as caught:
        shop.install()
    assert "pins.toml" in caught.value.remedy
    shop.server.files["/tiny.arpa.gz"] = good
    assert shop.install().path.is_dir()


def test_a_failed_installation_pins_nothing(shop: Shop) -> None:
    shop.server.files["/tiny.arpa.gz"] = b"<xml>"
    with pytest.raises(ModelImportFailed):
        shop.install()
    assert Pins(shop.models.parent / "pins.toml").find(shop.entry.weights) is None


def test_a_stated_sha256_comes_before_a_pin(shop: Shop) -> None:
    shop.install()
    stated = replace(shop.entry.weights, sha256="0" * 64)
    assert Pins(shop.models.parent / "pins.toml").expected(stated) == stated


@pytest.mark.parametrize("text", ["garbage", "", '"x" = 5'])
def test_a_damaged_pins_file_pins_nothing(tmp_path: Path, shop: Shop, text: str) -> None:
    path = tmp_path / "pins.toml"
    path.write_text(text)
    assert Pins(path).find(shop.entry.weights) is None


# --- language models alone, and removal


def test_an_installed_model_takes_another_language_model(shop: Shop) -> None:
    folder = shop.install(shop.entry.with_language_model(None))
    assert set(folder.files) == {"weights"}
    taken = install_language_model(
        shop.catalogue.language_model("tiny-2gram"), folder, shop.models, shop.downloader, InstallCallbacks()
    )
    assert taken.path == folder.path
    assert set(taken.files) == {"weights", "language_model", "unigrams"}


def test_a_language_model_of_another_language_is_refused(shop: Shop, tmp_path: Path) -> None:
    german = open_model_folder(make_tiny_model(tmp_path / "german"))
    with pytest.raises(LibraryError, match="for 'en', tiny recognises 'de'"):
        install_language_model(
            shop.catalogue.language_model("tiny-2gram"), german, shop.models, shop.downloader, InstallCallbacks()
        )
    assert shop.server.asked == []


def test_a_removed_model_is_gone(shop: Shop) -> None:
    remove(shop.install(), shop.models)
    assert list(shop.models.iterdir()) == []


def test_the_shipped_model_is_not_removed(shop: Shop, tmp_path: Path) -> None:
    shipped = open_model_folder(make_tiny_model(tmp_path / "beside" / "starter"))
    with pytest.raises(ModelNotRemovable, match="tiny lies in"):
        remove(shipped, shop.models)
    assert shipped.path.is_dir()


def test_models_are_installed_where_they_are_looked_for() -> None:
    assert user_models_folder() in model_roots()
    assert downloads_folder(user_models_folder()).parent == user_models_folder().parent
