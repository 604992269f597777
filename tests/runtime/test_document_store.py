"""The texts of files on disk: written soon, found again, gone with their documents."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from dictation.runtime.document_store import DocumentStore, KeptDocument


class Shelf:
    """Documents that change, and stores that keep them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.documents: dict[int, KeptDocument] = {}
        self.stores: list[DocumentStore] = []

    def open(self) -> DocumentStore:
        self.stores.append(DocumentStore(self.folder, self.documents.get))
        return self.stores[-1]

    def put(self, store: DocumentStore, number: int, text: str, *, is_whole: bool = True) -> None:
        self.documents[number] = KeptDocument(f"/talks/{number}.mp3", text, is_whole)
        store.note_change(number)

    @property
    def files(self) -> list[Path]:
        return sorted(self.folder.glob("*.json"))


@pytest.fixture
def shelf(tmp_path: Path, qapp: object) -> Iterator[Shelf]:
    shelf = Shelf(tmp_path / "documents")
    yield shelf
    for store in shelf.stores:
        store.close()


def test_texts_are_found_again_in_their_order(shelf: Shelf, qtbot: QtBot) -> None:
    store = shelf.open()
    assert store.load() == []
    shelf.put(store, 0, "naïve\n\ntext")
    shelf.put(store, 1, "half of", is_whole=False)
    qtbot.waitUntil(lambda: len(shelf.files) == 2)
    assert shelf.open().load() == [(-1, shelf.documents[0]), (-2, shelf.documents[1])]


def test_a_text_that_came_back_is_kept_in_the_same_place_and_goes_when_closed(shelf: Shelf) -> None:
    first = shelf.open()
    shelf.put(first, 0, "text")
    first.close()
    second = shelf.open()
    second.load()
    shelf.put(second, -1, "edited text")
    second.close()
    third = shelf.open()
    ((number, kept),) = third.load()
    assert kept.text == "edited text"
    third.forget(number)
    third.close()
    assert shelf.files == []


def test_an_emptied_text_is_not_kept(shelf: Shelf, qtbot: QtBot) -> None:
    store = shelf.open()
    shelf.put(store, 0, "text")
    qtbot.waitUntil(lambda: len(shelf.files) == 1)
    shelf.put(store, 0, "")
    qtbot.waitUntil(lambda: shelf.files == [])


def test_a_damaged_file_costs_only_itself(shelf: Shelf) -> None:
    store = shelf.open()
    shelf.put(store, 0, "text")
    store.close()
    for content in (b"{", b"[]", b'{"path": 1}', b"\xff"):
        (shelf.folder / f"0{content.hex()}.json").write_bytes(content)
    assert [kept.text for _, kept in shelf.open().load()] == ["text"]


def test_a_full_disk_is_told_once(shelf: Shelf, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    store = shelf.open()
    told: list[object] = []
    store.failed.connect(told.append)

    def full(_path: Path, _data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dictation.runtime.document_store.write_atomically", full)
    for number in range(2):
        shelf.put(store, number, "text")
    qtbot.waitUntil(lambda: bool(told))
    store.close()
    assert len(told) == 1
