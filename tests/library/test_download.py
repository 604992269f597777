"""Downloads from a server that misbehaves in every way it can; nothing sleeps."""

from __future__ import annotations

import errno
import gzip
import hashlib
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from email.utils import formatdate
from io import FileIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dictation.core.errors import DownloadAltered, DownloadFailed, NetworkForbidden, NoSpace
from dictation.core.settings import NetworkSettings
from dictation.library import part_file
from dictation.library.catalogue import CatalogueFile
from dictation.library.download import FIRST_WAIT_S, MOST_FRUITLESS_TRIES, Downloader
from dictation.library.interrupts import DownloadCancelled, DownloadPaused
from dictation.library.progress import DownloadProgress, Speedometer
from tests.library.conftest import CONTENT
from tests.support import bad_server
from tests.support.bad_server import BadServer

SHA256 = hashlib.sha256(CONTENT).hexdigest()
ROOT = Path(__file__).resolve().parents[2]


class Client:
    """A downloader with its callbacks, and the waits that it asked for."""

    def __init__(self, server: BadServer, folder: Path, settings: NetworkSettings | None = None) -> None:
        self.file = CatalogueFile("weights", f"{server.url}/model.pt", len(CONTENT), SHA256)
        self.target = folder / "model.pt"
        self.waits: list[float] = []
        self.progress: list[DownloadProgress] = []
        self.pause_at = self.cancel_at = len(CONTENT) + 1
        self.downloader = Downloader(
            settings or NetworkSettings(), connect_timeout_s=5, read_timeout_s=0.2, wait=self.waits.append
        )

    def fetch(self) -> bytes:
        fetched = self.downloader.fetch(
            self.file,
            self.target,
            self.progress.append,
            lambda: self.done_bytes >= self.cancel_at,
            lambda: self.done_bytes >= self.pause_at,
        )
        data = fetched.path.read_bytes()
        assert fetched.path == self.target
        assert fetched.sha256 == hashlib.sha256(data).hexdigest()
        assert self.left_over() == []
        return data

    @property
    def done_bytes(self) -> int:
        part = self.target.with_name("model.pt.part")
        return part.stat().st_size if part.exists() else 0

    def left_over(self) -> list[str]:
        return sorted(path.name for path in self.target.parent.iterdir() if path != self.target)


@pytest.fixture
def client(server: BadServer, tmp_path: Path) -> Client:
    folder = tmp_path / "downloads"
    folder.mkdir()
    return Client(server, folder)


def test_a_good_server_is_asked_once(server: BadServer, client: Client) -> None:
    assert client.fetch() == CONTENT
    assert server.ranges == [""]
    assert server.asked[0]["Accept-Encoding"] == "identity"
    assert client.progress[-1].done_bytes == client.progress[-1].total_bytes == len(CONTENT)


def test_a_complete_file_is_not_fetched_again(server: BadServer, client: Client) -> None:
    client.target.write_bytes(CONTENT)
    assert client.fetch() == CONTENT
    assert server.asked == []


