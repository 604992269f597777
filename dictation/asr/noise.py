"""Tell speech from noise by what the network makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from dictation.asr.decoder import LogProbs

LEAST_LETTERS = 1e-3
"""With less letter probability than this over all frames together, the network hears nothing but blank."""


def letter_confidence(log_probs: LogProbs, blank_index: int) -> float:
    """How sure the network is of its letters, 0 to 1.

    The mean over frames of the likeliest letter's probability, each frame weighted by how much the network
    believes in any letter there. In speech the frames that are not blank have one clear letter; in noise the
    network spreads over many. It looks at the sound alone: the language model always finds a word that fits.

    On 242 clips of speech (development rows, plus training rows of single words) and 140 of synthetic noise,
    the starter gives speech 0.38 / 0.48 / 0.75 (1st, 5th, 50th percentile) and noise 0.16 / 0.35 / 0.49 (50th, 90th,
    95th): area under the curve 0.989, against 0.969 for the mean word confidence and 0.576 for the share of blank.

    Args:
        log_probs: Shape (frames, labels).
        blank_index: Which label is the blank.
    """
    letters = np.exp(np.delete(log_probs, blank_index, axis=1))  # (frames, letters)
    mass = letters.sum(axis=1)  # (frames,)
    if mass.sum() < LEAST_LETTERS:
        return 0.0
    return float(min(1.0, (letters.max(axis=1) * mass).sum() / mass.sum()))


def gain_over_silence(score: float, log_probs: LogProbs, blank_index: int) -> float:
    """By how much a reading scores better than silence: than the path that hears no letter in any frame, in nats.

    A likelihood ratio of something said against nothing said. The language model, which makes every reading pay for its
    words, is in the score; so a click that sounds a little like "it" does not gain enough. With a phone network in
    training, 208 pieces of noise (clicks, knocks, breath) gained 1.7 at most where their letter confidence was 0.35 or
    more; 113 development clips of speech gained 4.1, 8.2, 13.9 and more, but for one that it did not understand at all.

    Args:
        score: The reading's combined natural-log score.
        log_probs: Shape (frames, labels).
        blank_index: Which label is the blank.
    """
    return score - float(log_probs[:, blank_index].sum())
