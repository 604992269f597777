"""Downloads from a server that misbehaves in every way it can; nothing sleeps: faults, TLS, mirrors, space."""

from __future__ import annotations

import errno
import os
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate
from io import FileIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dictation.core.errors import DownloadFailed, LibraryError, NoSpace
from dictation.core.settings import NetworkSettings
from dictation.library import part_file
from dictation.library.catalogue import CatalogueFile
from dictation.library.download import FIRST_WAIT_S, MOST_FRUITLESS_TRIES, Downloader
from dictation.library.interrupts import DownloadCancelled, DownloadPaused
from dictation.library.progress import Speedometer
from dictation.library.stall_watch import ask_aside
from tests.support import bad_server
from tests.support.bad_server import BadServer
from tests.support.download_client import CONTENT, Client

PATIENCE_S = 20.0
"""How long the downloader waits for an answer that never comes, unless it hears the user."""


def after_questions(count: int) -> Callable[[], bool]:
    """No for so many times, then yes."""
    answers = iter([False] * count)
    return lambda: next(answers, True)


@pytest.mark.parametrize(("code", "saying"), [(404, "does not have it"), (403, "refuses it"), (418, "error")])
def test_a_refusal_is_said_at_once_and_the_part_kept(server: BadServer, client: Client, code: int, saying: str) -> None:
    client.interrupt()
    server.faults.append(bad_server.status(code))
    with pytest.raises(DownloadFailed, match=saying) as caught:
        client.fetch()
    assert "model.pt" in str(caught.value)
    assert client.waits == []
    assert client.done_bytes > 0
    assert client.fetch() == CONTENT


@pytest.mark.parametrize("code", [500, 502, 503, 504, 429])
def test_a_passing_fault_is_waited_out(server: BadServer, client: Client, code: int) -> None:
    server.faults += [bad_server.status(code)] * 2
    assert client.fetch() == CONTENT
    assert sum(client.waits) == pytest.approx(FIRST_WAIT_S * (1 + 2))


def test_retry_after_in_seconds_is_respected(server: BadServer, client: Client) -> None:
    server.faults.append(bad_server.status(503, Retry_After=7))
    assert client.fetch() == CONTENT
    assert sum(client.waits) == pytest.approx(7)


def test_retry_after_as_a_date_is_respected(server: BadServer, client: Client) -> None:
    server.faults.append(bad_server.status(503, Retry_After=formatdate(time.time() + 60, usegmt=True)))
    assert client.fetch() == CONTENT
    assert 50 < sum(client.waits) <= 60


def test_an_unreadable_retry_after_is_ignored(server: BadServer, client: Client) -> None:
    server.faults.append(bad_server.status(503, Retry_After="soon"))
    assert client.fetch() == CONTENT
    assert sum(client.waits) == pytest.approx(FIRST_WAIT_S)


def test_too_long_a_wait_is_left_to_the_user(server: BadServer, client: Client) -> None:
    server.faults.append(bad_server.status(503, Retry_After=3600))
    with pytest.raises(DownloadFailed, match="come back in 60 minutes"):
        client.fetch()
    assert client.waits == []


def test_it_gives_up_after_some_tries_without_a_byte(server: BadServer, client: Client) -> None:
    server.faults += [bad_server.status(500)] * 50
    with pytest.raises(DownloadFailed, match="answers 500"):
        client.fetch()
    assert len(server.asked) == MOST_FRUITLESS_TRIES


def test_it_goes_on_as_long_as_bytes_come(server: BadServer, client: Client) -> None:
    server.faults += [bad_server.break_off_after(10_000)] * (MOST_FRUITLESS_TRIES * 3)
    assert client.fetch() == CONTENT


def test_a_cancel_is_heard_while_waiting(server: BadServer, client: Client) -> None:
    server.faults += [bad_server.break_off_after(1000), bad_server.status(503, Retry_After=100)]
    client.downloader = Downloader(NetworkSettings(), wait=lambda _: setattr(client, "cancel_at", 0))
    with pytest.raises(DownloadCancelled):
        client.fetch()
    assert list(client.target.parent.iterdir()) == []


def test_a_stalled_server_is_left_and_asked_for_the_rest(server: BadServer, client: Client) -> None:
    server.faults.append(bad_server.stall_after(100_000))
    assert client.fetch() == CONTENT
    assert server.ranges == ["", "bytes=100000-"]


@pytest.mark.parametrize("is_pause", [True, False])
def test_a_stalled_server_does_not_delay_a_cancel_or_a_pause(server: BadServer, client: Client, is_pause: bool) -> None:
    """Nothing would come for a minute; the server ends with the test."""
    client.downloader = Downloader(NetworkSettings(), read_timeout_s=60)
    server.faults.append(bad_server.stall_after(100_000))
    is_wanted = threading.Event()

    def ask() -> bool:
        if threading.current_thread() is not threading.main_thread():
            is_wanted.set()  # so it is only asked there while nothing comes
        return is_wanted.is_set()

    questions = [lambda: False, ask]
    with pytest.raises(DownloadPaused if is_pause else DownloadCancelled):
        client.downloader.fetch(
            client.file, client.target, client.progress.append, questions[not is_pause], questions[is_pause]
        )
    assert not server.release.is_set()
    assert client.done_bytes == (100_000 if is_pause else 0)


