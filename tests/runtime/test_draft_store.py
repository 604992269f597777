"""The text on disk: written soon, atomically, by one program, and found again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from dictation.core.errors import DictationError
from dictation.runtime.draft_store import FILE_NAME, DraftStore


class Page:
    """A text that changes, and stores that keep it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.text = ""
        self.stores: list[DraftStore] = []
        self.told: list[DictationError] = []

    def open(self) -> tuple[DraftStore, str]:
        store = DraftStore(self.folder, lambda: self.text)
        self.stores.append(store)
        store.failed.connect(self.told.append)
        return store, store.load()

    @property
    def saved(self) -> str:
        path = self.folder / FILE_NAME
        return path.read_text(encoding="utf-8") if path.exists() else ""


@pytest.fixture
def page(tmp_path: Path, qapp: object) -> Iterator[Page]:
    page = Page(tmp_path / "data")
    yield page
    for store in page.stores:
        store.close()


def test_text_is_on_disk_soon_after_a_change_without_being_asked_to_save(page: Page, qtbot: QtBot) -> None:
    store, before = page.open()
    assert before == ""
    page.text = "naïve words\nand more"
    store.note_change()
    qtbot.waitUntil(lambda: page.saved == "naïve words\nand more")


def test_changes_while_one_waits_are_written_together(page: Page, qtbot: QtBot) -> None:
    store, _ = page.open()
    for count in range(1, 50):
        page.text = "word " * count
        store.note_change()
    qtbot.waitUntil(lambda: page.saved == "word " * 49)


def test_the_next_run_finds_it(page: Page) -> None:
    store, _ = page.open()
    page.text = "still here"
    store.note_change()
    store.close()
    assert page.open()[1] == "still here"


def test_a_second_program_leaves_the_draft_alone(page: Page) -> None:
    first, _ = page.open()
    page.text = "first"
    first.note_change()
    second, found = page.open()
    assert found == ""
    assert "another window of this program is open" in str(page.told[0])
    assert "Ctrl+S" in page.told[0].remedy
    page.text = "second"
    second.note_change()
    second.close()
    page.text = "first"
    first.close()
    assert page.saved == "first"


def test_a_draft_that_cannot_be_read_is_put_aside_and_not_overwritten(page: Page, qtbot: QtBot) -> None:
    (page.folder / FILE_NAME).mkdir(parents=True)
    store, found = page.open()
    assert found == ""
    (aside,) = page.folder.glob("draft-*.txt")
    assert str(aside) in str(page.told[0])
    page.text = "new"
    store.note_change()
    qtbot.waitUntil(lambda: page.saved == "new")


def test_what_cannot_be_put_aside_is_left_alone(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    (page.folder / FILE_NAME).mkdir(parents=True)

    def refuse(_self: Path, _target: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)
    store, _ = page.open()
    assert not store.is_ours
    assert "not being kept safe" in str(page.told[0])


def test_a_folder_that_cannot_be_made_is_told(page: Page) -> None:
    page.folder.write_bytes(b"a file in its place")
    page.open()
    assert f"{page.folder} cannot be written" in str(page.told[0])


def test_damaged_bytes_do_not_cost_the_words_around_them(page: Page) -> None:
    page.folder.mkdir()
    (page.folder / FILE_NAME).write_bytes(b"before \xff\xfe after")
    assert page.open()[1] == "before \N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER} after"


def test_a_full_disk_is_told_once_and_again_only_after_it_worked(
    page: Page, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, _ = page.open()
    told, written = [], []
    store.failed.connect(told.append)

    def full(_path: Path, data: bytes) -> None:
        written.append(data)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dictation.runtime.draft_store.write_atomically", full)
    for count in (1, 2):
        store.note_change()
        qtbot.waitUntil(lambda count=count: len(written) == count)
    qtbot.waitUntil(lambda: len(told) == 1)
    assert "No space left" in str(told[0])
    assert "Ctrl+S" in told[0].remedy
