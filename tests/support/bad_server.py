"""An HTTP server that misbehaves on request, and otherwise does ranges, validators and conditions as RFC 9110 says."""

from __future__ import annotations

import re
import ssl
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Fault = Callable[["Answer"], None]


@dataclass
class BadServer:
    """What it serves, how, and what it was asked.

    Attributes:
        files: By path, each with a leading slash.
        etag: Of every file; empty sends none.
        last_modified: Likewise.
        tells_lengths: Whether it answers ``HEAD``, which is not counted as asking.
        faults: Answers to the next requests; when there are none left, it behaves.
        asked: Headers of each request so far, its path under ``:path``.
        release: Set when the server ends: what stalls ends then.
    """

    files: dict[str, bytes]
    url: str = ""
    etag: str = '"v1"'
    last_modified: str = "Sat, 01 Nov 2025 10:00:00 GMT"
    tells_lengths: bool = True
    faults: deque[Fault] = field(default_factory=deque)
    asked: list[Mapping[str, str]] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)
    bytes_sent: int = 0

    @property
    def ranges(self) -> list[str]:
        """The ``Range`` of each request, empty where there was none."""
        return [headers.get("Range", "") for headers in self.asked]


class Answer(BaseHTTPRequestHandler):
    """One request and its answer."""

    server_version = "BadServer"
    bad: BadServer

    def do_GET(self) -> None:
        self.bad.asked.append({**dict(self.headers), ":path": self.path})
        fault = self.bad.faults.popleft() if self.bad.faults else behave
        try:
            fault(self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the client left

    def do_HEAD(self) -> None:
        if self.bad.tells_lengths:
            self.head(200, Content_Length=len(self.content))
        else:
            self.head(405, Content_Length=0)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""

    @property
    def content(self) -> bytes:
        path = re.sub(r"^https?://[^/]+", "", self.path)  # a proxy is asked for whole addresses
        return self.bad.files[path]

    def head(self, status: int, **headers: object) -> None:
        """Send status and headers, ``_`` for ``-``; None leaves one out."""
        self.send_response(status)
        validators = {"ETag": self.bad.etag or None, "Last_Modified": self.bad.last_modified or None}
        for name, value in {**validators, **headers}.items():
            if value is not None:
                self.send_header(name.replace("_", "-"), str(value))
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True

    def body(self, data: bytes) -> None:
        self.wfile.write(data)
        self.wfile.flush()
        self.bad.bytes_sent += len(data)


class QuietServer(ThreadingHTTPServer):
    """Says nothing of clients that hang up or do not trust it; that is what they are tested for."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):  # so are TLS errors and closed connections
            super().handle_error(request, client_address)


def behave(answer: Answer) -> None:
    """The whole file, or the range that was asked for if the condition holds."""
    content, start = answer.content, _wanted_start(answer)
    if start is None:
        answer.head(200, Content_Length=len(content))
        answer.body(content)
    elif start >= len(content):
        answer.head(416, Content_Range=f"bytes */{len(content)}")
    else:
        end = f"bytes {start}-{len(content) - 1}/{len(content)}"
        answer.head(206, Content_Length=len(content) - start, Content_Range=end)
        answer.body(content[start:])


def _wanted_start(answer: Answer) -> int | None:
    match = re.fullmatch(r"bytes=(\d+)-", answer.headers.get("Range", ""))
    condition = answer.headers.get("If-Range")
    is_current = condition is None or condition in (answer.bad.etag, answer.bad.last_modified)
    return int(match[1]) if match and is_current else None


def ignore_range(answer: Answer) -> None:
    answer.head(200, Content_Length=len(answer.content))
    answer.body(answer.content)


def status(code: int, **headers: object) -> Fault:
    def fault(answer: Answer) -> None:
        answer.head(code, Content_Length=0, **headers)

    return fault


def break_off_after(size_bytes: int) -> Fault:
    """Promise everything, send a part, close."""

    def fault(answer: Answer) -> None:
        start = _wanted_start(answer) or 0
        rest = answer.content[start:]
        if start:
            span = f"bytes {start}-{len(answer.content) - 1}/{len(answer.content)}"
            answer.head(206, Content_Length=len(rest), Content_Range=span)
        else:
            answer.head(200, Content_Length=len(rest))
        answer.body(rest[:size_bytes])

    return fault


def stall_after(size_bytes: int) -> Fault:
    """Send a part, then nothing more, but keep the line open."""

    def fault(answer: Answer) -> None:
        answer.head(200, Content_Length=len(answer.content))
        answer.body(answer.content[:size_bytes])
        answer.bad.release.wait(60)

    return fault


def hang_up(answer: Answer) -> None:
    answer.close_connection = True


def state_length(size_bytes: int | None, sent_bytes: int | None = None) -> Fault:
    """Give a wrong length, or none, and send the file or the first part of it."""

    def fault(answer: Answer) -> None:
        answer.head(200, Content_Length=size_bytes)
        answer.body(answer.content[:sent_bytes])

    return fault


def shifted_range(answer: Answer) -> None:
    """A 206 that begins elsewhere than asked."""
    answer.head(206, Content_Length=5, Content_Range=f"bytes 0-4/{len(answer.content)}")
    answer.body(answer.content[:5])


def web_page(answer: Answer) -> None:
    answer.head(200, Content_Type="text/html; charset=utf-8", Content_Length=4)
    answer.body(b"<p>!")


def call_it_encoded(answer: Answer) -> None:
    """What Apache does with .gz files unless told otherwise."""
    answer.head(200, Content_Encoding="x-gzip", Content_Length=len(answer.content))
    answer.body(answer.content)


def chunked(answer: Answer) -> None:
    """No length; each piece says its own."""
    _send_chunks(answer, ends=True)


def chunked_without_end(answer: Answer) -> None:
    _send_chunks(answer, ends=False)


def _send_chunks(answer: Answer, *, ends: bool) -> None:
    answer.protocol_version = "HTTP/1.1"
    answer.head(200, Transfer_Encoding="chunked")
    for start in range(0, len(answer.content), 50_000):
        piece = answer.content[start : start + 50_000]
        answer.body(b"%x\r\n%b\r\n" % (len(piece), piece))
    if ends:
        answer.body(b"0\r\n\r\n")


def drip(step_bytes: int, may_send: threading.Semaphore) -> Fault:
    """Send in small steps, each when it is allowed."""

    def fault(answer: Answer) -> None:
        answer.head(200, Content_Length=len(answer.content))
        for start in range(0, len(answer.content), step_bytes):
            may_send.acquire(timeout=60)
            answer.body(answer.content[start : start + step_bytes])

    return fault


@contextmanager
def serving(files: Mapping[str, bytes], tls: ssl.SSLContext | None = None) -> Iterator[BadServer]:
    """Serve until the block ends."""
    bad = BadServer(dict(files))
    handler = type("BoundAnswer", (Answer,), {"bad": bad})
    with QuietServer(("127.0.0.1", 0), handler) as server:
        bad.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield bad
        finally:
            bad.release.set()
            server.shutdown()
            thread.join()