@pytest.mark.parametrize("is_pause", [True, False])
def test_a_server_that_never_answers_does_not_delay_a_cancel_or_a_pause(
    silent_url: str, client: Client, is_pause: bool
) -> None:
    client.downloader = Downloader(NetworkSettings(), read_timeout_s=PATIENCE_S)
    client.file = replace(client.file, url=f"{silent_url}/model.pt")
    answers = [lambda: False, after_questions(2)]  # it is asked twice before the request, then only while none comes
    started_s = time.monotonic()
    with pytest.raises(DownloadPaused if is_pause else DownloadCancelled):
        client.downloader.fetch(
            client.file, client.target, is_cancelled=answers[not is_pause], is_paused=answers[is_pause]
        )
    assert time.monotonic() - started_s < PATIENCE_S / 2
    assert client.left_over() == []


def test_a_server_that_never_tells_a_length_does_not_delay_a_cancel(silent_url: str) -> None:
    is_cancelled = after_questions(1)

    def checkpoint() -> None:
        if is_cancelled():
            raise DownloadCancelled

    downloader = Downloader(NetworkSettings(), read_timeout_s=PATIENCE_S)
    started_s = time.monotonic()
    with pytest.raises(DownloadCancelled):
        downloader.ask_size(CatalogueFile("weights", f"{silent_url}/model.pt"), checkpoint)
    assert time.monotonic() - started_s < PATIENCE_S / 2


def test_an_answer_that_no_one_waits_for_any_more_is_dropped() -> None:
    may_answer, dropped = threading.Event(), threading.Event()

    def ask() -> str:
        may_answer.wait(60)
        return "late"

    def break_off() -> None:
        raise DownloadCancelled

    with pytest.raises(DownloadCancelled):
        ask_aside(ask, break_off, lambda answer: dropped.set() if answer == "late" else None)
    assert not dropped.is_set()
    may_answer.set()
    assert dropped.wait(60)


def test_a_server_that_hangs_up_is_asked_again(server: BadServer, client: Client) -> None:
    server.faults.append(bad_server.hang_up)
    assert client.fetch() == CONTENT


def test_no_server_at_all_is_said_in_words(client: Client) -> None:
    client.file = replace(client.file, url="http://127.0.0.1:9/model.pt")
    with pytest.raises(DownloadFailed, match="no connection to the server"):
        client.fetch()


def test_a_slow_server_is_followed_step_by_step(server: BadServer, client: Client) -> None:
    """Each step of the server waits for the client's report of the one before."""
    may_send = threading.Semaphore(1)
    server.faults.append(bad_server.drip(64_000, may_send))

    def is_cancelled() -> bool:
        may_send.release()
        return False

    client.downloader.fetch(client.file, client.target, client.progress.append, is_cancelled)
    assert client.target.read_bytes() == CONTENT


def test_redirects_are_followed_but_not_for_ever(server: BadServer, client: Client) -> None:
    server.files["/moved.pt"] = CONTENT
    server.faults.append(bad_server.status(302, Location=f"{server.url}/moved.pt"))
    assert client.fetch() == CONTENT
    client.target.unlink()
    server.faults += [bad_server.status(302, Location=client.file.url)] * 50
    with pytest.raises(DownloadFailed, match="from one address to another"):
        client.fetch()


# --- TLS


def test_an_unknown_certificate_is_named_and_not_tried_again(secure_server: BadServer, tmp_path: Path) -> None:
    client = Client(secure_server, tmp_path / "fetched")
    with pytest.raises(DownloadFailed, match="certificate is not trusted"):
        client.fetch()
    assert client.waits == []
    assert secure_server.asked == []


