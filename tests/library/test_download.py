"""Downloads from a server that misbehaves in every way it can; nothing sleeps: resuming, ranges, contents."""

from __future__ import annotations

import gzip
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from dictation.core.errors import DownloadAltered, DownloadFailed, NetworkForbidden
from dictation.core.settings import NetworkSettings
from dictation.library.catalogue import CatalogueFile
from dictation.library.download import Downloader
from dictation.library.interrupts import DownloadCancelled, DownloadPaused
from tests.support import bad_server
from tests.support.bad_server import BadServer
from tests.support.download_client import CONTENT, Client

ROOT = Path(__file__).resolve().parents[2]


def test_a_good_server_is_asked_once(server: BadServer, client: Client) -> None:
    assert client.fetch() == CONTENT
    assert server.ranges == [""]
    assert server.asked[0]["Accept-Encoding"] == "identity"
    assert client.progress[-1].done_bytes == client.progress[-1].total_bytes == len(CONTENT)


def test_a_complete_file_is_not_fetched_again(server: BadServer, client: Client) -> None:
    client.target.write_bytes(CONTENT)
    assert client.fetch() == CONTENT
    assert server.asked == []


@pytest.mark.parametrize("is_hash_known", [True, False])
@pytest.mark.parametrize("damaged", [CONTENT[:-1] + b"!", CONTENT[:-1], CONTENT + b"!", b""])
def test_a_complete_file_that_was_damaged_since_is_fetched_again(
    server: BadServer, client: Client, damaged: bytes, is_hash_known: bool
) -> None:
    if not is_hash_known:
        client.file = CatalogueFile("weights", client.file.url)
    assert client.fetch() == CONTENT
    client.target.write_bytes(damaged)
    assert client.fetch() == CONTENT
    assert server.ranges == ["", ""]


def test_what_a_file_was_is_remembered_where_nobody_states_it(server: BadServer, client: Client) -> None:
    client.file = CatalogueFile("weights", client.file.url)
    assert client.fetch() == client.fetch() == CONTENT
    assert len(server.asked) == 1


@pytest.mark.parametrize("note", [None, "", "garbage", "sha256 = 5"])
def test_a_complete_file_that_no_one_vouches_for_is_fetched_again(
    server: BadServer, client: Client, note: str | None
) -> None:
    client.file = CatalogueFile("weights", client.file.url)
    client.target.write_bytes(CONTENT)
    if note is not None:
        client.target.with_name("model.pt.whole.toml").write_text(note)
    assert client.fetch() == CONTENT
    assert len(server.asked) == 1


def test_what_was_remembered_of_another_address_does_not_count(server: BadServer, client: Client) -> None:
    client.file = CatalogueFile("weights", client.file.url)
    assert client.fetch() == CONTENT
    server.files["/other.pt"] = b"another"
    client.file = CatalogueFile("weights", f"{server.url}/other.pt")
    assert client.fetch() == b"another"


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


def test_an_ignored_range_is_taken_from_the_beginning(server: BadServer, client: Client) -> None:
    client.interrupt()
    server.faults.append(bad_server.ignore_range)
    assert client.fetch() == CONTENT
    assert client.waits == []


def test_a_changed_file_is_fetched_anew(server: BadServer, client: Client) -> None:
    client.interrupt()
    server.etag = '"v2"'
    server.files["/model.pt"] = changed = CONTENT[::-1]
    client.file = replace(client.file, sha256=None)
    assert client.fetch() == changed


def test_a_server_without_conditions_that_mixes_versions_is_seen_through(server: BadServer, client: Client) -> None:
    """It sends a 206 of the new file although ``If-Range`` named the old one."""
    client.interrupt()
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
    client.interrupt()
    start, longer = client.done_bytes, CONTENT + b"more"

    def grown(answer: bad_server.Answer) -> None:
        answer.head(206, ETag=None, Content_Range=f"bytes {start}-{len(longer) - 1}/{len(longer)}")
        answer.body(longer[start:])

    server.faults.append(grown)
    assert client.fetch() == CONTENT
    assert server.ranges[2] == ""


def test_a_range_that_begins_elsewhere_is_refused(server: BadServer, client: Client) -> None:
    client.interrupt()
    server.faults.append(bad_server.shifted_range)
    assert client.fetch() == CONTENT


def test_416_with_everything_there_is_the_end(server: BadServer, client: Client) -> None:
    """The program was killed between the last byte and the new name."""
    client.file = CatalogueFile("weights", client.file.url)
    server.faults.append(bad_server.state_length(len(CONTENT) + 7, len(CONTENT)))
    assert client.fetch() == CONTENT
    assert server.ranges == ["", f"bytes={len(CONTENT)}-"]


def test_416_for_a_part_that_fits_nothing_begins_anew(server: BadServer, client: Client) -> None:
    client.interrupt()
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


def test_an_empty_file_is_no_model(server: BadServer, client: Client) -> None:
    server.files["/model.pt"] = b""
    client.file = CatalogueFile("weights", client.file.url)
    with pytest.raises(DownloadAltered, match=r"model\.pt is empty"):
        client.fetch()
    assert list(client.target.parent.iterdir()) == []


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
