"""Connects the table of actions with the parts of the window."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from dictation.core.settings import WindowSettings

if TYPE_CHECKING:
    from dictation.ui.main_window import MainWindow

_FONT = WindowSettings.__dataclass_fields__["font_px"]
FONT_STEP_PX = 2


class WindowActions(QObject):
    """Does what the actions say."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window, self._store = window, window.settings_store
        text = window.text_actions
        slots = {
            "open": self._open_files,
            "copy": text.copy,
            "save": self._save,
            "clear": text.clear,
            "undo": text.undo,
            "redo": text.redo,
            "close": text.close,
            "reopen": text.reopen,
            "larger": lambda: self._set_font_px(self._store.settings.window.font_px + FONT_STEP_PX),
            "smaller": lambda: self._set_font_px(self._store.settings.window.font_px - FONT_STEP_PX),
            "normal": lambda: self._set_font_px(_FONT.default),
            "words": window.words_link.open,
            "models": window.models_link.open,
            "help": window.shortcut_list.open_centred,
            "quit": window.close,
        }
        for action_id, slot in slots.items():
            window.actions_by_id[action_id].triggered.connect(lambda _checked=False, act=slot: act())

    def _open_files(self) -> None:
        """Ask for files and transcribe them."""
        folder = self._store.settings.window.last_folder
        names, _ = QFileDialog.getOpenFileNames(self._window, "Open audio or video files", folder)
        if names:
            self._remember_folder(str(Path(names[0]).parent))
            self._window.file_queue.add([Path(name) for name in names])

    def _save(self) -> None:
        """Ask where to save the text."""
        folder = self._window.text_actions.choose_and_save(self._store.settings.window.last_folder)
        if folder:
            self._remember_folder(folder)

    def _remember_folder(self, folder: str) -> None:
        """Begin there next time."""
        self._store.update(replace(self._store.settings.window, last_folder=folder))

    def _set_font_px(self, font_px: int) -> None:
        """Set the size of the text within its range."""
        low, high = _FONT.metadata["low"], _FONT.metadata["high"]
        self._store.update(replace(self._store.settings.window, font_px=min(max(font_px, low), high)))
