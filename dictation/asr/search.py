"""From what a network heard to words, by a model's rules against noise."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dictation.asr.noise import gain_over_silence, letter_confidence
from dictation.core.records import Hypothesis

if TYPE_CHECKING:
    from dictation.asr.decoder import LogProbs
    from dictation.asr.decoding import Decoder
    from dictation.asr.model_folder import ModelFolder

MOST_ALTERNATIVES = 5


class Search:
    """A model's search. Thread: whichever one, but only one at a time."""

    def __init__(self, folder: ModelFolder, decoder: Decoder) -> None:
        self._rules = folder.decoding
        self._blank = folder.labels.blank_index
        self._decoder = decoder

    def find(
        self, log_probs: LogProbs, audio_s: float, beam_width: int, n_best: int, checkpoint: Callable[[], None]
    ) -> tuple[Hypothesis, ...]:
        """Find the best readings; what sounds like noise gives no words. The arguments are those of ``Decoder``."""
        confidence = letter_confidence(log_probs, self._blank)
        if confidence < self._rules.min_letter_confidence:
            return (Hypothesis(()),)
        scored = self._rules.shift_blank(log_probs, self._blank)
        found = self._decoder.decode(scored, audio_s, beam_width, n_best, checkpoint)
        least_gain = self._rules.least_gain(confidence)
        if least_gain and gain_over_silence(max(one.score for one in found), scored, self._blank) < least_gain:
            return (Hypothesis(()),)
        return found
