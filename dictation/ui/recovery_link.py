"""Connects the recovery of speech with the text and with its notice."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from dictation.core.errors import DictationError
from dictation.ui.recovered_text import RecoveredText

if TYPE_CHECKING:
    from dictation.ui.main_window import MainWindow


class RecoveryLink(QObject):
    """Made when the text of the earlier run stands in the window, behind which recovered words belong."""

    def __init__(self, window: MainWindow, recovery: Any) -> None:
        super().__init__(window)
        self._window, self._recovery = window, recovery
        self._text = RecoveredText(window.documents.dictation)
        notice = window.recovery_notice
        recovery.status_changed.connect(notice.show_status)
        recovery.utterance_recovered.connect(self._text.add)
        recovery.exported.connect(self._on_exported)
        recovery.failed.connect(self._on_failed)
        notice.retry_wanted.connect(recovery.retry)
        notice.export_wanted.connect(self._export)
        notice.discard_wanted.connect(recovery.discard)

    def _export(self) -> None:
        """Ask for a folder and save the sound there."""
        start = self._window.settings_store.settings.window.last_folder
        chosen = QFileDialog.getExistingDirectory(self._window, "Save the sound in this folder", start)
        if chosen:
            self._recovery.export(Path(chosen))

    def _on_exported(self, count: int, folder: str) -> None:
        self._window.toast.tell(f"Saved {count} file{'' if count == 1 else 's'} in {folder}")

    def _on_failed(self, error: DictationError) -> None:
        self._window.banner.tell(str(error), error.remedy)
