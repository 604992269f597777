"""What a model asks of the search, and what every search can do."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Protocol

from dictation.core.settings import RecognizerSettings

if TYPE_CHECKING:
    from dictation.asr.decoder import LogProbs
    from dictation.core.records import Hypothesis

CHARACTERS, LEXICON = "characters", "lexicon"
"""The kinds of decoding: the labels spell words, or a pronunciation lexicon makes words of them."""


@dataclass(frozen=True)
class DecodingParameters:
    """What a model asks of the search beyond the user's settings.

    Attributes:
        kind: ``characters`` if the labels spell words, ``lexicon`` if they are sounds that a pronunciation lexicon
            turns into words.
        min_letter_confidence: Audio on which the network's letters are less sure than this is taken for noise and
            gives no words, see ``noise.letter_confidence``; 0 switches the rule off.
        min_gain_over_silence: A reading that scores less than this above silence is taken for noise and dropped, see
            ``noise.gain_over_silence``, in nats; 0 switches the rule off.
        lm_weight: The language-model weight that suits this model best.
        word_score: The word score that suits this model best.
    """

    kind: str = CHARACTERS
    min_letter_confidence: float = 0.0
    min_gain_over_silence: float = 0.0
    lm_weight: float = RecognizerSettings.lm_weight
    word_score: float = RecognizerSettings.word_score

    def __post_init__(self) -> None:
        """Validate; ``ValueError`` says what is wrong."""
        if self.kind not in {CHARACTERS, LEXICON}:
            raise ValueError(f"kind must be {CHARACTERS!r} or {LEXICON!r}, not {self.kind!r}")
        if not 0 <= self.min_letter_confidence < 1:
            raise ValueError("min_letter_confidence must lie between 0 and 1")
        if not 0 <= self.min_gain_over_silence < math.inf:
            raise ValueError("min_gain_over_silence must be 0 or more")
        for name in ("lm_weight", "word_score"):
            low, high = _range(name)
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} must lie between {low} and {high}")

    def adapt(self, settings: RecognizerSettings) -> RecognizerSettings:
        """Turn the user's weights into this model's: at their defaults they are what suits the model best.

        The language-model weight is a factor (half the default is half the model's weight), the word score an offset.
        Both stay within the settings' ranges.
        """
        lm_weight = self.lm_weight * settings.lm_weight / RecognizerSettings.lm_weight
        word_score = self.word_score + settings.word_score - RecognizerSettings.word_score
        return replace(
            settings, lm_weight=_within("lm_weight", lm_weight), word_score=_within("word_score", word_score)
        )


class Decoder(Protocol):
    """A search for words in what a network heard. Thread: whichever one, but only one at a time."""

    unspellable_hotwords: tuple[str, ...]
    """Those of the settings that this search cannot favour."""

    def configure(self, settings: RecognizerSettings) -> None:
        """Take weights, pruning and hotwords; they count from the next ``decode``."""

    def decode(
        self,
        log_probs: LogProbs,
        audio_s: float,
        beam_width: int,
        n_best: int,
        checkpoint: Callable[[], None] = ...,
    ) -> tuple[Hypothesis, ...]:
        """Search for the best readings; call ``configure`` once before.

        Args:
            log_probs: What the network heard; may have no frames.
            audio_s: Length of the audio; word times never exceed it.
            beam_width: Hypotheses kept from frame to frame.
            n_best: Most hypotheses to return, at least 1.
            checkpoint: Called as often as the search allows; may raise to leave it.

        Returns:
            One to ``n_best`` hypotheses with different texts, best first; the first has no words if nothing
            was heard.
        """

    def close(self) -> None:
        """Free what the search holds; idempotent."""


def _range(name: str) -> tuple[float, float]:
    """Lowest and highest value of a numeric recogniser setting."""
    (setting,) = (item for item in fields(RecognizerSettings) if item.name == name)
    return setting.metadata["low"], setting.metadata["high"]


def _within(name: str, value: float) -> float:
    """The nearest value that the setting may have."""
    low, high = _range(name)
    return float(min(max(value, low), high))
