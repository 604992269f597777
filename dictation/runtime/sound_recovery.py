"""At the next start: finds the speech that a killed program has left, and has it recognised behind the window."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from dictation.audio.growing_wav import read_growing_wav
from dictation.core.errors import MediaUnreadable
from dictation.core.records import SAMPLE_RATE_HZ, CloseCause, Recognition, Samples, Segment, Utterance
from dictation.core.recovery import RecoveredUtterance, RecoveryState, RecoveryStatus
from dictation.runtime.background import Background, as_dictation_error
from dictation.runtime.kept_sounds import KeptSound, RunFolder, claim_orphans, delete, saved_with
from dictation.runtime.sound_export import export_sounds
from dictation.runtime.sound_release import SoundRelease

_log = logging.getLogger(__name__)

ATTEMPTS = 2
"""So often speech is recognised without being asked; a program that dies of it shall not die at each start."""


@dataclass(frozen=True)
class _Find:
    """What lies on the disk, and how often its recovery has begun and not ended."""

    folders: tuple[RunFolder, ...]
    sounds: tuple[KeptSound, ...]
    attempts: int


class SoundRecovery(QObject):
    """Thread: the GUI's; no call waits.

    The sound of what is recognised goes when its words are saved; all other sound stays where it is.

    Signals:
        status_changed(RecoveryStatus): Never emitted where there is nothing to recover.
        utterance_recovered(RecoveredUtterance): In the order of speech. Whoever puts it into the text does so at once.
        exported(int, str): So many files were saved into that folder.
        failed(DictationError): Saving them failed.
    """

    status_changed = Signal(object)
    utterance_recovered = Signal(object)
    exported = Signal(int, str)
    failed = Signal(object)

    def __init__(
        self, root: Path, submit: Callable[[Segment], Future[Recognition]], release: SoundRelease,
        parent: QObject | None = None,
    ) -> None:  # fmt: skip
        """Make an idle one.

        Args:
            root: The folder of kept sound.
            submit: Hands a segment to the recogniser (``Session.submit_segment``); called in another thread.
            release: What to tell when the words are in the text.
            parent: Qt parent.
        """
        super().__init__(parent)
        self._root, self._submit, self._release = root, submit, release
        self._background = Background("recovery", 1, self)
        self._folders: tuple[RunFolder, ...] = ()
        self._waiting: list[KeptSound] = []
        self._seen_runs: set[Path] = set()
        self._word_count = 0
        self._said_at_s = 0.0
        self._is_running = False

    def start(self, text_digest: str) -> None:
        """Look for speech that was left, other than what the text of that digest holds already."""
        self._background.run(lambda: self._search(text_digest), self._on_search_ended)

    def retry(self) -> None:
        """Try again what could not be recognised."""
        if self._waiting and not self._is_running:
            self._recognise()

    def export(self, folder: Path) -> None:
        """Save what is waiting as WAV files."""
        sounds = list(self._waiting)

        def tell(outcome: object) -> None:
            if isinstance(outcome, Exception):
                self.failed.emit(as_dictation_error(outcome, "The speech could not be saved"))
            else:
                self.exported.emit(len(sounds), str(folder))

        self._background.run(lambda: export_sounds(sounds, folder), tell)

    def discard(self) -> None:
        """Delete what is waiting: the user does not want it."""
        paths, self._waiting = [sound.path for sound in self._waiting], []
        self._background.run(lambda: delete(paths), lambda _: None)

    def close(self) -> None:
        """End, when the session has ended; what has no words yet waits for the next start."""
        self._background.close()
        if self._is_running:
            self._end_attempts()
        for folder in self._folders:
            folder.release()
        self._folders = ()

    def _search(self, text_digest: str) -> _Find:
        """Thread: the background's."""
        folders = claim_orphans(self._root)
        saved = saved_with(self._root, text_digest)
        sounds: list[KeptSound] = []
        unneeded: list[KeptSound] = []
        for folder in folders:
            for sound in folder.sounds():
                (unneeded if sound.key in saved or not sound.length_s else sounds).append(sound)
        delete([sound.path for sound in unneeded])
        wanted = {sound.path.parent for sound in sounds}
        for folder in folders:
            if folder.path not in wanted:
                folder.release()
        kept = tuple(folder for folder in folders if folder.path in wanted)
        return _Find(kept, tuple(sounds), max((folder.count_attempt() for folder in kept), default=0))

    def _on_search_ended(self, outcome: object) -> None:
        if not isinstance(outcome, _Find):
            _log.error("search for kept speech failed", exc_info=outcome if isinstance(outcome, Exception) else None)
            return
        self._folders, self._waiting = outcome.folders, list(outcome.sounds)
        if not self._waiting:
            return
        self._said_at_s = self._waiting[0].said_at_s
        if outcome.attempts >= ATTEMPTS:
            why = "The program ended each time it tried to recognise speech from an earlier run."
            self._show(RecoveryState.KEPT, why, "Try again with another model, or save the sound and listen to it.")
        else:
            self._recognise()

    def _recognise(self) -> None:
        self._is_running = True
        self._word_count = 0
        self._show(RecoveryState.RUNNING)
        sounds = tuple(self._waiting)
        length_s = _length_s(sounds)
        self._background.run(lambda: self._work(sounds), lambda outcome: self._on_work_ended(outcome, length_s))

    def _work(self, sounds: Sequence[KeptSound]) -> None:
        """Recognise one after the other; a file that is no sound is passed over. Thread: the background's."""
        for sound in sounds:
            try:
                samples = read_growing_wav(sound.path)
            except MediaUnreadable as error:
                _log.warning("kept speech not read: %s", error)
                continue
            recognition = self._submit(_segment(sound, samples)).result()
            end_s = sound.start_s + samples.size / SAMPLE_RATE_HZ
            utterance = Utterance(sound.segment_id, sound.start_s, end_s, recognition)
            self._background.post(partial(self._on_words, sound, utterance))

    def _on_words(self, sound: KeptSound, utterance: Utterance) -> None:
        """Put the words into the text first; then the next saving of the text lets the sound go."""
        self._waiting.remove(sound)
        if utterance.text:
            is_first = sound.path.parent not in self._seen_runs
            self._seen_runs.add(sound.path.parent)
            self._word_count += len(utterance.text.split())
            self.utterance_recovered.emit(RecoveredUtterance(utterance, sound.said_at_s, is_first))
        self._release.note_recovered(sound, has_words=bool(utterance.text))

    def _on_work_ended(self, outcome: object, length_s: float) -> None:
        self._is_running = False
        self._end_attempts()
        if isinstance(outcome, CancelledError):
            return  # the program ends, and tries again at its next start
        if isinstance(outcome, Exception):
            error = as_dictation_error(outcome, "The recovery of speech failed")
            self._show(RecoveryState.KEPT, str(error), error.remedy)
        elif self._waiting:
            self._show(RecoveryState.KEPT, "Some of the files are no sound.", "Look at them, or delete them.")
        else:
            self._show(RecoveryState.DONE, length_s=length_s)

    def _end_attempts(self) -> None:
        for folder in self._folders:
            folder.end_attempt()

    def _show(self, state: RecoveryState, message: str = "", remedy: str = "", length_s: float | None = None) -> None:
        self.status_changed.emit(RecoveryStatus(
            state,
            _length_s(self._waiting) if length_s is None else length_s,
            self._said_at_s,
            self._word_count,
            str(self._waiting[0].path.parent if self._waiting else self._root),
            message,
            remedy,
        ))  # fmt: skip


def _length_s(sounds: Sequence[KeptSound]) -> float:
    """Seconds of sound in files that are there."""
    return sum(sound.length_s for sound in sounds)


def _segment(sound: KeptSound, samples: Samples) -> Segment:
    """The utterance as the segmenter would have handed it on, had it ended there."""
    end_frame = sound.start_frame + samples.size
    return Segment(
        sound.segment_id, sound.start_frame, sound.start_frame, end_frame, end_frame, CloseCause.END_OF_INPUT, samples
    )
