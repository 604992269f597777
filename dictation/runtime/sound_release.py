"""Lets the sound of an utterance go when its words are on the disk, and not a moment sooner."""

from __future__ import annotations

import threading
from pathlib import Path

from dictation.core.records import Utterance
from dictation.runtime.kept_sounds import KeptSound, delete, digest, note_saved
from dictation.runtime.sound_journal import SoundJournal


class SoundRelease:
    """Stands between the journal and the draft of the text.

    ``note_utterance`` and ``note_recovered`` are told after the words have entered the text; the draft calls the rest
    around each writing of it. Threads: the first three methods in the GUI's, the others in the draft's.
    """

    def __init__(self, root: Path, journal: SoundJournal) -> None:
        self._root = root
        self._journal = journal
        self._waiting: list[KeptSound] = []
        self._lock = threading.Lock()
        self.text_is_kept = True
        """Whether there is a draft that holds the text; without one, words in the window or the terminal have to do."""

    def note_utterance(self, utterance: Utterance) -> None:
        """A live utterance has its words; noise has none, and its sound goes at once."""
        sound = self._journal.take(utterance.segment_id)
        if sound is not None:
            self.note_recovered(sound, has_words=bool(utterance.text))

    def note_recovered(self, sound: KeptSound, *, has_words: bool) -> None:
        """An utterance of an earlier run has its words, or has none."""
        if has_words and self.text_is_kept:
            with self._lock:
                self._waiting.append(sound)
        else:
            self._journal.discard([sound.path])

    def take_waiting(self) -> list[KeptSound]:
        """Return the utterances whose words are in the text as it is now."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        return waiting

    def before_writing(self, data: bytes, sounds: list[KeptSound]) -> None:
        """Note what the text holds; raises ``OSError`` as the writing itself may."""
        if sounds:
            note_saved(self._root, digest(data), [sound.key for sound in sounds])

    def after_writing(self, sounds: list[KeptSound]) -> None:
        """The text is safe: its sound may go."""
        delete([sound.path for sound in sounds])

    def put_back(self, sounds: list[KeptSound]) -> None:
        """The text could not be written: its sound stays until it is."""
        with self._lock:
            self._waiting = sounds + self._waiting
