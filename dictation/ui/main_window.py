"""The window: puts the parts together and connects them with the session, the file queue and the settings."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDragLeaveEvent, QDropEvent, QGuiApplication, QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMainWindow, QToolButton, QVBoxLayout, QWidget

from dictation.ui import icons
from dictation.ui.actions import build_actions
from dictation.ui.banner import ErrorBanner, Toast
from dictation.ui.documents import Documents
from dictation.ui.drop_overlay import DropOverlay, local_paths
from dictation.ui.file_jobs import FileJobs
from dictation.ui.level_strip import LevelStrip
from dictation.ui.live_text import LiveText
from dictation.ui.models_link import ModelsLink
from dictation.ui.record_button import RecordButton
from dictation.ui.recovery_notice import RecoveryNotice
from dictation.ui.session_link import SessionLink
from dictation.ui.settings_link import SettingsLink
from dictation.ui.shortcut_list import ShortcutList
from dictation.ui.side_panel import SidePanel
from dictation.ui.status_bar import StatusBar
from dictation.ui.text_actions import TextActions
from dictation.ui.window_actions import WindowActions
from dictation.ui.words_link import WordsLink

FIRST_SIZE_PX = (1280, 720)
SMALLEST_SIZE_PX = (720, 480)
_RECORD_KEYS = (Qt.Key.Key_F9, Qt.Key.Key_Space)


class MainWindow(QMainWindow):
    """One window, three zones: level strip, transcript, bar.

    It knows the session, the file queue, the two libraries and the settings only by their signals and methods; the
    program's composition root makes them all. Closing saves the settings, closes all that works, hides, and emits
    ``closed`` when all of it has stopped.
    """

    closed = Signal()

    def __init__(
        self, session: Any, file_queue: Any, settings_store: Any, model_library: Any, personal_library: Any
    ) -> None:
        super().__init__()
        self.session, self.file_queue, self.settings_store = session, file_queue, settings_store
        self.model_library, self.personal_library = model_library, personal_library
        self._waits_for: set[Any] = set()
        self._is_closing = False
        self.actions_by_id = build_actions(self)
        self.record_button = RecordButton()
        self.level_strip = LevelStrip()
        self.panel_button = self._make_panel_button()
        self.side_panel = SidePanel([self.actions_by_id["words"], self.actions_by_id["models"]])
        self.documents = Documents(self.actions_by_id)
        self.file_jobs = FileJobs()
        self.status_bar = StatusBar()
        self.banner, self.recovery_notice = ErrorBanner(), RecoveryNotice()
        self._lay_out()
        self.toast = Toast(self.documents)
        self.drop_overlay = DropOverlay(self.centralWidget())
        self.shortcut_list = ShortcutList(self)
        self.live_text = LiveText(self.documents.dictation)
        self.text_actions = TextActions(self.documents, self.toast, self.banner, self)
        self.words_link, self.models_link = WordsLink(self), ModelsLink(self)
        self._links = (SettingsLink(self), SessionLink(self), WindowActions(self))
        for part in self._parts():
            part.stopped.connect(lambda part=part: self._on_stopped(part))
        self.setAcceptDrops(True)
        self.setWindowTitle("Dictation")
        self.resize(*FIRST_SIZE_PX)
        self.setMinimumSize(*SMALLEST_SIZE_PX)
        self.record_button.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Record keys; Space only arrives here when what has the focus has no use for it."""
        if event.key() in _RECORD_KEYS and not event.modifiers():
            if not event.isAutoRepeat():
                self.record_button.press_key()
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """The end of push-to-talk."""
        if event.key() in _RECORD_KEYS:
            if not event.isAutoRepeat():
                self.record_button.release_key()
        else:
            super().keyReleaseEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Say that files may be dropped."""
        if local_paths(event.mimeData()):
            event.acceptProposedAction()
            self.drop_overlay.cover()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """The files went elsewhere."""
        self.drop_overlay.hide()
        super().dragLeaveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Import the models among what was dropped, and transcribe the rest."""
        self.drop_overlay.hide()
        paths = local_paths(event.mimeData())
        if paths:
            event.acceptProposedAction()
            self.model_library.take_dropped(paths)

    def changeEvent(self, event: QEvent) -> None:
        """Draw the icons anew in another colour scheme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "status_bar"):
            icons.retint(self)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Save, close what runs, and go when all of it has stopped."""
        if self._is_closing and not self._waits_for:
            event.accept()
            return
        event.ignore()
        if self._is_closing:
            return
        self._is_closing = True
        self._waits_for = set(self._parts())
        self.hide()
        self.settings_store.flush()
        for part in self._parts():
            part.close()

    def _parts(self) -> tuple[Any, ...]:
        """What works in threads of its own and has to stop before the program ends."""
        return self.session, self.file_queue, self.model_library, self.personal_library

    def _on_stopped(self, part: Any) -> None:
        """Close for good when all have stopped."""
        if not self._is_closing or part not in self._waits_for:
            return
        self._waits_for.discard(part)
        if not self._waits_for:
            self.close()
            self.closed.emit()

    def _make_panel_button(self) -> QToolButton:
        """The button in the strip that opens the side panel."""
        button = QToolButton()
        button.setDefaultAction(self.actions_by_id["panel"])
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        button.setProperty("compact", True)
        button.setFixedSize(40, 40)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.setAccessibleName("Settings panel")
        return button

    def _lay_out(self) -> None:
        """Strip, then banner, transcript and panel, then the bar."""
        strip_zone = QFrame()
        strip_zone.setObjectName("stripZone")
        strip = QHBoxLayout(strip_zone)
        strip.setContentsMargins(0, 0, 8, 1)
        strip.setSpacing(0)
        strip.addWidget(self.record_button)
        strip.addWidget(self.level_strip, 1)
        strip.addWidget(self.panel_button)
        middle = QVBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self.banner)
        middle.addWidget(self.recovery_notice)
        middle.addWidget(self.documents, 1)
        middle.addWidget(self.file_jobs)
        zone = QHBoxLayout()
        zone.setSpacing(0)
        zone.addLayout(middle, 1)
        zone.addWidget(self.side_panel)
        column = QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(strip_zone)
        column.addLayout(zone, 1)
        column.addWidget(self.status_bar)
        centre = QWidget()
        centre.setLayout(column)
        self.setCentralWidget(centre)
        self.setFont(QGuiApplication.font())
