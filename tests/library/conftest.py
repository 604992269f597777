"""A server that misbehaves, and no proxy of the machine in between."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.bad_server import BadServer, serving

CONTENT = bytes(range(256)) * 1000


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def server() -> Iterator[BadServer]:
    with serving({"/model.pt": CONTENT}) as server:
        yield server
