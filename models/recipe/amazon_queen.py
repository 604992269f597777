"""The spoken lines of "Flight of the Amazon Queen" (Interactive Binary Illusions 1995), as Debian packs them.

``queen.1c`` holds the game's files behind a table of their names; 6,745 of them are MP3 recordings of 11,025 Hz. What
is said stands in its dialogues (``.DOG``), its scenes (``.CUT``) and the remarks of its hero (``QUEEN2.JAS``); a
recording's name says which line of which file it speaks. The format is known from the ScummVM project's engine for
the game (https://www.scummvm.org). Numbers are big-endian.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path

from spoken_line import SpokenLine

TABLE_START = 13
FILE_HEADER_BYTES = 20
LEVEL_BYTES = 96
HERO_RESPONSES = 40
"""The hero's first recordings are answers to senseless commands; the others describe what he sees."""
GESTURE = re.compile(r"\*(?:XY.{11}|..?)")
"""Between two recordings of one line: what the figure does, a number, two letters or a place to walk to."""


def read_lines(game: Path) -> Iterator[SpokenLine]:
    """Every recording whose words are known.

    Raises:
        ValueError: The file is another version of the game.
    """
    files = _read_files(game.read_bytes())
    texts: dict[str, str] = {}
    for name, content in files.items():
        if name.endswith(".DOG"):
            texts.update(_dialogue_texts(content[FILE_HEADER_BYTES:]))
        elif name.endswith(".CUT"):
            texts.update(_scene_texts(name.removesuffix(".CUT"), content[FILE_HEADER_BYTES:]))
    texts.update(_remark_texts(files["QUEEN2.JAS"]))
    for name, text in texts.items():
        recording = files.get(f"{name}.SB")
        if recording and text.strip():
            yield SpokenLine(f"queen-{name}.mp3", text, recording)


def _read_files(content: bytes) -> dict[str, bytes]:
    if content[:4] != b"QTBL":
        raise ValueError("This is no queen.1c of Debian's flight-of-the-amazon-queen.")
    (entries,) = struct.unpack_from(">H", content, TABLE_START)
    files = {}
    for entry in range(entries):
        name, _bundle, offset, size = struct.unpack_from(">12sBII", content, TABLE_START + 2 + 21 * entry)
        files[name.rstrip(b"\0").decode("ascii")] = content[offset : offset + size]
    return files


def _dialogue_texts(content: bytes) -> dict[str, str]:
    """What a figure (P) and the hero (J) say; SSSS is the first greeting, XXXX the one of who comes back."""
    levels, _, key, hero_lines, figure_lines = struct.unpack_from(">5h", content)
    figure, _, again = struct.unpack_from(">3H", content, 22)
    hero = 32 + LEVEL_BYTES * abs(levels)
    texts: dict[str, str] = {}
    for start, lines, who in ((figure, figure_lines, "P"), (hero, hero_lines, "J")):
        place = start
        for _ in range(lines):
            (line,) = struct.unpack_from(">H", content, place + 2)
            text, place = _read_string(content, place + 4, 4)
            texts.update(_split(f"{key:02}{line:4X}{who}", text))
    if not any(content[hero + 2 : hero + 4]):
        texts.update(_split(f"{key:02}SSSSJ", _read_string(content, hero + 4)[0]))
    text, place = _read_string(content, again)
    texts.update(_split(f"{key:02}XXXXP", text))
    texts.update(_split(f"{key:02}XXXXJ", _read_string(content, place)[0]))
    return texts


def _scene_texts(name: str, content: bytes) -> dict[str, str]:
    """One line per step of the scene, after one that is not spoken."""
    (steps,) = struct.unpack_from(">h", content, 2)
    (place,) = struct.unpack_from(">H", content, 8)
    _, place = _read_string(content, place)
    texts: dict[str, str] = {}
    for step in range(1, abs(steps) + 1):
        text, place = _read_string(content, place)
        texts.update(_split(f"{name:_<5}{step:02}", text))
    return texts


def _remark_texts(content: bytes) -> dict[str, str]:
    texts: dict[str, str] = {}
    for number, text in enumerate(content.decode("latin-1").splitlines(), start=HERO_RESPONSES + 1):
        texts.update(_split(f"JOE{number:04}", text))
    return texts


def _read_string(content: bytes, place: int, alignment: int = 2) -> tuple[str, int]:
    """A string behind its length, and where the next one starts."""
    length, place = content[place], place + 1
    text = content[place : place + length].decode("latin-1")
    return text, place if not length else -(-(place + length) // alignment) * alignment


def _split(prefix: str, text: str) -> dict[str, str]:
    """The parts of a line by the names of their recordings, which count them from 1."""
    return {f"{prefix.replace(' ', '0')}{number:X}": part for number, part in enumerate(GESTURE.split(text), start=1)}
