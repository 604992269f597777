"""The settings file survives crashes, damage, full disks and read-only folders."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication
from pytestqt.qtbot import QtBot

from dictation.core.errors import SettingsError
from dictation.core.settings import SegmenterSettings, Settings, WindowSettings
from dictation.core.settings_toml import dump_settings, load_settings
from dictation.runtime import settings_file, settings_store
from dictation.runtime.settings_file import config_folder
from dictation.runtime.settings_store import SettingsStore


@pytest.fixture(autouse=True)
def _timers_need_an_application(qapp: QCoreApplication) -> None:
    """The save delay is a QTimer."""


def _saved(folder: Path) -> Settings:
    return load_settings((folder / "settings.toml").read_bytes()).settings


def _refuse_to_sync(handle: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_an_update_is_announced_at_once_and_on_disk_after_flush(tmp_path: Path, qtbot: QtBot) -> None:
    store = SettingsStore(tmp_path / "new" / "folder")
    store.load()
    section = SegmenterSettings(timeout_ms=500)
    with qtbot.waitSignal(store.changed, check_params_cb=lambda got: got is section):
        store.update(section)
    assert store.settings.segmenter is section
    store.flush()
    assert _saved(tmp_path / "new" / "folder").segmenter == section
    again = SettingsStore(tmp_path / "new" / "folder")
    again.load()
    assert again.settings == store.settings
    assert again.problems == ()


def test_many_updates_become_one_write(tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[bytes] = []
    monkeypatch.setattr(settings_store, "write_atomically", lambda _path, data: writes.append(data))
    store = SettingsStore(tmp_path)
    for timeout_ms in range(100, 400, 20):
        store.update(SegmenterSettings(timeout_ms=timeout_ms))
    assert writes == []
    qtbot.waitUntil(lambda: bool(writes))
    store.flush()
    assert len(writes) == 1
    assert load_settings(writes[0]).settings.segmenter.timeout_ms == 380


def test_an_equal_section_is_neither_announced_nor_saved(tmp_path: Path, qtbot: QtBot) -> None:
    store = SettingsStore(tmp_path)
    with qtbot.assertNotEmitted(store.changed):
        store.update(SegmenterSettings())
    store.flush()
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_kept_aside_and_defaults_replace_it(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_bytes(b"[segmenter\n\x00")
    store = SettingsStore(tmp_path)
    store.load()
    assert store.settings == Settings()
    assert (tmp_path / "settings.toml.damaged").read_bytes() == b"[segmenter\n\x00"
    assert "damaged" in store.problems[0]
    assert "settings.toml.damaged" in store.problems[-1]
    store.flush()
    assert _saved(tmp_path) == Settings()


def test_a_file_with_one_bad_key_keeps_the_others_and_is_kept_aside(tmp_path: Path) -> None:
    original = b"[window]\nfont_px = 20\nrecord_mode = 'shout'\n"
    (tmp_path / "settings.toml").write_bytes(original)
    store = SettingsStore(tmp_path)
    store.load()
    store.flush()
    assert _saved(tmp_path).window == WindowSettings(font_px=20)
    assert (tmp_path / "settings.toml.damaged").read_bytes() == original


def test_a_file_that_cannot_be_read_does_not_stop_the_app(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").mkdir()
    store = SettingsStore(tmp_path)
    store.load()
    assert store.settings == Settings()
    assert store.problems


def test_a_folder_that_cannot_be_made_fails_with_a_remedy_once(tmp_path: Path, qtbot: QtBot) -> None:
    (tmp_path / "file").write_text("not a folder")
    store = SettingsStore(tmp_path / "file")
    failures: list[SettingsError] = []
    store.failed.connect(failures.append)
    store.load()
    for font_px in (18, 19):
        store.update(WindowSettings(font_px=font_px))
        store.flush()
    assert len(failures) == 1
    assert "could not be saved" in str(failures[0])
    assert failures[0].remedy
    assert store.settings.window.font_px == 19


def test_a_full_disk_leaves_the_old_file_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = dump_settings(Settings(window=WindowSettings(font_px=30)))
    (tmp_path / "settings.toml").write_bytes(old)
    store = SettingsStore(tmp_path)
    failures: list[SettingsError] = []
    store.failed.connect(failures.append)
    store.load()
    monkeypatch.setattr(settings_file.os, "fsync", _refuse_to_sync)
    store.update(WindowSettings(font_px=18))
    store.flush()
    assert [path.name for path in tmp_path.iterdir()] == ["settings.toml"]
    assert (tmp_path / "settings.toml").read_bytes() == old
    assert os.strerror(errno.ENOSPC) in str(failures[0])


def test_a_file_that_is_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    (tmp_path / "config").mkdir()
    link = tmp_path / "config" / "settings.toml"
    link.symlink_to(tmp_path / "dotfiles" / "settings.toml")
    store = SettingsStore(tmp_path / "config")
    store.update(WindowSettings(font_px=18))
    store.flush()
    assert link.is_symlink()
    assert _saved(tmp_path / "dotfiles").window.font_px == 18


def test_the_folder_is_chosen_by_argument_then_environment_then_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DICTATION_CONFIG_DIR", "/elsewhere")
    assert config_folder(Path("/chosen")) == Path("/chosen")
    assert config_folder() == Path("/elsewhere")
    monkeypatch.delenv("DICTATION_CONFIG_DIR")
    assert config_folder().name == "dictation"
