"""What voiced games give the recipe: packed files, the words of their lines and the recordings."""

from __future__ import annotations

import struct
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from click.testing import CliRunner

TONE = (128 + 100 * np.sin(np.arange(11_025) * 0.1)).astype(np.uint8).tobytes()


class Packer:
    """Writes bits into 16-bit words, lowest first, and bytes between the words."""

    def __init__(self) -> None:
        self.content, self._count, self._place = bytearray(), 0, 0

    def bits(self, value: int, count: int) -> None:
        for place in range(count):
            if self._count % 16 == 0:
                self._place = len(self.content)
                self.content += b"\0\0"
            at = self._count % 16
            self.content[self._place + at // 8] |= (value >> place & 1) << at % 8
            self._count += 1

    def number(self, value: int) -> None:
        """Its length as a code of four bits, highest first, then what is below the highest bit."""
        length = value.bit_length()
        for place in (3, 2, 1, 0):
            self.bits(length >> place & 1, 1)
        if length > 1:
            self.bits(value - (1 << (length - 1)), length - 1)


def pack(runs: list[tuple[bytes, int, int]], last: bytes, size: int) -> bytes:
    """Literal bytes, distance and length of a repetition; all three tables give 16 values codes of four bits."""
    packer = Packer()
    packer.bits(0, 2)
    for _ in range(3):
        packer.bits(16, 5)
        for _ in range(16):
            packer.bits(4, 4)
    packer.bits(len(runs) + 1, 16)
    for literals, distance, length in runs:
        packer.number(len(literals))
        packer.content += literals
        packer.number(distance - 1)
        packer.number(length - 2)
    packer.number(len(last))
    packer.content += last
    return struct.pack(">4sII2H2B", b"RNC\1", size, len(packer.content), 0, 0, 0, 1) + bytes(packer.content)


def test_a_packed_file_is_unpacked(load: Callable[[str], ModuleType]) -> None:
    unpack = load("rnc").unpack
    packed = pack([(b"say ", 4, 9), (b"!" * 40, 44, 3)], b" end", 4 + 9 + 40 + 3 + 4)
    assert unpack(packed) == b"say say say s" + b"!" * 40 + b"ay " + b" end"
    with pytest.raises(ValueError, match="not packed"):
        unpack(b"PNC" + packed[3:])
    with pytest.raises(ValueError, match="damaged"):
        unpack(packed[:4] + struct.pack(">I", 61) + packed[8:])


def code_letters(text: str, letters: str, lengths: str) -> str:
    """The bits of a text; each code is the one before plus one, made longer or shorter."""
    starts = accumulate((2.0 ** -int(digit, 16) for digit in lengths), initial=0.0)
    codes = {letter: format(int(start * 2 ** int(digit, 16)), f"0{int(digit, 16)}b")
             for letter, digit, start in zip(letters, lengths, starts, strict=False)}  # fmt: skip
    return "".join(codes[letter] for letter in text)


def section_of(lines: list[str], letters: str, lengths: str) -> bytes:
    """A text file: two offsets, the size of each block of 32 lines, of each line, and their letters."""
    coded = []
    for line in lines:
        bits = code_letters(f"{line}\0", letters, lengths)
        if len(bits) > 250:  # a size of 128 or more is counted in eights
            bits += "0" * (-len(bits) % 16)
        coded.append(bits + "0" * (len(bits) % 2))
    steps = [len(bits) // 2 for bits in coded]
    sizes = bytes(step if step < 128 else 128 | step >> 3 for step in steps)
    blocks = [sum(steps[first : first + 32]) for first in range(0, len(steps), 32)]
    head = 4 + 2 * len(blocks)
    everything = "".join(coded)
    everything += "0" * (-len(everything) % 8)
    packed = int(everything, 2).to_bytes(len(everything) // 8, "big")
    return struct.pack(f"<2H{len(blocks)}H", head, head + len(sizes), *blocks) + sizes + packed


def write_sky(folder: Path, steel_sky: ModuleType, lines: dict[int, str], spoken: list[int]) -> None:
    """The first section holds ``lines`` and is packed, the others are empty; ``spoken`` lines have a recording."""
    folder.mkdir()
    texts = [lines.get(number, "I see.") for number in range(max(lines) + 1)]
    first = section_of(texts, steel_sky.LETTERS, steel_sky.LENGTHS)
    runs = [(first[at : at + 4000], 1, 3) for at in range(0, len(first), 4000)]
    size = sum(len(literals) + 3 for literals, _, _ in runs)
    empty = section_of(["-"], steel_sky.LETTERS, steel_sky.LENGTHS)
    files = {60600: (bytes([128]) + bytes(21) + pack(runs[:1], b"", size), 0x400000)}
    files |= {60600 + section: (bytes(22) + empty, 0x800000) for section in range(1, 7)}
    for number in spoken:
        head = struct.pack("<6x3H10x", 0, 0, 0)[:12] + struct.pack("<H8x", 22 + len(TONE))
        files[50000 + number] = (head + TONE, 0x800000)
    table, disk = struct.pack("<I", steel_sky.ENTRIES), bytearray()
    for number, (content, flags) in files.items():
        disk += bytes(-len(disk) % 16)
        place = len(disk) >> 4 | 0x800000
        table += struct.pack("<H", number) + place.to_bytes(3, "little") + (len(content) | flags).to_bytes(3, "little")
        disk += content
    (folder / "sky.dnr").write_bytes(table)
    (folder / "sky.dsk").write_bytes(disk)


def queen_file(parts: dict[str, bytes]) -> bytes:
    """Debian's form of the game: a table of names, places and sizes, then the files."""
    place = 15 + 21 * len(parts)
    table = b"QTBL" + b"CEM10\0" + bytes(2) + b"\1" + struct.pack(">H", len(parts))
    for name, content in parts.items():
        table += struct.pack(">12sBII", name.encode(), 1, place, len(content))
        place += len(content)
    return table + b"".join(parts.values())


def aligned(text: str, at: int, alignment: int) -> bytes:
    """A string behind its length, as long as the next one needs it."""
    content = bytes([len(text)]) + text.encode("latin-1")
    return content + bytes(-(at + len(content)) % alignment if text else 0)


def dialogue(key: int, figure: dict[int, str], hero: dict[int, str], again: tuple[str, str]) -> bytes:
    """A dialogue without levels: the hero's lines begin at byte 32 with his greeting, which is line 0."""
    content = bytearray(32)
    places = []
    for lines in (hero, figure):
        places.append(len(content))
        for number, text in lines.items():
            content += struct.pack(">2xH", number)
            content += aligned(text, len(content), 4)
    places.append(len(content))
    for text in again:
        content += aligned(text, len(content), 2)
    struct.pack_into(">5h", content, 0, 0, 7, key, len(hero), len(figure))
    struct.pack_into(">3H", content, 22, places[1], 0, places[2])
    return bytes(20) + bytes(content)


def scene(lines: list[str]) -> bytes:
    """A scene: after its entry, which nobody says, one line a step."""
    content = bytearray(struct.pack(">5H", 0, len(lines), 0, 0, 12) + bytes(2))
    for text in ("*FL", *lines):
        content += aligned(text, len(content), 2)
    return bytes(20) + bytes(content)


def write_drascula(folder: Path, drascula: ModuleType) -> None:
    """The hero's 501 lines and one line of each other figure, in English and five times empty; two lines are spoken."""
    folder.mkdir()
    content = b"DRASCULA and what comes before"
    for figure in drascula.FIGURES:
        lines = ["", "HI!"] if figure else ["", "THAT'S THE SECOND BIGGEST DOOR!", *["NICE"] * 499]
        table = bytes(2)
        for text in lines:
            step = len(text) + 4 if text != lines[1] or figure else 56  # as in the game, which the reader looks for
            table += struct.pack(">H", step) + text.encode().ljust(step - 2, b"\0")
        table = table if figure else table.ljust(0x4E42, b"\0")
        others = struct.pack(">H4x", 4) * (drascula.LANGUAGES - 1)
        content += struct.pack(">2H", len(lines), len(table)) + table + others
    (folder / "drascula.dat").write_bytes(content)
    for name in ("1.ALS", "VB1.ALS"):
        (folder / name).write_bytes(TONE)


def test_three_games_become_a_corpus(
    load: Callable[[str], ModuleType], call: Callable[..., str], tmp_path: Path
) -> None:
    lines = {
        0: "Where AM I?",
        3: "In \2.",
        40: "It's the whole LONG " + 15 * "long " + "story!",
        41: "Zyx!",
        45: "I am.",
    }
    write_sky(tmp_path / "sky", load("steel_sky"), lines, [0, 3, 40, 41, 45])
    write_drascula(tmp_path / "drascula", load("drascula"))
    wav = load("spoken_line").wav_of(TONE)  # any sound ffmpeg reads
    talk = dialogue(7, {1: "Hello*FLJoe!", 30: "*03I know.", 31: "Nice 5."}, {0: "Hey!", 26: "Bye."}, ("You?", "Me."))
    names = (
        "070001P1",
        "070001P2",
        "07001EP2",
        "07001FP1",
        "07SSSSJ1",
        "07001AJ1",
        "07XXXXP1",
        "07XXXXJ1",
        "C1A__021",
        "JOE00422",
    )
    files = {f"{name}.SB": wav for name in names} | {"BLANK000.SB": wav}
    files |= {
        "ANN1.DOG": talk,
        "C1A.CUT": scene(["Ouch!", "It hurts.*14"]),
        "QUEEN2.JAS": b"Nice*03\r\nOld*XY00(237,112)Joe\r\n",
    }
    (tmp_path / "queen.1c").write_bytes(queen_file(files))
    known = (
        "am biggest bye door hello hey hi hurts i in it it's joe know long me nice old second story that's the where"
    )
    (tmp_path / "lexicon").write_text(
        "".join(f"{word} AH\n" for word in f"{known} whole you".split()), encoding="utf-8"
    )
    places = {name: tmp_path / name for name in ("sky", "drascula", "lexicon")} | {"queen": tmp_path / "queen.1c"}
    arguments = [f"--{name}={path}" for name, path in places.items()] + [f"--output={tmp_path / 'corpus'}"]
    told = call("read_games", *arguments)
    corpus = load("corpus")
    clips = {clip.path.stem: clip for clip in corpus.read_clips(tmp_path / "corpus", "train")}
    assert {name: clip.text for name, clip in clips.items()} == {
        "queen-070001P1": "hello",
        "queen-070001P2": "joe",
        "queen-07001EP2": "i know",
        "queen-07SSSSJ1": "hey",
        "queen-07001AJ1": "bye",
        "queen-07XXXXP1": "you",
        "queen-07XXXXJ1": "me",
        "queen-C1A__021": "it hurts",
        "queen-JOE00422": "joe",
        "drascula-1": "that's the second biggest door",
        "drascula-VB1": "hi",
        "sky-0-0000": "where am i",
        "sky-0-0040": "it's the whole long " + 15 * "long " + "story",
        "sky-0-0045": "i am",
    }
    assert told.endswith("14 lines\n")
    heard = corpus.read_samples(clips["sky-0-0000"].path)
    assert len(heard) == pytest.approx(16_000, abs=400)
    assert 0.7 < heard.max() < 0.9
    (tmp_path / "drascula" / "drascula.dat").unlink()
    missing = CliRunner().invoke(load("read_games").main, arguments, catch_exceptions=False)
    assert missing.exit_code == 1
    assert "drascula.dat is missing. It is in Debian: apt install beneath-a-steel-sky drascula flight" in missing.output
    places["queen"].write_bytes(b"another")
    refused = CliRunner().invoke(load("read_games").main, arguments, catch_exceptions=False)
    assert refused.exit_code == 1
    assert "no queen.1c" in refused.output


@pytest.mark.parametrize(
    ("program", "option", "package"),
    [("read_games", "--sky", "beneath-a-steel-sky"), ("read_games", "--queen", "flight-of-the-amazon-queen"),
     ("read_games", "--drascula", "drascula"), ("read_prompts", "--texts", "asterisk-core-sounds-en"),
     ("read_prompts", "--sounds", "asterisk-core-sounds-en-g722")],
)  # fmt: skip
def test_the_package_of_what_is_missing_is_named(
    load: Callable[[str], ModuleType], tmp_path: Path, program: str, option: str, package: str
) -> None:
    options = [one for one in load(program).main.params if isinstance(one.type, load("debian").DebianPath)]
    places = {one.opts[0]: tmp_path for one in options} | {option: tmp_path / "nowhere"}
    arguments = [f"{name}={place}" for name, place in places.items()]
    refused = CliRunner().invoke(load(program).main, [*arguments, f"--lexicon={tmp_path}", f"--output={tmp_path}"])
    assert refused.exit_code == 2
    assert f"'{option}'" in refused.output
    assert refused.output.endswith(f"It is in Debian: apt install {package}\n")


@pytest.mark.parametrize("reader", ["amazon_queen", "steel_sky", "drascula"])
def test_another_version_of_a_game_is_refused(load: Callable[[str], ModuleType], tmp_path: Path, reader: str) -> None:
    (tmp_path / "sky.dnr").write_bytes(struct.pack("<I", 5099))
    for name in ("sky.dsk", "drascula.dat", "queen.1c"):
        (tmp_path / name).write_bytes(b"another")
    game = tmp_path / "queen.1c" if reader == "amazon_queen" else tmp_path
    with pytest.raises(ValueError, match=r"version|no queen.1c"):
        next(load(reader).read_lines(game))
