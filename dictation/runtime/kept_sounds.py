"""Where speech lies that has no words yet: one folder for each run of the program, one WAV file for each utterance.

``sound/20261121T093012-4711/000007-123456-1795253412345.wav`` is the seventh segment of that run, which began at frame
123456 of its input, 1795253412.345 s after the epoch. The names say all of it, so that a file that was cut short loses
nothing but sound. A lock beside the folder tells whether its program still runs.
"""

from __future__ import annotations

import json
import logging
import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import platformdirs
from PySide6.QtCore import QLockFile

from dictation.audio.growing_wav import FRAME_BYTES, HEADER_BYTES
from dictation.core.records import SAMPLE_RATE_HZ
from dictation.runtime.settings_file import write_atomically

_log = logging.getLogger(__name__)

FOLDER_NAME = "sound"
_SAVED_NAME = "saved.json"
_ATTEMPTS_NAME = "attempts"
_LOCK_SUFFIX = ".lock"
_FILE_NAME = re.compile(r"(\d+)-(\d+)-(\d+)\.wav")
_PRIVATE_FOLDER = 0o700


@dataclass(frozen=True)
class KeptSound:
    """One utterance on the disk.

    Attributes:
        path: Its file.
        segment_id: Which segment of its run it was.
        start_frame: Where it began in the input of its run, at 16 kHz.
        said_at_s: When it began, in seconds since the epoch.
    """

    path: Path
    segment_id: int
    start_frame: int
    said_at_s: float

    @property
    def start_s(self) -> float:
        """Where it began, in seconds since its run opened the input."""
        return self.start_frame / SAMPLE_RATE_HZ

    @property
    def length_s(self) -> float:
        """Seconds of sound in the file; 0 if it is gone."""
        with suppress(OSError):
            return max(0, self.path.stat().st_size - HEADER_BYTES) / FRAME_BYTES / SAMPLE_RATE_HZ
        return 0.0

    @property
    def key(self) -> str:
        """Name it for ``note_saved``: run and file."""
        return f"{self.path.parent.name}/{self.path.name}"


class RunFolder:
    """The utterances of one run, held by the program that claimed it. Thread: one at a time."""

    def __init__(self, root: Path, name: str) -> None:
        self.path = root / name
        self._lock = QLockFile(str(root / f"{name}{_LOCK_SUFFIX}"))
        self._lock.setStaleLockTime(0)  # a lock is stale when its program is gone, however old it is

    def claim(self) -> bool:
        """Take the folder, unless a program that still runs has it."""
        return self._lock.tryLock(0)

    def name_sound(self, segment_id: int, start_frame: int, said_at_s: float) -> KeptSound:
        """Name an utterance that is to be written here."""
        name = f"{segment_id:06d}-{start_frame}-{round(said_at_s * 1000)}.wav"
        return KeptSound(self.path / name, segment_id, start_frame, said_at_s)

    def sounds(self) -> tuple[KeptSound, ...]:
        """List the utterances that are here, in the order of speech; none if the folder cannot be read."""
        found = []
        with suppress(OSError):
            for path in self.path.iterdir():
                match = _FILE_NAME.fullmatch(path.name)
                if match:
                    segment_id, start_frame, said_at_ms = map(int, match.groups())
                    found.append(KeptSound(path, segment_id, start_frame, said_at_ms / 1000))
        return tuple(sorted(found, key=lambda sound: sound.segment_id))

    def count_attempt(self) -> int:
        """Note that its recovery begins; return how many began before and never came to an end."""
        path = self.path / _ATTEMPTS_NAME
        before = 0
        with suppress(OSError, ValueError):
            before = int(path.read_text(encoding="ascii"))
        with suppress(OSError):
            path.write_text(str(before + 1), encoding="ascii")
        return before

    def end_attempt(self) -> None:
        """Recovery came to an end, well or not."""
        with suppress(OSError):
            (self.path / _ATTEMPTS_NAME).unlink(missing_ok=True)

    def release(self) -> None:
        """Let go; a folder without utterances is removed."""
        with suppress(OSError):
            if not self.sounds():
                self.end_attempt()
                self.path.rmdir()
        self._lock.unlock()


def usual_root() -> Path:
    """Where this user's programs keep sound."""
    return Path(platformdirs.user_data_dir("dictation", appauthor=False)) / FOLDER_NAME


def make_run_folder(root: Path) -> RunFolder:
    """Make and claim the folder of this run.

    Raises:
        OSError: the disk does not take it.
    """
    root.mkdir(parents=True, exist_ok=True, mode=_PRIVATE_FOLDER)
    while True:
        stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
        folder = RunFolder(root, f"{stamp}-{os.getpid()}-{time.monotonic_ns() % 1_000_000:06d}")
        if folder.claim():  # before the folder is there, so that no other program can take it for an orphan
            folder.path.mkdir(mode=_PRIVATE_FOLDER)
            return folder


def claim_orphans(root: Path) -> list[RunFolder]:
    """Claim the folders of all programs that run no more, the oldest first."""
    try:
        names = sorted(path.name for path in root.iterdir() if path.is_dir())
    except OSError:
        return []
    return [folder for folder in (RunFolder(root, name) for name in names) if folder.claim()]


def waiting_s(root: Path) -> float:
    """Seconds of speech that programs which run no more have left without words."""
    folders = claim_orphans(root)
    length_s = sum(sound.length_s for folder in folders for sound in folder.sounds())
    for folder in folders:
        folder.release()
    return length_s


def total_bytes(root: Path) -> int:
    """Size of all kept sound, whoever keeps it."""
    total = 0
    for path in root.glob("*/*.wav"):
        with suppress(OSError):
            total += path.stat().st_size
    return total


def digest(data: bytes) -> str:
    """Name a text on disk without repeating it."""
    return sha256(data).hexdigest()


def note_saved(root: Path, text_digest: str, keys: list[str]) -> None:
    """Note, before a text is written, which utterances it holds.

    A program that dies between writing the text and deleting the sound would else find the same words twice.

    Raises:
        OSError: the disk does not take it.
    """
    write_atomically(root / _SAVED_NAME, json.dumps({"digest": text_digest, "sounds": keys}).encode())


def saved_with(root: Path, text_digest: str) -> frozenset[str]:
    """Return the utterances whose words a text holds already, by key; none if the note is of another text."""
    try:
        note = json.loads((root / _SAVED_NAME).read_bytes())
        keys = note["sounds"] if note["digest"] == text_digest else []
        return frozenset(str(key) for key in keys)
    except FileNotFoundError:
        return frozenset()
    except (OSError, ValueError, KeyError, TypeError) as error:
        _log.warning("note of saved utterances not read: %s", type(error).__name__)
        return frozenset()


def delete(paths: list[Path]) -> None:
    """Delete files for good, so that a power cut does not bring them back; what is gone already is no matter."""
    for path in paths:
        with suppress(OSError):
            path.unlink(missing_ok=True)
    for folder in {path.parent for path in paths}:
        sync(folder)


def sync(path: Path) -> None:
    """Let the disk itself have a file or a folder; may take long. What cannot be synced stays as safe as it was."""
    is_folder = path.is_dir()
    if is_folder and os.name == "nt":
        return  # Windows opens no folders
    try:
        handle = os.open(path, os.O_RDONLY if is_folder else os.O_RDWR)
    except OSError:
        return  # deleted meanwhile: its words are saved
    try:
        os.fsync(handle)
    except OSError as error:
        _log.warning("not synced: %s", error.strerror)
    finally:
        os.close(handle)
