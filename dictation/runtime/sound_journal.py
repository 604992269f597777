"""Keeps speech on the disk from its first syllable until its words are saved, so that no crash costs a sentence.

What is written is what the segmenter has opened: nothing else can ever become text. The segmenter's thread writes it,
some kilobytes at each of its wake-ups; PortAudio's callback knows nothing of it. Killing the program loses what one
wake-up would have brought; a thread of the journal's own makes it safe from a power cut every two seconds.
"""

from __future__ import annotations

import errno
import logging
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from dictation.audio.growing_wav import GrowingWav
from dictation.core.errors import SoundNotKept
from dictation.core.records import SAMPLE_RATE_HZ, Segment
from dictation.core.segmenter import OpenAudio, Segmenter
from dictation.core.settings import RecoverySettings
from dictation.runtime.kept_sounds import KeptSound, RunFolder, delete, make_run_folder, sync, total_bytes

_log = logging.getLogger(__name__)

SYNC_EVERY_S = 2.0
"""How much a power cut may cost, and how often at most a disk is kept from sleeping; each took 7 to 13 ms."""
LIMIT_BYTES = 230_400_000
"""Two hours of speech without words, of all runs together; more is not kept, and that is told."""


class SoundJournal(QObject):
    """The utterances of this run. Nothing is created on the disk before the first of them.

    Threads: ``follow``, ``finish``, ``drop``, ``tend`` and ``configure`` in the segmenter's; ``take`` and ``discard``
    in any; ``close`` in the GUI's, when the segmenter has ended.

    Signals:
        failed(SoundNotKept): Speech could not be written; told once until it works again. Every wake-up tries again,
            and an utterance that is still open is then written from its beginning.
    """

    failed = Signal(object)

    def __init__(self, root: Path, settings: RecoverySettings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._root = root
        self._is_on = settings.keeps_sound
        self._folder: RunFolder | None = None
        self._file: GrowingWav | None = None
        self._open_sound: KeptSound | None = None
        self._finished: dict[int, KeptSound] = {}
        self._finished_lock = threading.Lock()
        self._unsynced: set[Path] = set()
        self._unsynced_since_s = 0.0
        self._syncing: Future[None] | None = None
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._has_failed = False
        self._end_frame = 0
        """Up to here everything of the input that may become text has been written."""

    def configure(self, settings: RecoverySettings) -> None:
        """Begin or cease to keep sound; ceasing deletes what this run has kept."""
        self._is_on = settings.keeps_sound
        if not self._is_on:
            self._forget_open()
            with self._finished_lock:
                sounds, self._finished = list(self._finished.values()), {}
            self.discard([sound.path for sound in sounds])

    def follow(self, segmenter: Segmenter) -> None:
        """Write what is new of the open utterance, if there is one."""
        audio = segmenter.open_audio(self._end_frame) if self._is_on else None
        if audio is None or not audio.samples.size:
            return
        try:
            if self._open_sound is None or self._open_sound.segment_id != audio.segment_id:
                self._begin(audio.segment_id, audio.start_frame, audio.samples.size)
            self._append(audio)
        except OSError as error:
            self._tell(error)
        else:
            self._has_failed = False

    def finish(self, segment: Segment) -> None:
        """The utterance is complete: write what is missing of it, and nothing beyond it."""
        if not self._is_on:
            return
        try:
            if self._open_sound is None or self._open_sound.segment_id != segment.segment_id:
                self._begin(segment.segment_id, segment.start_frame, segment.samples.size)
            self._finish(segment)
        except OSError as error:
            self._tell(error)
        else:
            self._has_failed = False
        self._end_frame = segment.end_frame
        self._close_file()

    def drop(self, segment_id: int) -> None:
        """What opened was no speech; its sound may yet be the beginning of the next utterance."""
        if self._open_sound is not None and self._open_sound.segment_id == segment_id:
            self._forget_open()

    def tend(self, now_s: float) -> None:
        """Have the disk itself take what has been written, if it is time. ``now_s`` is ``time.perf_counter()``."""
        is_busy = self._syncing is not None and not self._syncing.done()
        if self._unsynced and not is_busy and now_s - self._unsynced_since_s >= SYNC_EVERY_S:
            paths, self._unsynced = sorted(self._unsynced), set()
            self._syncing = self._worker.submit(_sync_all, paths)

    def take(self, segment_id: int) -> KeptSound | None:
        """Return a finished utterance, if it is kept; from now on the caller sees to its deletion."""
        with self._finished_lock:
            return self._finished.pop(segment_id, None)

    def discard(self, paths: list[Path]) -> None:
        """Delete utterances, in the journal's own thread."""
        if paths:
            self._worker.submit(delete, paths)

    def close(self) -> None:
        """End; what has not become text stays for the next start. Waits for the disk."""
        self._close_file()
        self._worker.shutdown(wait=True)
        if self._folder is not None:
            self._folder.release()
            self._folder = None

    def _begin(self, segment_id: int, start_frame: int, frames: int) -> None:
        """Make the file of an utterance whose first ``frames`` have been heard by now."""
        self._forget_open()  # the file of an utterance that was neither finished nor dropped would be a bug
        if total_bytes(self._root) > LIMIT_BYTES:
            raise OSError(errno.EDQUOT, f"{LIMIT_BYTES / 1e6:.0f} MB of speech wait to be recognised already")
        if self._folder is None:
            self._folder = make_run_folder(self._root)
        sound = self._folder.name_sound(segment_id, start_frame, time.time() - frames / SAMPLE_RATE_HZ)
        file = GrowingWav(sound.path)
        file.open()
        self._file, self._open_sound = file, sound
        self._note_unsynced(self._folder.path)

    def _append(self, audio: OpenAudio) -> None:
        file, sound = self._file, self._open_sound
        if file is None or sound is None:
            return
        try:
            file.append(audio.samples)
        finally:
            self._end_frame = sound.start_frame + file.frames
        self._note_unsynced(sound.path)

    def _finish(self, segment: Segment) -> None:
        file, sound = self._file, self._open_sound
        if file is None or sound is None:
            return
        with self._finished_lock:  # also if the disk is full: what is there of it is worth keeping until it has words
            self._finished[segment.segment_id] = sound
        if file.frames < segment.samples.size:
            file.append(segment.samples[file.frames :])
        file.finish(segment.samples.size)
        self._note_unsynced(sound.path)

    def _forget_open(self) -> None:
        """Delete the utterance that is being written."""
        sound = self._open_sound
        self._close_file()
        self._end_frame = 0
        if sound is not None:
            self.discard([sound.path])

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = self._open_sound = None

    def _note_unsynced(self, path: Path) -> None:
        if not self._unsynced:
            self._unsynced_since_s = time.perf_counter()
        self._unsynced.add(path)

    def _tell(self, error: OSError) -> None:
        if not self._has_failed:
            self._has_failed = True
            _log.warning("speech not kept: %s", error.strerror)
            self.failed.emit(SoundNotKept(f"Speech is not being kept safe on the disk: {error.strerror}."))


def _sync_all(paths: list[Path]) -> None:
    for path in paths:
        sync(path)
