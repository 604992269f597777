"""Kept speech as ordinary WAV files, for ears and for other programs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from dictation.audio.growing_wav import GrowingWav, read_growing_wav
from dictation.runtime.kept_sounds import KeptSound


def export_sounds(sounds: Sequence[KeptSound], folder: Path) -> list[Path]:
    """Copy utterances into a folder, each named after the local time at which it was said; nothing is overwritten.

    Raises:
        OSError: the folder or the disk does not take them; those before stay.
        MediaUnreadable: one of them cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return [_export(sound, folder) for sound in sounds]


def _export(sound: KeptSound, folder: Path) -> Path:
    samples = read_growing_wav(sound.path)
    stem = time.strftime("dictation %Y-%m-%d %H.%M.%S", time.localtime(sound.said_at_s))
    number = 1
    while True:
        path = folder / (f"{stem}.wav" if number == 1 else f"{stem} ({number}).wav")
        file = GrowingWav(path)
        try:
            file.open()
        except FileExistsError:
            number += 1
            continue
        try:
            file.append(samples)
            file.finish(samples.size)
        finally:
            file.close()
        return path
