"""How sure the network is of a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from dictation.asr.decoder import LogProbs


def word_confidence(letters: LogProbs) -> float:
    """How sure the network is of a word, 0 to 1: the geometric mean of its letters' probabilities.

    Each letter counts with one frame, the frames in order and chosen for the highest product (a Viterbi alignment
    without blanks): CTC networks put nearly all of a letter's probability on one frame.

    Args:
        letters: Log-probabilities of the word's letters in the word's frames, shape (frames, letters), with at least
            as many frames as letters.
    """
    frames, count = letters.shape
    best = np.full(count + 1, -np.inf)
    best[0] = 0.0  # best[k]: the first k letters are placed in the frames so far
    for frame in range(frames):
        best[1:] = np.maximum(best[1:], best[:-1] + letters[frame])
    return float(min(1.0, np.exp(best[count] / count)))
