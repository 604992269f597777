"""The user's own words: a list that can be added to, corrected, shortened, and taken back step by step."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

MOST_UNDO_STEPS = 100
HINT_MARK = "="


def clean_phrase(text: str) -> str:
    """Bring a hotword into the form it is kept in: composed letters (NFC), single spaces, none at the ends.

    A hint of how it sounds, ``Quandt = kwant``, stays behind it; a hint without a word is nothing.
    """
    phrase, hint = split_hint(text)
    return f"{phrase} {HINT_MARK} {hint}" if phrase and hint else phrase


def split_hint(hotword: str) -> tuple[str, str]:
    """Split ``Quandt = kwant`` into the phrase as it is written and the words it sounds like, which may be none."""
    phrase, _, hint = unicodedata.normalize("NFC", hotword).partition(HINT_MARK)
    return " ".join(phrase.split()), " ".join(hint.split())


def phrases_of(text: str) -> tuple[str, ...]:
    """The phrases of pasted text, one per line; empty lines and repetitions are left out."""
    return _unique(clean_phrase(line) for line in text.splitlines())


def is_same_phrase(one: str, other: str) -> bool:
    """Whether two hotwords differ in nothing but case, spacing and hint."""
    return split_hint(one)[0].casefold() == split_hint(other)[0].casefold()


class HotwordList:
    """An ordered list without repetitions that remembers its earlier states; case and hints make no other word.

    Thread: one owner. Every changing method returns whether, or how much, it changed; only real changes can be undone.
    """

    def __init__(self, words: Iterable[str] = ()) -> None:
        self._words = _unique(clean_phrase(word) for word in words)
        self._past: list[tuple[str, ...]] = []

    @property
    def words(self) -> tuple[str, ...]:
        """The phrases in the order in which they were added."""
        return self._words

    @property
    def can_undo(self) -> bool:
        """Whether ``undo`` would change anything."""
        return bool(self._past)

    def add(self, phrases: Iterable[str]) -> int:
        """Append those phrases that are not in the list yet; return how many that were."""
        wider = _unique((*self._words, *(clean_phrase(phrase) for phrase in phrases)))
        count = len(wider) - len(self._words)
        self._take(wider)
        return count

    def edit(self, index: int, phrase: str) -> bool:
        """Replace one phrase; an empty one, or one that stands elsewhere in the list, is refused.

        Raises:
            IndexError: if there is no such phrase.
        """
        cleaned = clean_phrase(phrase)
        others = self._words[:index] + self._words[index + 1 :]
        if not cleaned or cleaned == self._words[index] or any(is_same_phrase(cleaned, other) for other in others):
            return False
        return self._take((*self._words[:index], cleaned, *self._words[index + 1 :]))

    def remove(self, indices: Iterable[int]) -> int:
        """Remove the phrases at these places, as one step; return how many that were."""
        gone = set(indices)
        kept = tuple(word for index, word in enumerate(self._words) if index not in gone)
        count = len(self._words) - len(kept)
        self._take(kept)
        return count

    def undo(self) -> bool:
        """Return to the list before the last change."""
        if not self._past:
            return False
        self._words = self._past.pop()
        return True

    def _take(self, words: tuple[str, ...]) -> bool:
        if words == self._words:
            return False
        self._past = [*self._past[1 - MOST_UNDO_STEPS :], self._words]
        self._words = words
        return True


def _unique(phrases: Iterable[str]) -> tuple[str, ...]:
    """Drop empty phrases and those that stood before; the first spelling stays."""
    seen: dict[str, str] = {}
    for phrase in phrases:
        if phrase:
            seen.setdefault(split_hint(phrase)[0].casefold(), phrase)
    return tuple(seen.values())
