"""The spoken lines of "Beneath a Steel Sky" (Revolution Software 1994), version 0.0372 as Debian packs it.

``sky.dsk`` holds the game's files, ``sky.dnr`` numbers and places. The words stand in seven files, packed with Rob
Northen's first method and then coded letter by letter; each has a recording of 11,025 Hz whose number follows from the
line's. The formats are known from the ScummVM project's engine for the game (https://www.scummvm.org). Numbers are
little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

from rnc import unpack
from spoken_line import SpokenLine, wav_of

ENTRIES = 5097
"""Files of this version; the letters' codes of others differ."""
HEAD_BYTES = 22
SIZE_PLACE = 12
"""A head of 11 words stands before a packed file and a recording; the seventh is the size with the head."""
FIRST_TEXT, FIRST_SPEECH = 60600, 50000
SECTION_LINES = (600, 500, 1330, 950, 1150, 550, 150)
"""Recordings that have a number in each section of the text."""
LETTERS = " eaostn.ir\0EumAlIdRNSTOhcDgLCpU!yMPvH?b'f,GBVkFqwK-WJ*zYj+Q\x85)Z\x8b<\x95\x7e\x8a\x87:\x7f]#xX\x91\2"
LENGTHS = "3445555554665556666665776667777776887778877799888998889999aa9aa9bbaaabbabba7"
"""Bits (hexadecimal) of the letters' codes, which count upwards in this order; the last stands for rare signs."""
RARE = "\2"


def read_lines(game: Path) -> Iterator[SpokenLine]:
    """Every recording whose words are known.

    Raises:
        ValueError: The folder holds another version of the game.
    """
    files = _Files(game)
    codes = _letter_codes()
    starts = accumulate(SECTION_LINES, initial=FIRST_SPEECH)
    for section, (start, lines) in enumerate(zip(starts, SECTION_LINES, strict=False)):
        content = files.read(FIRST_TEXT + section)
        for line in range(lines):
            if start + line in files:
                text = _read_text(content, line, codes)
                if text.strip() and RARE not in text:
                    recording = files.read(start + line)
                    (size,) = struct.unpack_from("<H", recording, SIZE_PLACE)
                    samples = recording[HEAD_BYTES:size]
                    yield SpokenLine(f"sky-{section}-{line:04}.wav", text, wav_of(samples))


class _Files:
    """The game's files by number."""

    def __init__(self, game: Path) -> None:
        table = (game / "sky.dnr").read_bytes()
        self._disk = (game / "sky.dsk").read_bytes()
        (entries,) = struct.unpack_from("<I", table)
        if entries != ENTRIES:
            raise ValueError(f"{game} holds another version of the game than 0.0372.")
        self._places = {
            number: (offset | middle << 8 | high << 16, size | more << 8 | flags << 16)
            for number, offset, middle, high, size, more, flags in struct.iter_unpack(
                "<H6B", table[4 : 4 + 8 * entries]
            )
        }

    def __contains__(self, number: int) -> bool:
        return number in self._places

    def read(self, number: int) -> bytes:
        """A file as it was before it was packed; the top bits of its place and its size say how to read it."""
        offset, size = self._places[number]
        place = (offset & 0x7FFFFF) << (4 if offset & 0x800000 else 0)  # places far behind are counted in 16s
        content = self._disk[place : place + (size & 0x3FFFFF)]
        is_packed = not size & 0x800000 and content[0] & 0x80
        if not is_packed:
            return content
        head = b"" if size & 0x400000 else content[:HEAD_BYTES]
        return head + unpack(content[HEAD_BYTES:])


def _letter_codes() -> dict[tuple[int, int], str]:
    """Letters by length and value of their codes."""
    codes, code, last = {}, -1, 0
    for letter, digit in zip(LETTERS, LENGTHS, strict=True):
        length = int(digit, 16)
        code += 1
        code = code << (length - last) if length >= last else code >> (last - length)
        last = length
        codes[length, code] = letter
    return codes


def _read_text(content: bytes, line: int, codes: dict[tuple[int, int], str]) -> str:
    """A line of a text file: its place is counted in steps of two bits, per 32 lines and then per line."""
    sizes, letters = struct.unpack_from("<2H", content)
    block = line >> 5
    place = sum(struct.unpack_from(f"<{block}H", content, 4)) if block else 0
    for size in content[sizes + 32 * block : sizes + line]:
        place += (size & 0x7F) << 3 if size & 0x80 else size
    text, length, code, bit = "", 0, 0, 8 * letters + 2 * place
    while not text.endswith(("\0", RARE)):
        code = code << 1 | content[bit >> 3] >> (7 - (bit & 7)) & 1
        length, bit = length + 1, bit + 1
        if (length, code) in codes:
            text += codes[length, code]
            length = code = 0
    return text.rstrip("\0")
