"""What a network writes: letters, pieces of words or sounds, with the CTC blank and what tells words apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

WORD_START = "▁"
"""SentencePiece's mark (U+2581) on pieces that begin a word; Kudo and Richardson 2018, arXiv:1808.06226."""


@dataclass(frozen=True)
class Arc:
    """An output that writes a part of a word: from one place between its characters to a later one."""

    start: int
    end: int
    output: int


@dataclass(frozen=True)
class Labels:
    """The output alphabet, in the order of the network's outputs.

    Attributes:
        symbols: One text per network output; all but the blank are single characters if there is a word separator.
        blank: Which of them is the CTC blank (Graves et al. 2006, "Connectionist temporal classification").
        word_separator: Which of them stands between words; empty if none does: the labels are pieces or sounds.
        word_start: ``WORD_START`` if the labels are pieces of words, and those with it in front begin one; else empty.
    """

    symbols: tuple[str, ...]
    blank: str
    word_separator: str
    word_start: str = ""

    def __post_init__(self) -> None:
        """Validate; ``ValueError`` says what is wrong."""
        if len(set(self.symbols)) != len(self.symbols):
            raise ValueError("symbols holds an entry twice")
        for role, symbol in (("blank", self.blank), ("word_separator", self.word_separator)):
            if symbol not in self.symbols and (symbol or role == "blank"):
                raise ValueError(f"{role} {symbol!r} is not among the symbols")
        if self.blank == self.word_separator:
            raise ValueError("blank and word_separator are the same symbol")
        long = [symbol for symbol in self.symbols if len(symbol) != 1 and symbol != self.blank]
        if long and self.word_separator:
            raise ValueError(f"symbol {long[0]!r} is not a single character")
        if self.word_start:
            self._check_pieces()

    def _check_pieces(self) -> None:
        """Raise ``ValueError`` if the labels cannot be pieces of words."""
        if self.word_start != WORD_START:
            raise ValueError(f"word_start must be {WORD_START!r} or empty, not {self.word_start!r}")
        if self.word_separator:
            raise ValueError("word_start and word_separator exclude each other")
        if not any(piece.startswith(WORD_START) for piece in self._pieces):
            raise ValueError(f"no symbol begins with {WORD_START!r}, so none begins a word")
        for piece in self._pieces:
            if not piece or WORD_START in piece[1:] or piece.split() != [piece]:
                raise ValueError(f"symbol {piece!r} is no piece of a word")

    def __len__(self) -> int:
        """The number of network outputs."""
        return len(self.symbols)

    @property
    def blank_index(self) -> int:
        """The network output that is the blank."""
        return self.symbols.index(self.blank)

    @cached_property
    def letters(self) -> frozenset[str]:
        """What words are spelled with; of sounds, the sounds."""
        if self.word_start:
            return frozenset("".join(self._pieces)) - {self.word_start}
        return frozenset(self.symbols) - {self.blank, self.word_separator}

    @cached_property
    def _pieces(self) -> dict[str, int]:
        """The network output of each symbol but the blank."""
        return {symbol: output for output, symbol in enumerate(self.symbols) if symbol != self.blank}

    @cached_property
    def _longest(self) -> int:
        """Characters of the longest piece."""
        return max(map(len, self._pieces), default=0)

    def indices(self, word: str) -> list[int]:
        """The network outputs that spell a word, one per character."""
        return [self._pieces[character] for character in word]

    def arcs(self, word: str) -> list[Arc]:
        """Every way to write a word in pieces: those that begin it reach from 0, the mark of a beginning included.

        The place behind the last character is ``len(word) + 1``. Sorted by ``start``.
        """
        marked = self.word_start + word
        return [
            Arc(start, end, self._pieces[marked[start:end]])
            for start in range(len(marked))
            for end in range(start + 1, min(start + self._longest, len(marked)) + 1)
            if marked[start:end] in self._pieces
        ]

    def spellable(self, phrase: str) -> str | None:
        """Bring a phrase into these letters (lower case where they have no upper case), or None if it will not go."""
        words = phrase.split()
        for candidate in (words, [word.lower() for word in words]):
            if candidate and all(self._can_write(word) for word in candidate):
                return " ".join(candidate)
        return None

    def for_search(self) -> Sequence[str]:
        """The symbols with the blank as an empty text and the separator as a space."""
        spelled = {self.blank: "", self.word_separator: " "}
        return [spelled.get(symbol, symbol) for symbol in self.symbols]

    def _can_write(self, word: str) -> bool:
        """Whether letters, or pieces from the one that begins a word on, spell it."""
        if not self.letters.issuperset(word):
            return False
        if not self.word_start:
            return True
        reached = {0}
        for arc in self.arcs(word):
            if arc.start in reached:
                reached.add(arc.end)
        return len(word) + 1 in reached
