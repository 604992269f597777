"""What the words so far mean for the words to come: the language model's state, and hotword phrases begun."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dictation.asr.ngrams import NgramSource, State

NATS_PER_DECADE = math.log(10)
"""N-gram models give decadic logarithms."""

Phrase = tuple[str, ...]


@dataclass(frozen=True)
class WordWeights:
    """How words count in a search.

    Attributes:
        lm_weight: Times the language model's natural-log probability.
        word_score: Added per word.
        hotword_weight: Added per word of a hotword phrase.
    """

    lm_weight: float
    word_score: float
    hotword_weight: float


class PhraseMatcher:
    """Follows which hotword phrases the latest words begin or complete.

    A state is the longest end of the word history that begins a phrase. Each word of a phrase is credited when it is
    said, so that the search does not lose the phrase before its last word; what was credited is taken back when the
    phrase breaks off. What remains is the weight times the words of the phrases that were said in full, where a phrase
    within a longer one counts as part of it. ``openers`` are the words that begin a phrase.
    """

    def __init__(self, phrases: Collection[Phrase], weight: float) -> None:
        self.openers = frozenset(phrase[0] for phrase in phrases)
        self._weight = weight
        self._phrases = frozenset(phrases)
        self._begun = frozenset(phrase[:count] for phrase in self._phrases for count in range(1, len(phrase) + 1))

    def follow(self, state: Phrase, word: str) -> tuple[Phrase, float]:
        """The state after one more word, and what that word gains or loses."""
        longer = (*state, word)
        if longer in self._begun:
            return longer, self._weight
        following = next((longer[at:] for at in range(1, len(longer)) if longer[at:] in self._begun), ())
        return following, self._weight * len(following) + self.end(state)

    def end(self, state: Phrase) -> float:
        """What is taken back if the phrase breaks off here; 0 or less."""
        said = next((count for count in range(len(state), 0, -1) if state[:count] in self._phrases), 0)
        return -self._weight * (len(state) - said)


class WordHistories:
    """Numbers histories that the words to come cannot tell apart, and scores words after them. For one utterance."""

    def __init__(
        self, words: Sequence[str], ngrams: NgramSource | None, matcher: PhraseMatcher, weights: WordWeights
    ) -> None:
        self._words = words
        self._ngrams = ngrams
        self._matcher = matcher
        self._word_score = weights.word_score
        self._decade = weights.lm_weight * NATS_PER_DECADE
        self._numbers: dict[tuple[State, Phrase], int] = {}
        self._states: list[tuple[State, Phrase]] = []
        self._number((ngrams.start() if ngrams else None, ()))

    def follow(self, history: int, words: Iterable[int]) -> list[tuple[int, int, float]]:
        """What follows if one of these words, given by their places in the lexicon, comes after a history.

        Returns:
            For each word: itself, the history after it, its score. History 0 is the start.
        """
        before, phrase = self._states[history]
        found = []
        for word in words:
            text = self._words[word]
            log10_prob, state = self._ngrams.score(before, text) if self._ngrams else (0.0, None)
            score = self._decade * log10_prob + self._word_score
            following: Phrase = ()
            if phrase or text in self._matcher.openers:
                following, gain = self._matcher.follow(phrase, text)
                score += gain
            found.append((word, self._number((state, following)), score))
        return found

    def end(self, history: int) -> float:
        """What is added when the utterance ends here."""
        state, phrase = self._states[history]
        log10_prob = self._ngrams.score_end(state) if self._ngrams else 0.0
        return self._decade * log10_prob + self._matcher.end(phrase)

    def _number(self, key: tuple[State, Phrase]) -> int:
        """The number of a history, a new one if it is new."""
        number = self._numbers.setdefault(key, len(self._states))
        if number == len(self._states):
            self._states.append(key)
        return number
