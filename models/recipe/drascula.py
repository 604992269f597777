"""The spoken lines of "Drascula: The Vampire Strikes Back" (Alcachofa Soft 1996), as Debian packs them.

``drascula.dat`` holds what every figure says, a table for each in six languages, English first; ``12.ALS`` speaks line
12 of the hero's, ``VB12.ALS`` line 12 of another's: 8-bit samples, 11,025 a second. The format is known from the
ScummVM project's engine for the game (https://www.scummvm.org). Numbers are big-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from spoken_line import SpokenLine, wav_of

FIRST_LINES = b"\x01\xf5NB\0\0\0\4\0\0\0\x38THAT'S THE SECOND BIGGEST DOOR"
"""Where the tables of lines begin: 501 lines in 20,034 bytes, the first of them empty."""
LANGUAGES = 6
FIGURES = ("", "D", "B", "BJ", "E", "I", "L", "P", "T", "VB")
"""In the names of the recordings, in the order of the tables."""


def read_lines(game: Path) -> Iterator[SpokenLine]:
    """Every recording whose words are known.

    Raises:
        ValueError: The folder holds another version of the game.
    """
    content = (game / "drascula.dat").read_bytes()
    place = content.find(FIRST_LINES)
    if place < 0:
        raise ValueError(f"{game} holds another version of the game than Debian's drascula.")
    for figure in FIGURES:
        texts, place = _read_table(content, place)
        for number, text in enumerate(texts):
            recording = game / f"{figure}{number}.ALS"
            if text and recording.exists():
                yield SpokenLine(f"drascula-{recording.stem}.wav", text, wav_of(recording.read_bytes()))


def _read_table(content: bytes, place: int) -> tuple[list[str], int]:
    """The English lines of a table, and where the next table begins."""
    (lines,) = struct.unpack_from(">H", content, place)
    place += 2
    english = place + 2
    for _ in range(LANGUAGES):
        (size,) = struct.unpack_from(">H", content, place)
        place += 2 + size
    texts = []
    start = english + 4
    for _ in range(lines):
        (step,) = struct.unpack_from(">H", content, start - 2)  # to the next line, past what fills this one up
        texts.append(content[start : start + step - 2].rstrip(b"\0").decode("cp850"))
        start += step
    return texts, place
