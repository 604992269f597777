"""Keeps the settings in a file: loaded once, saved atomically a moment after the last change."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from dictation.core.errors import SettingsError
from dictation.core.settings import Settings
from dictation.core.settings_toml import dump_settings
from dictation.runtime.settings_file import DAMAGED_SUFFIX, FILE_NAME, config_folder, read_settings, write_atomically

SAVE_DELAY_MS = 300
"""A dragged slider changes a setting sixty times a second; one write after it rests is enough."""

_log = logging.getLogger(__name__)


class SettingsStore(QObject):
    """The one owner of the settings. Thread: GUI only; workers are given values.

    Signals:
        changed: The new section (a dataclass of ``core.settings``), at once.
        failed: A ``SettingsError`` when saving fails; the settings still hold until the program ends. Repeated
            failures of the same kind are announced once.
    """

    changed = Signal(object)
    failed = Signal(object)

    def __init__(self, folder: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path = config_folder(folder) / FILE_NAME
        self._settings = Settings()
        self._problems: tuple[str, ...] = ()
        self._announced = ""
        self._timer = QTimer(self, singleShot=True, interval=SAVE_DELAY_MS)
        self._timer.timeout.connect(self._save)

    @property
    def settings(self) -> Settings:
        """The current settings; defaults before ``load``."""
        return self._settings

    @property
    def path(self) -> Path:
        """The file, whether it exists or not."""
        return self._path

    @property
    def problems(self) -> tuple[str, ...]:
        """What could not be used of the file, one line each, to show once."""
        return self._problems

    def load(self) -> None:
        """Read the file; never raises. A file with any fault is kept aside before it can be overwritten."""
        loaded = read_settings(self._path)
        self._settings, self._problems = loaded.settings, loaded.problems
        if self._problems:
            self._keep_aside()

    def update(self, section: Any) -> None:
        """Replace one section and save a moment later.

        Args:
            section: An instance of a section class of ``core.settings``, which has validated itself.
        """
        if getattr(self._settings, section.SECTION) == section:
            return
        self._settings = replace(self._settings, **{section.SECTION: section})
        self._timer.start()
        self.changed.emit(section)

    def flush(self) -> None:
        """Save now if something waits to be saved; call before the program ends."""
        if self._timer.isActive():
            self._timer.stop()
            self._save()

    def _keep_aside(self) -> None:
        """Move a faulty file out of the way; what was understood of it is written anew."""
        aside = self._path.with_name(FILE_NAME + DAMAGED_SUFFIX)
        try:
            self._path.replace(aside)
        except OSError as error:
            self._problems += (f"The faulty settings file could not be kept aside: {error}",)
            return
        self._problems += (f"The faulty settings file was kept as {aside}.",)
        self._timer.start()

    def _save(self) -> None:
        try:
            write_atomically(self._path, dump_settings(self._settings))
        except OSError as error:
            _log.warning("settings not saved: %s", error)
            self._announce(error)
        else:
            self._announced = ""

    def _announce(self, error: OSError) -> None:
        reason = error.strerror or str(error)
        if reason != self._announced:
            self._announced = reason
            remedy = f"They hold until you close the program. Make {self._path.parent} writable to keep them."
            self.failed.emit(SettingsError(f"The settings could not be saved: {reason}.", remedy))
