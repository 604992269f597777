"""What can be done with the text: copy, save, clear, undo, its size."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QSaveFile
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QWidget

from dictation.ui.banner import ErrorBanner, Toast
from dictation.ui.documents import Documents, FileDocument


def word_count_text(text: str) -> str:
    """For example "1 word" or "12 words"."""
    count = len(text.split())
    return f"{count} word" if count == 1 else f"{count} words"


class TextActions(QObject):
    """Acts on the current document and says so."""

    def __init__(self, documents: Documents, toast: Toast, banner: ErrorBanner, parent: QWidget) -> None:
        super().__init__(parent)
        self._documents, self._toast, self._banner = documents, toast, banner
        self._window = parent

    def copy(self) -> None:
        """Copy the selection, or all text, and say how much."""
        text = self._documents.current.chosen_text()
        if not text.strip():
            self._toast.tell("There is nothing to copy yet")
            return
        QGuiApplication.clipboard().setText(text)
        self._toast.tell(f"Copied {word_count_text(text)}")

    def clear(self) -> None:
        """Remove all text; one Undo brings it back."""
        view = self._documents.current
        text = view.toPlainText()
        if text:
            view.clear_text()
            self._toast.tell(f"Cleared {word_count_text(text)}. Undo brings them back")

    def undo(self) -> None:
        """Take back the last utterance or edit."""
        self._documents.current.undo()

    def redo(self) -> None:
        """Bring back what Undo has taken."""
        self._documents.current.redo()

    def close(self) -> None:
        """Close the text of the file in front."""
        document = self._documents.current
        if not isinstance(document, FileDocument):
            self._toast.tell("The dictation stays open; Clear empties it")
        elif not document.is_ended:
            self._toast.tell("This file is still being transcribed; cancel it first")
        else:
            self._documents.close_wanted.emit(document.job_id)

    def reopen(self) -> None:
        """Bring back the text that was closed last."""
        if self._documents.reopen() is None:
            self._toast.tell("No closed text to bring back")

    def choose_and_save(self, folder: str) -> str:
        """Ask where to save the text and save it; returns the folder chosen, or an empty text."""
        document = self._documents.current
        name = Path(document.path).stem if isinstance(document, FileDocument) else "Dictation"
        start = str(Path(folder) / f"{name}.txt")
        chosen, _ = QFileDialog.getSaveFileName(self._window, "Save text", start, "Text (*.txt);;All files (*)")
        if not chosen:
            return ""
        self.save(Path(chosen))
        return str(Path(chosen).parent)

    def save(self, path: Path) -> bool:
        """Write the text as UTF-8, all or nothing; a failure is told in the banner."""
        text = self._documents.current.toPlainText()
        file = QSaveFile(str(path))
        data = (text.rstrip("\n") + "\n").encode("utf-8")
        is_saved = file.open(QSaveFile.OpenModeFlag.WriteOnly) and file.write(data) == len(data) and file.commit()
        if is_saved:
            self._documents.current.document().setModified(False)
            self._toast.tell(f"Saved {word_count_text(text)} to {path.name}")
        else:
            self._banner.tell(
                f"{path.name} could not be saved: {file.errorString()}.",
                "Choose another folder or free some space; the text is still here.",
            )
        return bool(is_saved)
