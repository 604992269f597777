"""Guesses how a word is said from how it is spelled, for hotwords that a pronunciation lexicon lacks.

Each letter gives no, one or two sounds, by the longest context that the rules know: the letter alone, then with its
right neighbour, both neighbours, and so on (Daelemans, van den Bosch and Weijters 1997, "IGTree", on words split as by
Black, Lenzo and Pagel 1998, "Issues in building general letter to sound rules"). ``models/recipe/learn_spelling.py``
learns them from a dictionary.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from pathlib import Path

from dictation.asr.labels import Labels
from dictation.core.errors import ModelDamaged

EDGE = "#"
"""Stands before and after a word."""
NO_SOUND = "-"
"""Stands for a silent letter."""
OR = "/"
"""Stands between the likeliest and the second likeliest sounds."""
WIDEST = 8
"""Characters in the widest context: three before the letter and four after it."""
MOST_WAYS = 4
"""Pronunciations guessed for a word."""

Ways = tuple[bytes, ...]
Rules = Mapping[str, Ways]
"""By context: the likeliest sounds of its middle letter, and perhaps the second likeliest."""


def context(word: str, place: int, width: int) -> str:
    """The letter at ``place`` and its neighbours, ``width`` characters: one more after it before one more before it."""
    filled = EDGE * WIDEST + word + EDGE * WIDEST
    first = WIDEST + place - (width - 1) // 2
    return filled[first : first + width]


class LetterSounds:
    """Rules that make pronunciations of spellings."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def say(self, word: str) -> Ways:
        """Pronunciations as network outputs, the likeliest first; none if a letter is unknown.

        Accents are taken off letters that the rules know only without.
        """
        letters = "".join(self._known(letter) for letter in word.lower())
        parts = [self._sounds(letters, place) for place in range(len(letters))]
        if not parts or not all(parts):
            return ()
        best = [part[0] for part in parts]
        ways = {b"".join(best): None}
        for place, part in enumerate(parts):
            for other in part[1:]:
                ways[b"".join([*best[:place], other, *best[place + 1 :]])] = None
        return tuple(way for way in ways if way)[:MOST_WAYS]

    def _known(self, letter: str) -> str:
        """The letter, or the letters without accents that it is made of."""
        return letter if letter in self._rules else unicodedata.normalize("NFKD", letter)[:1]

    def _sounds(self, letters: str, place: int) -> Ways:
        """What the longest known context says of a letter."""
        for width in range(WIDEST, 0, -1):
            if found := self._rules.get(context(letters, place, width)):
                return found
        return ()


def read_letter_sounds(path: Path, labels: Labels) -> LetterSounds:
    """Read ``context sound sound ... / sound ...``, one rule per line.

    Raises:
        ModelDamaged: naming the file, the line and why.
    """
    codes = {symbol: bytes([code]) for code, symbol in enumerate(labels.symbols) if symbol != labels.blank}
    codes[NO_SOUND] = b""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ModelDamaged(f"The letter sounds {path.name} cannot be read: {error}.") from error
    except UnicodeDecodeError as error:
        raise ModelDamaged(f"The letter sounds {path.name} are not UTF-8 text: {error}.") from error
    rules: dict[str, Ways] = {}
    for number, line in enumerate(lines, 1):
        key, _, said = line.partition(" ")
        ways = [way.split() for way in said.split(OR)]
        strange = {sound for way in ways for sound in way} - codes.keys()
        if not key or not all(ways) or strange:
            why = f"has the sound {min(strange)!r}, which the labels do not have" if strange else "is incomplete"
            raise ModelDamaged(f"Line {number} of the letter sounds {path.name} {why}.")
        rules[key] = tuple(b"".join(codes[sound] for sound in way) for way in ways)
    return LetterSounds(rules)
