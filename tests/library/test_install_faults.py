"""Installations between which something happens: a disk that fails, files damaged, two programs, a discard too late."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dictation.core.errors import LibraryError, NoSpace
from dictation.core.settings import NetworkSettings
from dictation.library import install as install_module
from dictation.library.catalogue import CatalogueFile
from dictation.library.download import Downloader
from dictation.library.install import (
    InstallCallbacks,
    discard_download,
    downloads_folder,
    install,
    paused_downloads,
)
from dictation.library.interrupts import DownloadCancelled, DownloadPaused
from dictation.library.lock import only_one
from dictation.library.pins import Pin, Pins
from tests.support.bad_server import BadServer, status
from tests.support.tiny_bundle import make_tiny_bundle

ROOT = Path(__file__).resolve().parents[2]


class Shop:
    """A server with a tiny bundle, and a machine to install it on."""

    def __init__(self, url: str, server: BadServer, folder: Path) -> None:
        bundle = make_tiny_bundle(url)
        server.files.update(bundle.files)
        self.server = server
        self.entry = bundle.catalogue(folder).model("tiny")
        self.models = folder / "data" / "models"
        self.downloads = downloads_folder(self.models) / "tiny"
        self.downloader = Downloader(NetworkSettings(), read_timeout_s=20, wait=lambda _: None)

    def install(self, callbacks: InstallCallbacks | None = None) -> Path:
        return install(self.entry, self.models, self.downloader, callbacks or InstallCallbacks()).path

    def pause_after_the_first_file(self) -> None:
        with pytest.raises(DownloadPaused):
            self.install(InstallCallbacks(is_paused=(self.downloads / "tiny.pt").exists))

    def asked(self, path: str) -> int:
        return [headers[":path"] for headers in self.server.asked].count(path)


@pytest.fixture
def shop(server: BadServer, tmp_path: Path) -> Shop:
    return Shop(server.url, server, tmp_path)


# --- a disk that fails


def test_a_data_folder_that_cannot_be_written_is_said(shop: Shop) -> None:
    """A file in the folder's place stops root too."""
    shop.downloads.parent.parent.mkdir()
    shop.downloads.parent.write_text("")
    with pytest.raises(LibraryError, match=r"tiny cannot be kept in .*downloads: Not a directory") as caught:
        shop.install()
    assert caught.value.remedy
    assert shop.server.asked == []


