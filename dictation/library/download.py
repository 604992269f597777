"""Fetch one file over HTTP, with resume. The only module of the program that can open a connection.

requests does what is easily done wrong by hand: proxies from the environment, redirects, certificates, timeouts. What
is done here is the part that makes large files arrive: ``Range`` and ``If-Range`` (RFC 9110, 13 and 14), another try
after a fault, and doubt about every answer.
"""

from __future__ import annotations

import email.utils
import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dictation import __version__
from dictation.core.errors import DownloadAltered, DownloadFailed, NetworkForbidden
from dictation.core.settings import NetworkSettings
from dictation.library.catalogue import CatalogueFile
from dictation.library.interrupts import DownloadCancelled, make_checkpoint
from dictation.library.part_file import PartFile, Version, check_space, disk_faults
from dictation.library.progress import DownloadProgress, Speedometer
from dictation.library.stall_watch import StallWatch, ask_aside

if TYPE_CHECKING:
    import requests

CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 20.0
"""A server that sends nothing for so long is left, and asked again."""
MOST_FRUITLESS_TRIES = 5
"""In a row; a try that brought bytes starts the count anew."""
FIRST_WAIT_S = 1.0
"""Before the second try; doubled for each further one."""
LONGEST_WAIT_S = 120.0
"""A server that asks for more patience (``Retry-After``) is left to the user."""
MOST_REDIRECTS = 10
CHUNK_BYTES = 1 << 16
_TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_OK, _PARTIAL, _UNSATISFIABLE = 200, 206, 416
_SAYINGS = {401: "wants a password", 403: "refuses it", 404: "does not have it", 410: "has it no longer"}

_HEADERS = {"User-Agent": f"dictation/{__version__}", "Accept-Encoding": "identity"}

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fetched:
    """A complete file and its SHA-256."""

    path: Path
    sha256: str


