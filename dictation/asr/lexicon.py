"""A pronunciation lexicon: which sounds make which word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dictation.asr.labels import Labels
from dictation.core.errors import ModelDamaged

MOST_LABELS = 63
"""The pronunciation tree keeps the sounds that may follow in the bits of one number."""
MOST_SOUNDS = 64
"""Longer pronunciations are taken for a damaged file: English's longest has 28 sounds."""


@dataclass(frozen=True)
class Lexicon:
    """Words and their pronunciations.

    Attributes:
        words: Each word once, in the file's order, so that a word is known by its place.
        spoken: For each pronunciation the word's place.
        sounds: For each pronunciation the network outputs that say it, one byte each.
    """

    words: tuple[str, ...]
    spoken: tuple[int, ...]
    sounds: tuple[bytes, ...]

    def with_words(self, pronunciations: Mapping[str, Sequence[bytes]]) -> Lexicon:
        """The same lexicon with further words, or further pronunciations of words it holds."""
        places = {word: place for place, word in enumerate(self.words) if word in pronunciations}
        new = [word for word in pronunciations if word not in places]
        places.update((word, len(self.words) + count) for count, word in enumerate(new))
        rows = [(places[word], sounds) for word, ways in pronunciations.items() for sounds in ways]
        return Lexicon(
            (*self.words, *new),
            (*self.spoken, *(place for place, _ in rows)),
            (*self.sounds, *(sounds for _, sounds in rows)),
        )

    def ways(self, word: str) -> list[bytes]:
        """The pronunciations of a word; none if it is not here."""
        place = self.words.index(word) if word in self.words else -1
        return [sounds for spoken, sounds in zip(self.spoken, self.sounds, strict=True) if spoken == place]


def read_lexicon(path: Path, labels: Labels) -> Lexicon:
    """Read ``word sound sound ...``, one pronunciation per line; 71,000 lines take 0.1 s.

    Raises:
        ModelDamaged: naming the file, the line and why.
    """
    if len(labels) > MOST_LABELS:
        raise ModelDamaged(f"The model has {len(labels)} labels; a lexicon works with {MOST_LABELS} at most.")
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise ModelDamaged(f"The lexicon {path.name} cannot be read: {error}.") from error
    except UnicodeDecodeError as error:
        raise ModelDamaged(f"The lexicon {path.name} is not UTF-8 text: {error}.") from error
    codes = {symbol: code for code, symbol in enumerate(labels.symbols) if symbol != labels.blank}
    places: dict[str, int] = {}
    spoken, sounds = [], []
    try:
        for line in lines:
            word, *symbols = line.split()
            spoken.append(places.setdefault(word, len(places)))
            sounds.append(bytes([codes[symbol] for symbol in symbols]))
    except (KeyError, ValueError) as error:
        if lines[len(sounds) :] != [""]:  # not just the end of the last line
            raise ModelDamaged(_explain(path, len(sounds) + 1, error)) from error
        spoken = spoken[: len(sounds)]
    return _checked(path, Lexicon(tuple(places), tuple(spoken), tuple(sounds)))


def _explain(path: Path, number: int, error: Exception) -> str:
    """Say what is wrong with a line."""
    what = f"has the sound {error}, which the labels do not have" if isinstance(error, KeyError) else "is empty"
    return f"Line {number} of the lexicon {path.name} {what}."


def _checked(path: Path, lexicon: Lexicon) -> Lexicon:
    """Refuse an empty lexicon, and pronunciations that are empty or endless."""
    if not lexicon.words:
        raise ModelDamaged(f"The lexicon {path.name} is empty.")
    lengths = list(map(len, lexicon.sounds))
    for length, why in ((min(lengths), "no sounds"), (max(lengths), f"more than {MOST_SOUNDS} sounds")):
        if not 1 <= length <= MOST_SOUNDS:
            number = lengths.index(length) + 1
            word = lexicon.words[lexicon.spoken[number - 1]]
            raise ModelDamaged(f"Line {number} of the lexicon {path.name}: {word!r} has {why}.")
    return lexicon
