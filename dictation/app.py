"""The composition root: the only file that knows all layers."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dictation.runtime.model_library import ModelLibrary
    from dictation.runtime.personal_library import PersonalLibrary
    from dictation.runtime.session import Session
    from dictation.runtime.settings_store import SettingsStore
    from dictation.runtime.sound_journal import SoundJournal
    from dictation.ui.main_window import MainWindow


def main() -> None:
    """Run the program as its command line says; without a command the window opens."""
    if getattr(sys, "frozen", False):  # PyInstaller's runs what asr/search_beside.py started this program for
        import multiprocessing

        multiprocessing.freeze_support()
    if sys.argv[1:2] == ["--probe-hardware"]:  # a frozen program runs itself to test the GPUs, see asr/hardware.py
        from dictation.asr.probe import main as run_probe

        run_probe(sys.argv[2:])
        return
    from dictation.cli import main as run_command

    run_command(prog_name="dictation")


def run_window(*, model_path: Path | None = None, config_folder: Path | None = None) -> int:
    """Open the window and return the exit code when it is closed.

    Args:
        model_path: The model to use this time instead of the remembered one.
        config_folder: Where settings are kept instead of the usual place.
    """
    import platformdirs
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from dictation.runtime.backends import real_backends
    from dictation.runtime.crash import CrashReporter
    from dictation.runtime.file_queue import FileQueue
    from dictation.runtime.kept_sounds import FOLDER_NAME
    from dictation.runtime.session import Session
    from dictation.runtime.settings_store import SettingsStore
    from dictation.runtime.sound_journal import SoundJournal
    from dictation.ui.main_window import MainWindow
    from dictation.ui.theme import SystemTheme

    application = QApplication(sys.argv[:1])
    application.setApplicationName("dictation")
    application.setQuitOnLastWindowClosed(False)  # the window hides first and ends when all text has been saved
    crash_reporter = CrashReporter(Path(platformdirs.user_log_dir("dictation", appauthor=False)))
    crash_reporter.install()
    SystemTheme(application)
    store = SettingsStore(config_folder)
    store.load()
    backends = real_backends(model_path, store.settings.recognizer.model_path, waits_for_gpu=False)
    data_folder = Path(platformdirs.user_data_dir("dictation", appauthor=False))
    journal = SoundJournal(data_folder / FOLDER_NAME, store.settings.recovery)
    session = Session(store.settings, backends, journal)
    file_queue = FileQueue(session.submit_segment, lambda: store.settings.segmenter, look_ahead=session.look_ahead)
    window = MainWindow(session, file_queue, store, *_libraries(store, model_path))
    crash_reporter.crashed.connect(session.failed)
    _bring_back(window, session, journal, data_folder)
    window.closed.connect(application.quit)
    for number in (signal.SIGINT, signal.SIGTERM):
        # Python runs this between two of the session's health ticks, in the GUI thread.
        signal.signal(number, lambda *_: window.close())
    window.show()
    # The window is on the screen before anything slow begins: the device opens and torch loads in their threads.
    QTimer.singleShot(0, session.open)
    return application.exec()


def _libraries(store: SettingsStore, model_path: Path | None) -> tuple[ModelLibrary, PersonalLibrary]:
    """What can be installed, and the user's own language models."""
    from PySide6.QtCore import QLocale

    from dictation.runtime.disk_library import DiskLibrary
    from dictation.runtime.model_library import ModelLibrary
    from dictation.runtime.personal_library import PersonalLibrary
    from dictation.runtime.personal_models import PersonalModels

    def model_in_use() -> str:
        return store.settings.recognizer.model_path or str(model_path or "")

    def processor() -> str:
        return store.settings.recognizer.processor

    models = DiskLibrary(QLocale.system().bcp47Name(), model_path, processor=processor)
    return (
        ModelLibrary(models, lambda: store.settings.network, model_in_use),
        PersonalLibrary(PersonalModels(), model_in_use),
    )


def _bring_back(window: MainWindow, session: Session, journal: SoundJournal, data_folder: Path) -> None:
    """Show the text of the run before, keep the new one on the disk, and recover the speech that has no words yet."""
    from dictation.runtime.document_store import FOLDER_NAME as DOCUMENTS
    from dictation.runtime.draft_store import DraftStore
    from dictation.runtime.kept_sounds import FOLDER_NAME
    from dictation.runtime.sound_recovery import SoundRecovery
    from dictation.runtime.sound_release import SoundRelease
    from dictation.ui.documents_link import DocumentsLink
    from dictation.ui.recovery_link import RecoveryLink

    root = data_folder / FOLDER_NAME
    transcript = window.documents.dictation
    release = SoundRelease(root, journal)
    draft = DraftStore(data_folder, transcript.toPlainText, release, window)
    for part in (draft, journal):
        part.failed.connect(session.failed)
    transcript.restore_text(draft.load())
    transcript.textChanged.connect(draft.note_change)
    release.text_is_kept = draft.is_ours
    session.utterance_ready.connect(release.note_utterance)  # behind the window's own slot: the words are in the text
    recovery = SoundRecovery(root, session.submit_segment, release, window)
    RecoveryLink(window, recovery)
    for part in (draft, recovery, journal):
        window.closed.connect(part.close)
    if draft.is_ours:
        recovery.start(draft.found_digest)
        window.closed.connect(DocumentsLink(window, data_folder / DOCUMENTS).store.close)
