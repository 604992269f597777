"""Two n-gram models side by side: the weight that suits a text best, and its perplexity.

The mixture is linear in probability (Jelinek and Mercer 1980, "Interpolated estimation of Markov source parameters
from sparse data"): ``p = weight * p_personal + (1 - weight) * p_general``. A model gives probability zero to words that
it does not know, so that the mixture still sums to one over both vocabularies.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dictation.language.ngram import RESERVED_WORDS, SENTENCE_END, UNKNOWN

if TYPE_CHECKING:
    from pathlib import Path

Reals = npt.NDArray[np.float64]

FIRST_WEIGHT = 0.5
"""Where the search for the weight starts, and what is used without held-out text."""
LEAST_WEIGHT, MOST_WEIGHT = 0.01, 0.99
"""A weight of 0 or 1 would make the words of one model impossible."""
_ENOUGH = 1e-5
_MOST_ROUNDS = 200


@dataclass(frozen=True)
class Mixture:
    """What held-out text says: the best weight of the personal model, and perplexities with and without it.

    Both perplexities are over the words that the general model knows, sentence ends included; NaN if there are none.
    """

    weight: float
    perplexity_before: float
    perplexity_after: float


class UpperCaseModel:
    """A KenLM model of upper-case words (LibriSpeech's are), asked with words in any case."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def __contains__(self, word: str) -> bool:
        """Whether the model knows the word."""
        return _upper(word) in self._model

    def BeginSentenceWrite(self, state: Any) -> None:  # noqa: N802 - KenLM's name
        """Set the state to the start of a sentence."""
        self._model.BeginSentenceWrite(state)

    def BaseScore(self, state: Any, word: str, following: Any) -> float:  # noqa: N802 - KenLM's name
        """Log10 probability of a word after ``state``; ``following`` becomes the state after it."""
        score: float = self._model.BaseScore(state, _upper(word), following)
        return score


def _upper(word: str) -> str:
    """The word in upper case; marks stay as they are."""
    return word if word in RESERVED_WORDS else word.upper()


def in_case_of(model: Any, words: Iterable[str]) -> Any:
    """The model as it is, or in upper case if it knows more of these words so."""
    listed = list(words)
    known = sum(word in model for word in listed)
    known_upper = sum(word.upper() in model for word in listed)
    return UpperCaseModel(model) if known_upper > known else model


def open_kenlm(path: Path) -> Any:
    """Load a KenLM file, binary or ARPA, without its progress bar and its advice on standard error.

    Raises:
        OSError, RuntimeError: if KenLM cannot read it.
    """
    import kenlm

    quiet = kenlm.Config()
    quiet.show_progress = False
    quiet.arpa_complain = kenlm.ARPALoadComplain.NONE
    return kenlm.Model(str(path), quiet)


def word_probabilities(model: Any, sentences: Sequence[Sequence[str]], checkpoint: Callable[[], None]) -> Reals:
    """Probability of each word and sentence end after those before it; 0 for words that the model does not know.

    Args:
        model: A ``kenlm.Model``.
        sentences: In words; ``<unk>`` stands for one that no model knows.
        checkpoint: Called now and then; may raise to cancel.

    Returns:
        One number per word and sentence end, in order.
    """
    import kenlm

    found = []
    state, following = kenlm.State(), kenlm.State()
    for count, sentence in enumerate(sentences):
        if count % 1000 == 0:
            checkpoint()
        model.BeginSentenceWrite(state)
        for word in (*sentence, SENTENCE_END):
            log10_prob = model.BaseScore(state, word, following)
            found.append(10.0**log10_prob if word != UNKNOWN and word in model else 0.0)
            state, following = following, state
    return np.array(found)


def tune(personal: Reals, general: Reals, fixed_weight: float | None = None) -> Mixture:
    """Find the weight under which held-out text is likeliest, by expectation maximisation.

    Each round sets the weight to the mean share that the personal model has in the words' probabilities (Dempster,
    Laird and Rubin 1977); the likelihood never falls and has one maximum. Words that neither model knows say nothing.

    Args:
        personal: Probability of each held-out word by the personal model, as from ``word_probabilities``.
        general: The same by the general model.
        fixed_weight: Measure with this weight instead of the best one.
    """
    is_known = (personal > 0) | (general > 0)
    ours, theirs = personal[is_known], general[is_known]
    weight = FIRST_WEIGHT if fixed_weight is None else fixed_weight
    for _ in range(_MOST_ROUNDS if len(ours) and fixed_weight is None else 0):
        share = float(np.mean(weight * ours / (weight * ours + (1 - weight) * theirs)))
        is_settled = abs(share - weight) < _ENOUGH
        weight = min(max(share, LEAST_WEIGHT), MOST_WEIGHT)
        if is_settled:
            break
    in_general = theirs > 0
    mixed = weight * ours + (1 - weight) * theirs
    return Mixture(weight, perplexity(theirs[in_general]), perplexity(mixed[in_general]))


def perplexity(probabilities: Reals) -> float:
    """The inverse of the geometric mean; NaN of nothing."""
    return math.exp(-float(np.mean(np.log(probabilities)))) if len(probabilities) else math.nan
