"""The composition root: the only file that knows all layers."""

from __future__ import annotations

import signal
import sys
from pathlib import Path


def main() -> None:
    """Run the program as its command line says; without a command the window opens."""
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
    from PySide6.QtCore import QLocale, QTimer
    from PySide6.QtWidgets import QApplication

    from dictation.runtime.backends import real_backends
    from dictation.runtime.crash import CrashReporter
    from dictation.runtime.disk_library import DiskLibrary
    from dictation.runtime.draft_store import DraftStore
    from dictation.runtime.file_queue import FileQueue
    from dictation.runtime.model_library import ModelLibrary
    from dictation.runtime.personal_library import PersonalLibrary
    from dictation.runtime.personal_models import PersonalModels
    from dictation.runtime.session import Session
    from dictation.runtime.settings_store import SettingsStore
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
    session = Session(store.settings, backends)
    file_queue = FileQueue(session.submit_segment, lambda: store.settings.segmenter)
    library = DiskLibrary(QLocale.system().bcp47Name(), model_path)

    def model_in_use() -> str:
        return store.settings.recognizer.model_path or str(model_path or "")

    model_library = ModelLibrary(library, lambda: store.settings.network, model_in_use)
    personal_library = PersonalLibrary(PersonalModels(), model_in_use)
    window = MainWindow(session, file_queue, store, model_library, personal_library)
    crash_reporter.crashed.connect(session.failed)
    transcript = window.documents.dictation
    draft = DraftStore(Path(platformdirs.user_data_dir("dictation", appauthor=False)), transcript.toPlainText)
    transcript.restore_text(draft.load())
    transcript.textChanged.connect(draft.note_change)
    draft.failed.connect(session.failed)
    window.closed.connect(draft.close)
    window.closed.connect(application.quit)
    for number in (signal.SIGINT, signal.SIGTERM):
        # Python runs this between two of the session's health ticks, in the GUI thread.
        signal.signal(number, lambda *_: window.close())
    window.show()
    # The window is on the screen before anything slow begins: the device opens and torch loads in their threads.
    QTimer.singleShot(0, session.open)
    return application.exec()
