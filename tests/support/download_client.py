"""A downloader on the misbehaving server, with its callbacks and the file that it should bring."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from dictation.core.settings import NetworkSettings
from dictation.library.catalogue import CatalogueFile
from dictation.library.download import Downloader
from dictation.library.interrupts import DownloadPaused
from dictation.library.progress import DownloadProgress
from tests.support.bad_server import BadServer

CONTENT = bytes(range(256)) * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Client:
    """A downloader with its callbacks, and the waits that it asked for."""

    def __init__(self, server: BadServer, folder: Path, settings: NetworkSettings | None = None) -> None:
        self.file = CatalogueFile(
            "weights", f"{server.url}/model.pt", len(CONTENT), hashlib.sha256(CONTENT).hexdigest()
        )
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

    def interrupt(self) -> None:
        """Pause in the middle."""
        self.pause_at = 100_000
        with pytest.raises(DownloadPaused):
            self.fetch()
        self.pause_at = len(CONTENT) + 1

    @property
    def done_bytes(self) -> int:
        part = self.target.with_name("model.pt.part")
        return part.stat().st_size if part.exists() else 0

    def left_over(self) -> list[str]:
        """What lies beside the file, but for what is remembered of it when it is whole."""
        whole = {self.target, self.target.with_name("model.pt.whole.toml")}
        return sorted(path.name for path in self.target.parent.iterdir() if path not in whole)
