"""The letters a network writes, or the sounds it hears, with the CTC blank and the word separator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Labels:
    """The output alphabet, in the order of the network's outputs.

    Attributes:
        symbols: One text per network output; all but the blank are single characters if there is a word separator.
        blank: Which of them is the CTC blank (Graves et al. 2006, "Connectionist temporal classification").
        word_separator: Which of them stands between words; empty if none does, and the labels are sounds.
    """

    symbols: tuple[str, ...]
    blank: str
    word_separator: str

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

    def __len__(self) -> int:
        """The number of network outputs."""
        return len(self.symbols)

    @property
    def blank_index(self) -> int:
        """The network output that is the blank."""
        return self.symbols.index(self.blank)

    def indices(self, word: str) -> list[int]:
        """The network outputs that spell a word, one per character."""
        return [self.symbols.index(character) for character in word]

    def spellable(self, phrase: str) -> str | None:
        """Bring a phrase into these letters (lower case where they have no upper case), or None if it will not go."""
        letters = set(self.symbols) - {self.blank, self.word_separator}
        words = phrase.split()
        for candidate in (words, [word.lower() for word in words]):
            if candidate and all(set(word) <= letters for word in candidate):
                return " ".join(candidate)
        return None

    def for_search(self) -> Sequence[str]:
        """The symbols with the blank as an empty text and the separator as a space."""
        spelled = {self.blank: "", self.word_separator: " "}
        return [spelled.get(symbol, symbol) for symbol in self.symbols]
