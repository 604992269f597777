"""One table of everything a user can do: id, words, keys, icon and tip. Buttons, keys and help are made from it."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from dictation.ui.icons import set_icon


@dataclass(frozen=True)
class ActionSpec:
    """A row of the table; ``keys`` in Qt's portable notation, the first one is shown."""

    action_id: str
    text: str
    keys: tuple[str, ...]
    icon: str
    tip: str


ACTIONS = (
    ActionSpec("open", "&Open files…", ("Ctrl+O",), "open", "Transcribe audio or video files"),
    ActionSpec("copy", "&Copy", ("Ctrl+Shift+C",), "copy", "Copy the selection, or else all text"),
    ActionSpec("save", "&Save…", ("Ctrl+S",), "save", "Save the text to a file"),
    ActionSpec("clear", "C&lear", ("Ctrl+Shift+Del",), "clear", "Remove all text; Undo brings it back"),
    ActionSpec("undo", "&Undo", ("Ctrl+Z",), "undo", "Take back the last utterance or edit"),
    ActionSpec("redo", "&Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "redo", "Bring back what Undo has taken"),
    ActionSpec("close", "Close file's text", ("Ctrl+W",), "close", "Close the text of the file in front"),
    ActionSpec("reopen", "Reopen closed text", ("Ctrl+Shift+T",), "reset", "Bring back the text that was closed last"),
    ActionSpec("panel", "Se&ttings", ("F8", "Ctrl+,"), "sliders", "Sliders, calibration and input"),
    ActionSpec("words", "Your &words…", ("F7",), "words", "Teach it your names and terms, and check them"),
    ActionSpec("models", "&Models…", ("F6",), "models", "Download, import, choose and remove models"),
    ActionSpec("larger", "Larger text", ("Ctrl++", "Ctrl+="), "plus", "Make the text larger"),
    ActionSpec("smaller", "Smaller text", ("Ctrl+-",), "minus", "Make the text smaller"),
    ActionSpec("normal", "Normal text size", ("Ctrl+0",), "reset", "Return to the normal text size"),
    ActionSpec("help", "Keyboard shortcuts", ("F1",), "help", "Show this list"),
    ActionSpec("quit", "&Quit", ("Ctrl+Q",), "close", "Close the program"),
)

RECORD_HELP = ("F9, or Space outside text", "Start and stop recording; in push-to-talk mode, hold it")


def build_actions(owner: QWidget) -> dict[str, QAction]:
    """Create the table's actions with their keys, owned by and active in ``owner``'s window."""
    actions = {}
    for spec in ACTIONS:
        action = QAction(spec.text, owner)
        action.setShortcuts([QKeySequence(keys) for keys in spec.keys])
        shown = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        action.setToolTip(f"{spec.tip} ({shown})")
        action.setObjectName(spec.action_id)
        set_icon(action, spec.icon)
        owner.addAction(action)
        actions[spec.action_id] = action
    return actions


def shortcut_rows() -> list[tuple[str, str]]:
    """Keys and meaning of every shortcut, for the help list."""
    rows = [RECORD_HELP]
    for spec in ACTIONS:
        keys = QKeySequence(spec.keys[0]).toString(QKeySequence.SequenceFormat.NativeText)
        rows.append((keys, spec.tip))
    rows.append(("Tab, Shift+Tab", "Go from control to control"))
    rows.append(("Up, Down on the level strip", "Move the threshold by 1 dB"))
    return rows
