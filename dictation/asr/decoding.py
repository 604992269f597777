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

CHARACTERS, LEXICON, TRANSDUCER = "characters", "lexicon", "transducer"
"""The kinds of decoding: the labels spell words, or a pronunciation lexicon makes words of them, or a transducer's
network says after each label which may be next."""

MOST_BLANK_SCORE = 10.0
UNSURE_GAIN = 3.0
"""Of three hours of noise one piece of hiss gained 9.7 nats, with a letter confidence of 0.54; speech as unsure as that
gains 18.8 and more (starter-v3)."""


@dataclass(frozen=True)
class DecodingParameters:
    """What a model asks of the search beyond the user's settings.

    Attributes:
        kind: ``characters`` if the labels spell words, ``lexicon`` if they are sounds that a pronunciation lexicon
            turns into words, ``transducer`` if they are pieces of words that a transducer writes.
        min_letter_confidence: Audio on which the network's letters are less sure than this is taken for noise and
            gives no words, see ``noise.letter_confidence``; 0 switches the rule off.
        min_gain_over_silence: A reading that scores less than this above silence is taken for noise and dropped, see
            ``noise.gain_over_silence``, in nats; 0 switches the rule off.
        sure_letter_confidence: Audio on which the network's letters are less sure than this must gain
            ``UNSURE_GAIN`` times as much; 0 asks the same of all.
        blank_score: Added to the blank's log-probability in every frame before the search, in nats. A network that is
            not sure of a stranger's sounds says blank, and words are lost: a negative score finds them again.
        lm_weight: The language-model weight that suits this model best.
        word_score: The word score that suits this model best.
        beam_prune_logp: The margin behind the best hypothesis that suits this model best, in nats: the less sure of
            itself its network is, the wider. Not for a transducer, whose search has none.
        beam_width: What the user's beam width of 100 stands for; only for a transducer, whose network is asked for
            each hypothesis in each frame.
    """

    kind: str = CHARACTERS
    min_letter_confidence: float = 0.0
    min_gain_over_silence: float = 0.0
    sure_letter_confidence: float = 0.0
    blank_score: float = 0.0
    lm_weight: float = RecognizerSettings.lm_weight
    word_score: float = RecognizerSettings.word_score
    beam_prune_logp: float = RecognizerSettings.beam_prune_logp
    beam_width: int = RecognizerSettings.beam_width

    def __post_init__(self) -> None:
        """Validate; ``ValueError`` says what is wrong."""
        for name in ("min_letter_confidence", "sure_letter_confidence"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must lie between 0 and 1")
        if not 0 <= self.min_gain_over_silence < math.inf:
            raise ValueError("min_gain_over_silence must be 0 or more")
        if not -MOST_BLANK_SCORE <= self.blank_score <= MOST_BLANK_SCORE:
            raise ValueError(f"blank_score must lie between {-MOST_BLANK_SCORE} and {MOST_BLANK_SCORE}")
        self._check_kind()
        for name in ("lm_weight", "word_score", "beam_prune_logp", "beam_width"):
            low, high = _range(name)
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} must lie between {low} and {high}")

    def _check_kind(self) -> None:
        """Refuse an unknown kind, and what a kind has no use for."""
        if self.kind not in {CHARACTERS, LEXICON, TRANSDUCER}:
            raise ValueError(f"kind must be {CHARACTERS!r}, {LEXICON!r} or {TRANSDUCER!r}, not {self.kind!r}")
        for name in ("min_letter_confidence", "min_gain_over_silence", "sure_letter_confidence", "blank_score"):
            if self.kind == TRANSDUCER and getattr(self, name):
                raise ValueError(f"{name} is for networks with CTC")
        if self.kind != TRANSDUCER and self.beam_width != RecognizerSettings.beam_width:
            raise ValueError(f"beam_width is for kind {TRANSDUCER!r} only")
        if self.kind == TRANSDUCER and self.beam_prune_logp != RecognizerSettings.beam_prune_logp:
            raise ValueError(f"beam_prune_logp is not for kind {TRANSDUCER!r}")

    def least_gain(self, letter_confidence: float) -> float:
        """How much a reading must gain over silence, in nats, when its letters are as sure as that; 0 is no rule."""
        is_sure = letter_confidence >= self.sure_letter_confidence
        return self.min_gain_over_silence * (1.0 if is_sure else UNSURE_GAIN)

    def shift_blank(self, log_probs: LogProbs, blank_index: int) -> LogProbs:
        """What the search gets to see of the network's output, shape (frames, labels): ``blank_score`` added."""
        if not self.blank_score:
            return log_probs
        shifted = log_probs.copy()
        shifted[:, blank_index] += self.blank_score
        return shifted

    def adapt(self, settings: RecognizerSettings) -> RecognizerSettings:
        """Turn the user's weights into this model's: at their defaults they are what suits the model best.

        Language-model weight and beam width are factors (half the default is half the model's), word score and
        pruning are offsets. All stay within the settings' ranges.
        """
        lm_weight = self.lm_weight * settings.lm_weight / RecognizerSettings.lm_weight
        word_score = self.word_score + settings.word_score - RecognizerSettings.word_score
        beam_prune_logp = self.beam_prune_logp + settings.beam_prune_logp - RecognizerSettings.beam_prune_logp
        beam_width = self.beam_width * settings.beam_width / RecognizerSettings.beam_width
        return replace(
            settings,
            lm_weight=_within("lm_weight", lm_weight),
            word_score=_within("word_score", word_score),
            beam_prune_logp=_within("beam_prune_logp", beam_prune_logp),
            beam_width=round(_within("beam_width", beam_width)),
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
            One to ``n_best`` hypotheses with different texts: the one to show, then the others by their scores.
            The first has no words if nothing was heard.
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
