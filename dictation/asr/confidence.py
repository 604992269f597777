"""How sure the network is of a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from dictation.asr.decoder import LogProbs
    from dictation.asr.labels import Arc


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


def likeliest_pieces(log_probs: LogProbs, arcs: list[Arc]) -> list[int]:
    """Which outputs wrote a word, of all the pieces that could have: those with the highest product of probabilities.

    As in ``word_confidence`` each piece counts with one frame, in order. A search that adds up all ways to write a word
    does not say which it took. The mark of the beginning may be missing, as it mostly is where audio starts in a word.

    Args:
        log_probs: Of the word's frames, shape (frames, labels).
        arcs: As ``Labels.arcs`` gives them.

    Returns:
        The outputs in order; none if no way to write the word has so few pieces as there are frames.
    """
    end = max((arc.end for arc in arcs), default=0)
    best: list[tuple[float, tuple[int, ...]]] = [(-np.inf, ())] * (end + 1)
    best[:2] = [(0.0, ())] * 2  # best[k]: up to place k is written in the frames so far
    for row in log_probs:
        for arc in reversed(arcs):  # from the end, so that a frame is used once
            score, outputs = best[arc.start]
            if score + row[arc.output] > best[arc.end][0]:
                best[arc.end] = (score + float(row[arc.output]), (*outputs, arc.output))
    return list(best[end][1])