@pytest.mark.parametrize(("fault", "kind"), [(errno.ENOSPC, NoSpace), (errno.EROFS, LibraryError)])
def test_a_folder_that_the_disk_refuses_is_said(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, fault: int, kind: type[LibraryError]
) -> None:
    def refuse(path: Path, *_: object, **__: object) -> None:
        raise OSError(fault, os.strerror(fault), str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(LibraryError, match="tiny") as caught:
        shop.install()
    assert type(caught.value) is kind
    assert caught.value.remedy


def test_a_model_whose_pins_cannot_be_written_is_there_and_its_download_gone(shop: Shop) -> None:
    (shop.models.parent / "pins.new").mkdir(parents=True)
    with pytest.raises(
        LibraryError, match=r"Tiny wav2vec 2\.0 is installed, but .*pins\.toml cannot be kept"
    ) as caught:
        shop.install()
    assert caught.value.remedy
    assert (shop.models / "tiny").is_dir()
    assert paused_downloads(shop.models) == {}


def test_pins_that_do_not_fit_leave_the_old_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pins, file = Pins(tmp_path / "pins.toml"), CatalogueFile("weights", "http://x/a")
    pins.add([Pin(file.url, "0" * 64, 5, "2026-11-21")])
    write_bytes = Path.write_bytes

    def write_half(path: Path, data: bytes) -> int:
        write_bytes(path, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", write_half)
    with pytest.raises(NoSpace, match=r"pins\.toml does not fit"):
        pins.add([Pin("http://x/b", "1" * 64, 6, "2026-11-21")])
    assert [path.name for path in tmp_path.iterdir()] == ["pins.toml"]
    assert pins.find(file) == Pin(file.url, "0" * 64, 5, "2026-11-21")


# --- files damaged between a pause and the next call


def test_a_file_that_was_damaged_while_paused_is_fetched_again(shop: Shop) -> None:
    shop.pause_after_the_first_file()
    whole = shop.downloads / "tiny.pt"
    whole.write_bytes(whole.read_bytes()[:-1] + b"!")
    assert shop.install().is_dir()
    assert shop.asked("/tiny.pt") == 2
    pin = Pins(shop.models.parent / "pins.toml").find(shop.entry.weights)
    assert pin is not None
    assert pin.sha256 == hashlib.sha256(shop.server.files["/tiny.pt"]).hexdigest()


def test_a_file_that_is_whole_after_a_pause_is_kept(shop: Shop) -> None:
    shop.pause_after_the_first_file()
    assert paused_downloads(shop.models) == {"tiny": len(shop.server.files["/tiny.pt"])}
    assert shop.install().is_dir()
    assert shop.asked("/tiny.pt") == 1


# --- two programs, and one that discards too late


@contextmanager
def another_program_holding(folder: Path) -> Iterator[int]:
    """Another process that downloads into a folder; gives its number."""
    code = (
        "import sys; from pathlib import Path; from dictation.library.lock import only_one\n"
        "with only_one(Path(sys.argv[1]), 'tiny'): print('held', flush=True); sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", code, str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "held\n"
        yield program.pid
        program.communicate()


def test_what_another_program_downloads_is_not_thrown_away(shop: Shop) -> None:
    shop.pause_after_the_first_file()
    before = sorted(path.name for path in shop.downloads.iterdir())
    with another_program_holding(shop.downloads) as number:
        with pytest.raises(LibraryError, match=f"tiny is being downloaded by process {number}") as caught:
            discard_download("tiny", shop.models)
        assert caught.value.remedy
        assert sorted(path.name for path in shop.downloads.iterdir()) == sorted([*before, "lock"])
    discard_download("tiny", shop.models)
    assert list(shop.downloads.parent.iterdir()) == []


def test_a_discard_that_comes_after_the_next_download_has_begun_leaves_it_alone(shop: Shop) -> None:
    """Cancel, and Download at once: the window deletes in another thread than it downloads in."""

    def discard() -> bool:
        discard_download("tiny", shop.models)
        return False

    assert shop.install(InstallCallbacks(is_cancelled=discard)).is_dir()
    assert (shop.asked("/tiny.pt"), shop.asked("/tiny.arpa.gz")) == (1, 1)


def test_a_download_that_begins_during_a_discard_keeps_its_files(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.pause_after_the_first_file()
    rmtree = shutil.rmtree

    def start_before_deleting(path: Path, *, ignore_errors: bool) -> None:
        monkeypatch.undo()
        shop.pause_after_the_first_file()
        rmtree(path, ignore_errors=ignore_errors)

    monkeypatch.setattr(install_module.shutil, "rmtree", start_before_deleting)
    discard_download("tiny", shop.models)
    assert shop.asked("/tiny.pt") == 2, "the first was thrown away"
    assert paused_downloads(shop.models) == {"tiny": len(shop.server.files["/tiny.pt"])}
    assert [path.name for path in shop.downloads.parent.iterdir()] == ["tiny"]


def test_a_discard_works_on_a_full_disk(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is when it is wanted most: nothing new may be needed for it."""
    shop.pause_after_the_first_file()

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for name in ("mkdir", "open", "write_text", "write_bytes"):
        monkeypatch.setattr(Path, name, refuse)
    monkeypatch.setattr(os, "mkdir", refuse)
    discard_download("tiny", shop.models)
    monkeypatch.undo()
    assert list(shop.downloads.parent.iterdir()) == []


def test_what_cannot_be_thrown_away_is_said(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.pause_after_the_first_file()

    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(LibraryError, match=r"tiny cannot be thrown away: Read-only") as caught:
        discard_download("tiny", shop.models)
    assert caught.value.remedy
    assert paused_downloads(shop.models)


def test_what_a_killed_discard_left_is_not_listed_and_goes_with_the_next(shop: Shop) -> None:
    shop.pause_after_the_first_file()
    shutil.copytree(shop.downloads, shop.downloads.parent / ".discarded-1")
    assert list(paused_downloads(shop.models)) == ["tiny"]
    discard_download("tiny", shop.models)
    assert list(shop.downloads.parent.iterdir()) == []


def test_only_one_of_many_threads_holds_a_folder(tmp_path: Path) -> None:
    start, may_end = threading.Barrier(8), threading.Event()
    outcomes: list[str] = []

    def hold() -> None:
        start.wait(60)
        try:
            with only_one(tmp_path / "a" / "tiny", "tiny"):
                outcomes.append("held")
                may_end.wait(60)
        except LibraryError:
            outcomes.append("refused")
        if len(outcomes) == len(threads):
            may_end.set()

    threads = [threading.Thread(target=hold, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(outcomes) == ["held"] + ["refused"] * 7


def test_a_cancelled_download_is_cleared_away_before_another_program_may_begin(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[bool] = []
    unlink = Path.unlink

    def note_and_unlink(path: Path, missing_ok: bool = False) -> None:
        if path.name == "tiny.pt":
            held.append((shop.downloads / "lock").exists())
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", note_and_unlink)
    with pytest.raises(DownloadCancelled):
        shop.install(InstallCallbacks(is_cancelled=(shop.downloads / "tiny.pt").exists))
    assert held == [True]
    assert list(shop.downloads.parent.iterdir()) == []


def test_a_folder_that_another_program_deletes_meanwhile_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mkdir = Path.mkdir

    def make_and_lose(path: Path, **options: bool) -> None:
        monkeypatch.undo()
        mkdir(path, **options)
        path.rmdir()

    monkeypatch.setattr(Path, "mkdir", make_and_lose)
    with only_one(tmp_path / "tiny", "tiny"):
        assert (tmp_path / "tiny" / "lock").read_text().startswith(f"{os.getpid()} ")


# --- a server that never answers


@pytest.mark.parametrize("is_pause", [True, False])
def test_a_server_that_never_tells_sizes_does_not_delay_a_cancel_or_a_pause(
    silent_url: str, server: BadServer, tmp_path: Path, is_pause: bool
) -> None:
    shop = Shop(silent_url, server, tmp_path)
    answers = iter([False])
    ask = lambda: next(answers, True)  # noqa: E731  # first asked before anything else
    callbacks = InstallCallbacks(is_paused=ask) if is_pause else InstallCallbacks(is_cancelled=ask)
    started_s = time.monotonic()
    with pytest.raises(DownloadPaused if is_pause else DownloadCancelled):
        shop.install(callbacks)
    assert time.monotonic() - started_s < 10, "half of the time that it would wait for the first size"
    assert list(shop.downloads.parent.iterdir()) == []


def test_a_cancel_between_two_sizes_is_heard(shop: Shop) -> None:
    shop.server.faults.append(status(500))
    with pytest.raises(DownloadCancelled):
        shop.install(InstallCallbacks(is_cancelled=lambda: True))
    assert shop.server.asked == []