class _TryAgain(Exception):
    """The answer broke off or was a passing fault; ``wait_s`` is how long the server asked to wait, if it did."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class Downloader:
    """Fetches files. Thread: any one at a time; the callbacks are called in it.

    Args:
        settings: Whether the network may be used at all, and the mirror.
        connect_timeout_s: For a connection.
        read_timeout_s: Without a byte.
        wait: Sleeps; for tests.
    """

    def __init__(
        self,
        settings: NetworkSettings,
        *,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        read_timeout_s: float = READ_TIMEOUT_S,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._timeout_s = (connect_timeout_s, read_timeout_s)
        self._wait = wait

    def fetch(
        self,
        file: CatalogueFile,
        target: Path,
        on_progress: Callable[[DownloadProgress], None] = lambda _progress: None,
        is_cancelled: Callable[[], bool] = lambda: False,
        is_paused: Callable[[], bool] = lambda: False,
    ) -> Fetched:
        """Fetch a file, going on where an earlier run stopped. A complete and sound ``target`` is not fetched again.

        Args:
            file: What to fetch, with size and SHA-256 as far as known.
            target: Where it shall lie. Until it is complete and checked it is called ``NAME.part``. If ``file`` states
                no SHA-256, what came is remembered beside it and compared the next time.
            on_progress: Called up to ten times a second.
            is_cancelled: Asked for every 64 KiB and, perhaps in a second thread, while nothing comes: break off and
                leave nothing.
            is_paused: Likewise: break off and keep what there is.

        Raises:
            NetworkForbidden: if the settings forbid the network; no connection was tried.
            DownloadFailed: if the server cannot be reached or has no use; what has arrived is kept.
            DownloadAltered: if the file has another size or SHA-256 than stated; nothing of it is kept.
            NoSpace: if the disk has no room for it; what has arrived is kept.
            LibraryError: if the disk fails or may not be written to; what has arrived is kept.
            DownloadCancelled, DownloadPaused: if asked for.
        """
        self._check_allowed()
        checkpoint, part = make_checkpoint(is_cancelled, is_paused), PartFile(target)
        with disk_faults(target):
            try:
                checkpoint()
                found = part.keep_whole(file, checkpoint)
                if found is None:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    part.open(file.url, checkpoint)
                    address = self._address(file.url)
                    _Transfer(self._timeout_s, self._wait, file, address, part, on_progress, checkpoint).run()
                    found = part.finish(file)
                return Fetched(target, found)
            except DownloadCancelled:
                part.discard()
                raise
            finally:
                part.close()

    def ask_size(self, file: CatalogueFile, checkpoint: Callable[[], None] = lambda: None) -> int | None:
        """Ask the server how long a file is; None if it does not tell, for whatever reason.

        Args:
            file: What to ask for.
            checkpoint: Called first and while no answer comes; raises to break off.

        Raises:
            NetworkForbidden: if the settings forbid the network.
            DownloadFailed: if the mirror is no address.
        """
        import requests

        self._check_allowed()
        checkpoint()
        address = self._address(file.url)
        ask = partial(requests.head, address, headers=_HEADERS, timeout=self._timeout_s, allow_redirects=True)
        try:
            with ask_aside(ask, checkpoint, requests.Response.close) as response:
                is_file = response.status_code == _OK and not _is_page(response)
                length = response.headers.get("Content-Length", "")
        except OSError:  # of requests, all of them; the download itself will say what is wrong
            return None
        return int(length) if is_file and length.isdecimal() else None

    def _check_allowed(self) -> None:
        if not self._settings.is_allowed:
            raise NetworkForbidden("The network is switched off in the settings.")

    def _address(self, url: str) -> str:
        """Where to fetch from: the address itself, or the mirror with its host and path appended."""
        mirror = self._settings.mirror_url
        if not mirror:
            return url
        if not re.match(r"https?://[^/\s]", mirror):
            remedy = "Correct network.mirror_url in the settings, or leave it empty."
            raise DownloadFailed(f"The mirror {mirror!r} is no address that starts with http:// or https://.", remedy)
        parts = urlsplit(url)
        return f"{mirror.rstrip('/')}/{parts.netloc}{parts.path}"


@dataclass
class _Transfer:
    """One file from one address: as many requests as it takes."""

    timeout_s: tuple[float, float]
    wait: Callable[[float], None]
    file: CatalogueFile
    address: str
    part: PartFile
    on_progress: Callable[[DownloadProgress], None]
    checkpoint: Callable[[], None]

    def run(self) -> None:
        """Ask until the file is complete.

        Raises:
            DownloadFailed: after ``MOST_FRUITLESS_TRIES`` in a row, or at once if no other try could help.
        """
        import requests

        speedometer = Speedometer(self.file.name, self.on_progress)
        tries = 0
        with requests.Session() as session:
            session.max_redirects = MOST_REDIRECTS
            while True:
                had_bytes = self.part.size_bytes
                try:
                    self._try_once(session, speedometer)
                except _TryAgain as fault:
                    tries = 1 if self.part.size_bytes > had_bytes else tries + 1
                    self._wait_for(fault, tries)
                except requests.RequestException as error:
                    raise DownloadFailed(f"{self.file.name} cannot be fetched: {_reason(error)}.") from error
                else:
                    return

    def _try_once(self, session: requests.Session, speedometer: Speedometer) -> None:
        """Ask once and take what comes; returns if the file is complete."""
        import requests
        import urllib3

        self.checkpoint()
        try:
            with self._ask(session) as response:
                if not self._accept(response):
                    return
                self._check_space()
                total_bytes = self._total_bytes()
                speedometer.count(self.part.size_bytes, total_bytes)
                self._take(response, lambda: speedometer.count(self.part.size_bytes, total_bytes))
        except (urllib3.exceptions.HTTPError, requests.ConnectionError, requests.Timeout) as error:
            if isinstance(error, requests.exceptions.SSLError):
                raise
            raise _TryAgain(_reason(error)) from error
        if total_bytes is not None and self.part.size_bytes < total_bytes:
            raise _TryAgain(f"it ended after {self.part.size_bytes} of {total_bytes} bytes")
        speedometer.count(self.part.size_bytes, total_bytes, is_last=True)

    def _ask(self, session: requests.Session) -> requests.Response:
        """Ask for what is missing, and wait for the head of the answer."""
        import requests

        headers = {**_HEADERS, **self._range()}
        ask = partial(session.get, self.address, headers=headers, stream=True, timeout=self.timeout_s)
        try:
            return ask_aside(ask, self.checkpoint, requests.Response.close)
        except OSError as error:
            if isinstance(error, requests.RequestException):
                raise
            remedy = "Correct REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE in the environment."  # its one reason, says requests
            raise DownloadFailed(f"{self.file.name} cannot be fetched: {error}.", remedy) from error

    def _take(self, response: requests.Response, count: Callable[[], None]) -> None:
        """Write down what comes until it ends."""
        watch = StallWatch(self.checkpoint, response.raw.shutdown)
        with watch:
            # Undecoded: some servers call a .gz file an encoding, and it would arrive unpacked. read1 gives what has
            # come, where read would wait for a full block and lose the rest with the connection.
            while block := response.raw.read1(CHUNK_BYTES, decode_content=False):
                watch.feed()
                self.part.append(block)
                count()
                self.checkpoint()
        self.checkpoint()

    def _range(self) -> dict[str, str]:
        """Ask for the rest only if the server can tell whether it still is the same file."""
        version = self.part.version
        if not self.part.size_bytes or version is None or not version.validator:
            return {}
        return {"Range": f"bytes={self.part.size_bytes}-", "If-Range": version.validator}

    def _accept(self, response: requests.Response) -> bool:
        """Judge an answer's head; False: the file is complete already.

        Raises:
            _TryAgain: for a passing fault.
            DownloadFailed: if no further try would help.
        """
        host = urlsplit(response.url).netloc
        if self.address.startswith("https:") and any(
            not step.url.startswith("https:") for step in (*response.history, response)
        ):
            raise DownloadFailed(f"{host} would send {self.file.name} unencrypted.", "Try again, or choose a mirror.")
        if response.status_code == _UNSATISFIABLE:
            return self._accept_unsatisfiable(response)
        if response.status_code in _TRY_AGAIN:
            raise _TryAgain(f"{host} answers {response.status_code} {response.reason}", _retry_after_s(response))
        if response.status_code not in (_OK, _PARTIAL):
            saying = _SAYINGS.get(response.status_code, "answers with an error")
            status = f"{response.status_code} {response.reason}".strip()
            raise DownloadFailed(f"{host} {saying}: {self.file.name} ({status}).", "Try later, or choose a mirror.")
        if _is_page(response):
            remedy = "Open a web page in your browser: your network may ask you to sign in."
            raise DownloadFailed(f"{host} sent a web page instead of {self.file.name}.", remedy)
        version = _version(self.file.url, response)
        if response.status_code == _OK:  # the whole file, whatever was asked for
            self._check_size(version, host)
            self.part.restart(version)
        else:
            self._check_continues(response, version)
        return True

    def _check_size(self, version: Version, host: str) -> None:
        """Refuse another file before its gigabytes come, if its length is known and said."""
        wanted_bytes = self.file.size_bytes
        if wanted_bytes is not None and version.total_bytes not in (-1, wanted_bytes):
            offer = f"{host} offers {version.total_bytes} bytes as {self.file.name} instead of {wanted_bytes}"
            raise DownloadAltered(f"{offer}: it is another file.", "Try again later, or choose another mirror.")

    def _accept_unsatisfiable(self, response: requests.Response) -> bool:
        """416: there is nothing behind what we have. Either that is all there is, or ours is of another file."""
        match = re.fullmatch(r"bytes \*/(\d+)", response.headers.get("Content-Range", ""))
        if match and int(match[1]) == self.part.size_bytes:
            return False
        self.part.restart(Version(self.file.url))
        raise _TryAgain("the server knows no such range")

    def _check_continues(self, response: requests.Response, version: Version) -> None:
        """206: it must begin where we stopped and be of the same version; else what we have is of no use."""
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        ours = self.part.version
        if match is not None and ours is not None and int(match[1]) == self.part.size_bytes:
            is_same_tag = not version.etag or not ours.etag or version.etag == ours.etag
            is_same_length = match[2] == "*" or ours.total_bytes in (-1, int(match[2]))
            if is_same_tag and is_same_length:
                return
        self.part.restart(Version(self.file.url))
        raise _TryAgain("the file has changed at the server")

    def _total_bytes(self) -> int | None:
        """How long the file will be: as the server says, else as the catalogue says, else unknown."""
        version = self.part.version
        if version is not None and version.total_bytes >= 0:
            return version.total_bytes
        return self.file.size_bytes

    def _check_space(self) -> None:
        """Raise ``NoSpace`` if the rest of the file does not fit on the disk, as far as its length is known."""
        total_bytes = self._total_bytes()
        if total_bytes is not None:
            check_space(self.part.folder, total_bytes - self.part.size_bytes, self.file.name)

    def _wait_for(self, fault: _TryAgain, tries: int) -> None:
        """Wait before the next try, as long as the server asked or twice as long as the last time."""
        self.checkpoint()
        if tries >= MOST_FRUITLESS_TRIES:
            raise DownloadFailed(f"{self.file.name} cannot be fetched: {fault}.") from fault
        remaining_s = FIRST_WAIT_S * 2 ** (tries - 1) if fault.wait_s is None else fault.wait_s
        if remaining_s > LONGEST_WAIT_S:
            minutes = f"{fault}; it asks to come back in {remaining_s / 60:.0f} minutes"
            raise DownloadFailed(f"{self.file.name} cannot be fetched now: {minutes}.") from fault
        _log.info("%s: %s; next try in %.0f s", self.file.name, fault, remaining_s)
        while remaining_s > 0:
            self.checkpoint()
            step_s = min(0.2, remaining_s)
            self.wait(step_s)
            remaining_s -= step_s


def _is_page(response: requests.Response) -> bool:
    """Whether the answer is a web page: no model is, but the sign-in pages of networks are."""
    return response.headers.get("Content-Type", "").startswith("text/html")


def _version(url: str, response: requests.Response) -> Version:
    """What the server says of the file's version."""
    length = response.headers.get("Content-Length", "")
    return Version(
        url,
        response.headers.get("ETag", ""),
        response.headers.get("Last-Modified", ""),
        int(length) if length.isdecimal() else -1,
    )


def _retry_after_s(response: requests.Response) -> float | None:
    """``Retry-After`` in seconds: a number, or a date (RFC 9110, 10.2.3); None if absent or unreadable."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None


def _reason(error: Exception) -> str:
    """An exception of the libraries in words for a user."""
    import requests

    if isinstance(error, requests.exceptions.SSLError):
        return "the server's certificate is not trusted"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy does not answer"
    if isinstance(error, requests.TooManyRedirects):
        return "the server sends from one address to another without end"
    if isinstance(error, requests.Timeout) or "timed out" in str(error).lower():
        return "the server does not answer"
    if isinstance(error, requests.ConnectionError):
        return "there is no connection to the server"
    return f"the connection broke off ({type(error).__name__})"
