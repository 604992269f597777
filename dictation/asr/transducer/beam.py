"""Beam search over a transducer, frame by frame, so that it can stop anywhere and go on later.

Graves 2012, "Sequence Transduction with Recurrent Neural Networks" (arXiv:1211.3711), section 2.4, as
``torchaudio.models.RNNTBeamSearch`` does it: within a frame readings grow by symbols until none of the grown ones is
likelier than the beam's last; readings of the same symbols are added up; the beam is ranked by score over length.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from dictation.asr.transducer.network import EmformerRnnt

MOST_PER_FRAME = 10
"""Symbols within one frame of 40 ms; speech has about one word in 400 ms. Random weights would go on for ever."""

Symbols = tuple[int, ...]


@dataclass(frozen=True)
class Reading:
    """What may have been said up to some frame.

    Attributes:
        symbols: The labels, blanks left out.
        frames: In which frame each of them was found; counted from the start of the utterance.
        log_probs: How sure the network was of each, in nats.
        score: Log-probability of all ways to read these symbols that were followed.
        predicted: The predictor's encoding after the last symbol, shape (encoding width,).
        state: The predictor's state there, shape (layers, 2, width).
    """

    symbols: Symbols
    frames: tuple[int, ...]
    log_probs: tuple[float, ...]
    score: float
    predicted: Tensor
    state: Tensor

    @property
    def rank(self) -> float:
        """The score over the number of symbols, where the start and the next one count too."""
        return self.score / (len(self.symbols) + 2)


Beam = tuple[Reading, ...]
"""Best first; never changed in place, so that a search may go on from it more than once."""


class TransducerSearch:
    """Goes through a network's encodings. Thread: whichever one, but only one at a time.

    It keeps nothing of an utterance but what the predictor said of the last frame's readings, which most of the next
    frame's are, too.
    """

    def __init__(self, network: EmformerRnnt, blank: int) -> None:
        self._network = network
        self._blank = blank
        self._known: dict[Symbols, tuple[Tensor, Tensor]] = {}
        self._used: dict[Symbols, tuple[Tensor, Tensor]] = {}

    def start(self) -> Beam:
        """The beam before the first frame."""
        predictor = self._network.predictor
        predicted, states = predictor(torch.tensor([self._blank]), predictor.first_state())
        return (Reading((), (), (), 0.0, predicted[0], states[0]),)

    def hear(
        self, encodings: Tensor, beam: Beam, first_frame: int, width: int, checkpoint: Callable[[], None]
    ) -> Beam:  # fmt: skip
        """Go on by some frames.

        Args:
            encodings: The encoder's, shape (frames, encoding width).
            beam: From ``start`` or an earlier call.
            first_frame: The number of the first of these frames.
            width: Readings kept from frame to frame, at least 1.
            checkpoint: Called before each frame; may raise to leave.
        """
        for frame, heard in enumerate(encodings, first_frame):
            checkpoint()
            self._known, self._used = self._used, {}
            beam = self._hear_frame(heard, beam, frame, width)
        return beam

    def _hear_frame(self, heard: Tensor, beam: Beam, frame: int, width: int) -> Beam:
        """Let readings grow within a frame, and end each of them there by a blank."""
        ended: dict[Symbols, Reading] = {}
        growing: Sequence[Reading] = beam
        for more in range(MOST_PER_FRAME + 1):
            predicted = torch.stack([reading.predicted for reading in growing])
            log_probs = self._network.joiner(heard, predicted).log_softmax(dim=1)  # (readings, labels)
            for reading, blank in zip(growing, log_probs[:, self._blank].tolist(), strict=True):
                here = replace(reading, score=reading.score + blank)
                there = ended.get(reading.symbols)
                ended[reading.symbols] = here if there is None else _together(there, here)
            if more == MOST_PER_FRAME:
                break
            growing = self._grow(growing, log_probs, frame, width, _last_score(ended, width))
            if not growing:
                break
        return tuple(heapq.nlargest(width, ended.values(), key=lambda reading: reading.rank))

    def _grow(
        self, growing: Sequence[Reading], log_probs: Tensor, frame: int, width: int, least: float
    ) -> list[Reading]:  # fmt: skip
        """The likeliest readings with one symbol more, as far as they are likelier than ``least``."""
        scores = log_probs + torch.tensor([reading.score for reading in growing])[:, None]  # (readings, labels)
        scores[:, self._blank] = -math.inf
        best, places = scores.flatten().topk(min(width, scores.numel()))
        steps = [
            (growing[place // scores.shape[1]], place % scores.shape[1], place, score)
            for place, score in zip(places.tolist(), best.tolist(), strict=True)
            if score > least
        ]
        self._predict([(reading, symbol) for reading, symbol, _, _ in steps])
        flat = log_probs.flatten()
        grown = []
        for reading, symbol, place, score in steps:
            symbols = (*reading.symbols, symbol)
            predicted, state = self._used[symbols]
            frames, sure = (*reading.frames, frame), (*reading.log_probs, float(flat[place]))
            grown.append(Reading(symbols, frames, sure, score, predicted, state))
        return grown

    def _predict(self, steps: Sequence[tuple[Reading, int]]) -> None:
        """Have the predictor's answer for each reading with one symbol more in ``_used``."""
        unknown = []
        for reading, symbol in steps:
            symbols = (*reading.symbols, symbol)
            known = self._used.get(symbols) or self._known.get(symbols)
            if known is None:
                unknown.append((reading, symbol))
            else:
                self._used[symbols] = known
        if not unknown:
            return
        predicted, states = self._network.predictor(
            torch.tensor([symbol for _, symbol in unknown]), torch.stack([reading.state for reading, _ in unknown])
        )
        for (reading, symbol), answer in zip(unknown, zip(predicted, states, strict=True), strict=True):
            symbols = (*reading.symbols, symbol)
            self._used[symbols] = answer


def _together(one: Reading, other: Reading) -> Reading:
    """The same symbols read in two ways: the likelier one's frames, the sum of both probabilities."""
    likelier, other = (one, other) if one.score >= other.score else (other, one)
    return replace(likelier, score=likelier.score + math.log1p(math.exp(other.score - likelier.score)))


def _last_score(ended: dict[Symbols, Reading], width: int) -> float:
    """The lowest score that would be kept; none is too low while there is room."""
    if len(ended) < width:
        return -math.inf
    return heapq.nlargest(width, (reading.score for reading in ended.values()))[-1]