def test_a_certificate_that_the_user_trusts_is_taken(
    secure_server: BadServer, certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    assert Client(secure_server, tmp_path / "fetched").fetch() == CONTENT


def test_a_way_out_of_encryption_is_refused(
    server: BadServer, secure_server: BadServer, certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    secure_server.faults.append(bad_server.status(302, Location=f"{server.url}/model.pt"))
    client = Client(secure_server, tmp_path / "fetched")
    with pytest.raises(DownloadFailed, match="unencrypted"):
        client.fetch()
    assert list(client.target.parent.iterdir()) == []


# --- where from


def test_a_mirror_is_asked_for_host_and_path(server: BadServer, tmp_path: Path) -> None:
    server.files["/models/example.org/a/model.pt"] = CONTENT
    client = Client(server, tmp_path, NetworkSettings(mirror_url=f"{server.url}/models/"))
    client.file = replace(client.file, url="https://example.org/a/model.pt")
    client.target = tmp_path / "fetched" / "model.pt"
    assert client.fetch() == CONTENT


def test_a_mirror_that_is_no_address_is_named(server: BadServer, tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed, match="mirror 'my server'"):
        Client(server, tmp_path, NetworkSettings(mirror_url="my server")).fetch()


def test_the_proxy_of_the_environment_is_used(
    server: BadServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    client.file = replace(client.file, url="http://models.invalid/model.pt")
    assert client.fetch() == CONTENT
    assert server.asked[0][":path"] == "http://models.invalid/model.pt"


def test_no_proxy_of_the_environment_is_respected(
    server: BadServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert client.fetch() == CONTENT


def test_certificates_that_are_not_there_are_named(
    secure_server: BadServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """requests raises a plain ``OSError`` then; that is no fault of the disk."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "nowhere.pem"))
    with pytest.raises(DownloadFailed, match=r"nowhere\.pem") as caught:
        Client(secure_server, tmp_path / "fetched").fetch()
    assert "REQUESTS_CA_BUNDLE" in caught.value.remedy


def test_a_dead_proxy_is_named(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with pytest.raises(DownloadFailed, match="the proxy does not answer"):
        client.fetch()


# --- room


def test_too_little_space_is_said_before_the_first_byte(
    server: BadServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = SimpleNamespace(total=10**9, used=10**9, free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(NoSpace, match=r"needs 0 MB in .*, where 0 MB are free"):
        client.fetch()
    assert client.done_bytes == 0


def test_a_disk_that_fills_up_meanwhile_is_named_and_the_part_kept(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    class SmallDisk(FileIO):
        def write(self, data: Any) -> int:
            if self.tell() > 100_000:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(bytes(data)[:1000])

    monkeypatch.setattr(part_file, "FileIO", SmallDisk)
    with pytest.raises(NoSpace, match=r"disk is full: model\.pt"):
        client.fetch()
    assert client.done_bytes > 100_000
    monkeypatch.undo()
    assert client.fetch() == CONTENT


@pytest.mark.parametrize("fault", [errno.EROFS, errno.EIO, errno.EACCES, errno.EDQUOT])
def test_a_disk_that_fails_meanwhile_is_said_and_the_part_kept(
    client: Client, monkeypatch: pytest.MonkeyPatch, fault: int
) -> None:
    class FailingDisk(FileIO):
        def write(self, data: Any) -> int:
            if self.tell() > 100_000:
                raise OSError(fault, os.strerror(fault))
            return super().write(bytes(data)[:1000])

    monkeypatch.setattr(part_file, "FileIO", FailingDisk)
    with pytest.raises(LibraryError, match=r"model\.pt") as caught:
        client.fetch()
    assert isinstance(caught.value, NoSpace) == (fault == errno.EDQUOT)
    assert (os.strerror(fault) in str(caught.value)) == (fault != errno.EDQUOT)
    assert caught.value.remedy
    assert client.done_bytes > 100_000
    monkeypatch.undo()
    assert client.fetch() == CONTENT


def test_a_folder_that_cannot_be_made_is_said(client: Client) -> None:
    (client.target.parent / "file").write_bytes(b"")
    client.target = client.target.parent / "file" / "folder" / "model.pt"
    with pytest.raises(LibraryError, match=r"model\.pt cannot be kept in .*folder: Not a directory") as caught:
        client.fetch()
    assert caught.value.remedy


@pytest.mark.parametrize("name", ["model.pt.part.toml", "model.pt.part", "model.pt"])
def test_a_place_that_is_taken_is_said(client: Client, name: str) -> None:
    """Any user may be refused a folder's place; root is refused little else."""
    (client.target.parent / name / "folder").mkdir(parents=True)
    with pytest.raises(LibraryError, match=r"model\.pt cannot be kept in .*: Is a directory"):
        client.fetch()


# --- progress


def test_speed_and_time_to_go_are_those_of_the_last_seconds() -> None:
    now, reports = [0.0], []
    speedometer = Speedometer("f", reports.append, lambda: now[0])
    for second in range(21):  # 100 bytes a second, then 10
        now[0] = float(second)
        speedometer.count(100 * min(second, 10) + 10 * max(0, second - 10), 2000)
    assert reports[10].bytes_per_s == pytest.approx(100)
    assert reports[10].eta_s == pytest.approx(10)
    assert reports[20].bytes_per_s == pytest.approx(10)
    assert reports[20].fraction == pytest.approx(0.55)


def test_reports_come_at_most_ten_times_a_second_and_at_the_end() -> None:
    now, reports = [0.0], []
    speedometer = Speedometer("f", reports.append, lambda: now[0])
    for step in range(1000):
        now[0] = step / 1000
        speedometer.count(step, 1000)
    speedometer.count(1000, 1000, is_last=True)
    assert len(reports) == 11
    assert reports[-1].done_bytes == 1000