def test_the_network_switch_forbids_before_any_connection(
    server: BadServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_socket(*_: object, **__: object) -> None:
        pytest.fail("a socket was made")

    monkeypatch.setattr("socket.socket.connect", no_socket)
    monkeypatch.setattr("socket.getaddrinfo", no_socket)
    with pytest.raises(NetworkForbidden):
        Client(server, tmp_path, NetworkSettings(is_allowed=False)).fetch()
    assert server.asked == []


# --- resume


def test_a_body_that_breaks_off_is_resumed_where_it_ended(server: BadServer, client: Client) -> None:
    server.faults += [bad_server.break_off_after(100_000), bad_server.break_off_after(50_000)]
    assert client.fetch() == CONTENT
    assert server.ranges == ["", "bytes=100000-", "bytes=150000-"]
    assert server.asked[1]["If-Range"] == '"v1"'
    assert server.bytes_sent == len(CONTENT)


def test_without_a_strong_tag_the_date_is_the_condition(server: BadServer, client: Client) -> None:
    server.etag = 'W/"weak"'
    server.faults.append(bad_server.break_off_after(100_000))
    assert client.fetch() == CONTENT
    assert server.asked[1]["If-Range"] == server.last_modified


def test_without_tag_and_date_it_begins_anew(server: BadServer, client: Client) -> None:
    server.etag = server.last_modified = ""
    server.faults.append(bad_server.break_off_after(100_000))
    assert client.fetch() == CONTENT
    assert server.ranges == ["", ""]


def test_a_pause_keeps_the_part_and_the_next_fetch_goes_on(server: BadServer, client: Client) -> None:
    client.pause_at = 100_000
    with pytest.raises(DownloadPaused):
        client.fetch()
    kept = client.done_bytes
    assert client.left_over() == ["model.pt.part", "model.pt.part.toml"]
    client.pause_at = len(CONTENT) + 1
    assert client.fetch() == CONTENT
    assert server.ranges[1] == f"bytes={kept}-"


def test_a_cancel_leaves_nothing(client: Client) -> None:
    client.cancel_at = 100_000
    with pytest.raises(DownloadCancelled):
        client.fetch()
    assert list(client.target.parent.iterdir()) == []


def test_a_cancel_after_a_pause_leaves_nothing(server: BadServer, client: Client) -> None:
    client.pause_at = 100_000
    with pytest.raises(DownloadPaused):
        client.fetch()
    client.cancel_at = 0
    with pytest.raises(DownloadCancelled):
        client.fetch()
    assert list(client.target.parent.iterdir()) == []


def test_kill_9_and_go_on(server: BadServer, client: Client) -> None:
    server.faults.append(bad_server.stall_after(100_000))
    code = (
        "import sys; from pathlib import Path; from dictation.core.settings import NetworkSettings\n"
        "from dictation.library.catalogue import CatalogueFile; from dictation.library.download import Downloader\n"
        "file = CatalogueFile('weights', sys.argv[1])\n"
        "class Steps:\n"
        "    def __call__(self): print(Path(sys.argv[2] + '.part').stat().st_size if hasattr(self, 'on') else 0,"
        " flush=True); self.on = True; return False\n"
        "Downloader(NetworkSettings()).fetch(file, Path(sys.argv[2]), is_cancelled=Steps())\n"
    )
    command = [sys.executable, "-c", code, client.file.url, str(client.target)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        for line in program.stdout:
            if int(line) >= 100_000:
                break
        program.send_signal(signal.SIGKILL)
    assert client.done_bytes == 100_000
    assert client.fetch() == CONTENT
    assert server.ranges == ["", "bytes=100000-"]


def test_what_another_address_left_is_not_mixed_in(server: BadServer, client: Client) -> None:
    server.files["/other.pt"] = b"x" * 300_000
    client.file = CatalogueFile("weights", f"{server.url}/other.pt")
    client.pause_at = 100_000
    with pytest.raises(DownloadPaused):
        client.fetch()
    client.file = replace(client.file, url=f"{server.url}/model.pt")
    client.pause_at = len(CONTENT) + 1
    assert client.fetch() == CONTENT
    assert server.ranges[-1] == ""


@pytest.mark.parametrize("note", ["", "url = 5", "garbage", 'url = "x"\nunknown = 1'])
def test_a_part_without_a_good_note_is_not_trusted(server: BadServer, client: Client, note: str) -> None:
    client.target.with_name("model.pt.part").write_bytes(b"z" * 5000)
    client.target.with_name("model.pt.part.toml").write_text(note)
    assert client.fetch() == CONTENT
    assert server.ranges == [""]


# --- answers to a range


def interrupted(server: BadServer, client: Client) -> None:
    """A pause in the middle."""
    client.pause_at = 100_000
    with pytest.raises(DownloadPaused):
        client.fetch()
    client.pause_at = len(CONTENT) + 1


def test_an_ignored_range_is_taken_from_the_beginning(server: BadServer, client: Client) -> None:
    interrupted(server, client)
    server.faults.append(bad_server.ignore_range)
    assert client.fetch() == CONTENT
    assert client.waits == []


def test_a_changed_file_is_fetched_anew(server: BadServer, client: Client) -> None:
    interrupted(server, client)
    server.etag = '"v2"'
    server.files["/model.pt"] = changed = CONTENT[::-1]
    client.file = replace(client.file, sha256=None)
    assert client.fetch() == changed


def test_a_server_without_conditions_that_mixes_versions_is_seen_through(server: BadServer, client: Client) -> None:
    """It sends a 206 of the new file although ``If-Range`` named the old one."""
    interrupted(server, client)
    start = client.done_bytes
    old_tag, server.etag = server.etag, '"v2"'
    server.files["/model.pt"] = changed = CONTENT[::-1]

    def careless(answer: bad_server.Answer) -> None:
        span = f"bytes {start}-{len(changed) - 1}/{len(changed)}"
        answer.head(206, Content_Length=len(changed) - start, Content_Range=span)
        answer.body(changed[start:])

    server.faults.append(careless)
    client.file = replace(client.file, sha256=None)
    assert client.fetch() == changed
    assert server.asked[1]["If-Range"] == old_tag
    assert server.ranges[2] == ""


def test_another_total_length_is_another_file(server: BadServer, client: Client) -> None:
    interrupted(server, client)
    start, longer = client.done_bytes, CONTENT + b"more"

    def grown(answer: bad_server.Answer) -> None:
        answer.head(206, ETag=None, Content_Range=f"bytes {start}-{len(longer) - 1}/{len(longer)}")
        answer.body(longer[start:])

    server.faults.append(grown)
    assert client.fetch() == CONTENT
    assert server.ranges[2] == ""


def test_a_range_that_begins_elsewhere_is_refused(server: BadServer, client: Client) -> None:
    interrupted(server, client)
    server.faults.append(bad_server.shifted_range)
    assert client.fetch() == CONTENT


def test_416_with_everything_there_is_the_end(server: BadServer, client: Client) -> None:
    """The program was killed between the last byte and the new name."""
    client.file = CatalogueFile("weights", client.file.url)
    server.faults.append(bad_server.state_length(len(CONTENT) + 7, len(CONTENT)))
    assert client.fetch() == CONTENT
    assert server.ranges == ["", f"bytes={len(CONTENT)}-"]


def test_416_for_a_part_that_fits_nothing_begins_anew(server: BadServer, client: Client) -> None:
    interrupted(server, client)
    server.files["/model.pt"] = short = CONTENT[:9]
    client.file = replace(client.file, sha256=None, size_bytes=9)
    assert client.fetch() == short
    assert server.ranges[-1] == ""


# --- lengths and contents


@pytest.mark.parametrize("length", [len(CONTENT) - 1000, len(CONTENT) + 1000])
def test_another_length_than_the_catalogues_is_refused_before_it_comes(
    server: BadServer, client: Client, length: int
) -> None:
    server.faults.append(bad_server.state_length(length))
    with pytest.raises(DownloadAltered, match=f"offers {length} bytes as .* instead of {len(CONTENT)}"):
        client.fetch()
    assert client.progress == []
    assert list(client.target.parent.iterdir()) == []


def test_too_short_a_length_never_makes_a_wrong_file(server: BadServer, client: Client) -> None:
    """All that is known is the SHA-256."""
    client.file = replace(client.file, size_bytes=None)
    server.faults.append(bad_server.state_length(len(CONTENT) - 1000))
    with pytest.raises(DownloadAltered, match="SHA-256"):
        client.fetch()
    assert list(client.target.parent.iterdir()) == []


def test_too_great_a_length_is_seen_through(server: BadServer, client: Client) -> None:
    client.file = replace(client.file, size_bytes=None)
    server.faults.append(bad_server.state_length(len(CONTENT) + 1000))
    assert client.fetch() == CONTENT


def test_the_server_can_be_asked_for_the_length(server: BadServer, client: Client) -> None:
    assert client.downloader.ask_size(client.file) == len(CONTENT)
    server.tells_lengths = False
    assert client.downloader.ask_size(client.file) is None
    nowhere = replace(client.file, url="http://127.0.0.1:9/model.pt")
    assert client.downloader.ask_size(nowhere) is None
    with pytest.raises(NetworkForbidden):
        Downloader(NetworkSettings(is_allowed=False)).ask_size(client.file)


def test_an_unknown_length_is_no_obstacle(server: BadServer, client: Client) -> None:
    client.file = CatalogueFile("weights", client.file.url)
    server.faults.append(bad_server.state_length(None))
    assert client.fetch() == CONTENT
    assert client.progress[0].total_bytes is None
    assert client.progress[0].eta_s is None


def test_chunked_encoding_is_no_obstacle(server: BadServer, client: Client) -> None:
    client.file = CatalogueFile("weights", client.file.url)
    server.faults.append(bad_server.chunked)
    assert client.fetch() == CONTENT


def test_a_chunked_answer_that_breaks_off_is_asked_again(server: BadServer, client: Client) -> None:
    server.faults.append(bad_server.chunked_without_end)
    assert client.fetch() == CONTENT
    assert server.ranges[0] == ""
    assert len(server.ranges) == 2


def test_another_sha256_is_refused_and_nothing_is_kept(server: BadServer, client: Client) -> None:
    server.files["/model.pt"] = CONTENT[:-1] + b"!"
    with pytest.raises(DownloadAltered, match="SHA-256 begins"):
        client.fetch()
    assert list(client.target.parent.iterdir()) == []


def test_another_size_is_refused(server: BadServer, client: Client) -> None:
    client.file = replace(client.file, size_bytes=5, sha256=None)
    server.faults.append(bad_server.state_length(None))
    with pytest.raises(DownloadAltered, match="256000 bytes instead of 5"):
        client.fetch()


def test_a_gz_file_arrives_packed_whatever_the_server_calls_it(server: BadServer, client: Client) -> None:
    server.files["/model.pt"] = packed = gzip.compress(b"ngram" * 1000)
    client.file = CatalogueFile("lm", client.file.url)
    server.faults.append(bad_server.call_it_encoded)
    assert client.fetch() == packed


def test_a_sign_in_page_is_no_model(server: BadServer, client: Client) -> None:
    server.faults.append(bad_server.web_page)
    with pytest.raises(DownloadFailed, match="web page instead of") as caught:
        client.fetch()
    assert "sign in" in caught.value.remedy


# --- faults


@pytest.mark.parametrize(("code", "saying"), [(404, "does not have it"), (403, "refuses it"), (418, "error")])
def test_a_refusal_is_said_at_once_and_the_part_kept(server: BadServer, client: Client, code: int, saying: str) -> None:
    interrupted(server, client)
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
