"""Which of the readings to trust: the one that the others, each by its likelihood, contradict in the fewest words.

The likeliest reading has the best chance to be right as a whole; where few utterances are, the one with the fewest
expected word errors loses fewer words: Stolcke, König and Weintraub 1997, "Explicit word error minimization in N-best
list rescoring".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dictation.asr.lexicon_readings import Reading

VOTERS = 30
"""Readings that are asked. With 5 to 20 a third of what is to be gained was lost (models/README.md)."""
_SCORE_SCALE = 0.7
"""Scores are too sure of themselves: neighbouring frames say the same twice. 0.5 to 0.85 were as good on dev clips."""


def put_safest_first(readings: Sequence[Reading]) -> list[Reading]:
    """Move the reading with the fewest expected word errors to the front; the others, best first, keep their order."""
    words = [tuple(said.word for said in reading.said) for reading in readings]
    scores = _SCORE_SCALE * np.array([reading.score for reading in readings])
    shares = np.exp(scores - scores.max())
    errors = np.zeros((len(words), len(words)))
    for place, one in enumerate(words):
        for other in range(place):
            errors[place, other] = errors[other, place] = word_errors(one, words[other])
    safest = int((errors @ shares).argmin())
    return [readings[safest], *readings[:safest], *readings[safest + 1 :]]


def word_errors(one: Sequence[int], other: Sequence[int]) -> int:
    """Levenshtein distance in words; equal beginnings and ends, most of two readings of one utterance, cost nothing."""
    shorter = min(len(one), len(other))
    first = next((place for place in range(shorter) if one[place] != other[place]), shorter)
    last = next((place for place in range(shorter - first) if one[-1 - place] != other[-1 - place]), shorter - first)
    one, other = one[first : len(one) - last], other[first : len(other) - last]
    row = list(range(len(other) + 1))
    for count, word in enumerate(one, 1):
        before, row = row, [count]
        for column, against in enumerate(other, 1):
            row.append(min(before[column] + 1, row[-1] + 1, before[column - 1] + (word != against)))
    return row[-1]
