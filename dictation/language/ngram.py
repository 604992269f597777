"""N-gram estimation: interpolated modified Kneser-Ney smoothing.

The formulas are those of Chen and Goodman 1999, "An empirical study of smoothing techniques for language modeling"
(Computer Speech and Language 13), section 3.2 and appendix; adjusted counts and pruning follow Heafield et al. 2013,
"Scalable modified Kneser-Ney language model estimation" (ACL), so that the result can be compared with KenLM's lmplz.

For an n-gram of context h and word w, with its adjusted count a, the discount D(a) of its length, and h' being h
without its first word::

    p(w | h) = (a(h w) - D(a(h w))) / sum over x of a(h x)  +  gamma(h) p(w | h')

Adjusted counts are the raw ones for the longest n-grams and for those that start a sentence, else the number of
different words seen to the left. ``gamma(h)`` is the share taken away by discounts and pruning; below the single words
lies the uniform distribution.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

UNKNOWN, SENTENCE_START, SENTENCE_END = "<unk>", "<s>", "</s>"
RESERVED_WORDS = (UNKNOWN, SENTENCE_START, SENTENCE_END)
"""Identifiers 0, 1 and 2."""
START_ID = 1
LOWEST_ORDER, HIGHEST_ORDER = 2, 5

NEVER = -99.0
"""What ARPA files write for the probability of a sentence start, in log10."""
FALLBACK_DISCOUNTS = (0.5, 1.0, 1.5)
"""For texts too small to estimate discounts from, as lmplz takes them with ``--discount_fallback``."""

Ids = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class NgramOptions:
    """What to count.

    Attributes:
        order: Longest n-grams, 2 to 5 words.
        prune: n-grams seen this often or less are dropped, by length from 1; the last number holds for all longer
            ones. Single words always stay: they are the vocabulary.
    """

    order: int = 3
    prune: tuple[int, ...] = (0,)

    def __post_init__(self) -> None:
        """Validate; ``ValueError`` says what is wrong."""
        if not LOWEST_ORDER <= self.order <= HIGHEST_ORDER:
            raise ValueError(f"the order must lie in {LOWEST_ORDER} to {HIGHEST_ORDER}, not {self.order}")
        if not self.prune or len(self.prune) > self.order:
            raise ValueError(f"give one pruning threshold per length, at most {self.order}")
        if self.prune[0] != 0 or list(self.prune) != sorted(self.prune):
            raise ValueError("pruning thresholds start with 0 and never fall, for example 0 0 1")

    def threshold(self, length: int) -> int:
        """The pruning threshold of n-grams of this length."""
        return self.prune[min(length, len(self.prune)) - 1]


@dataclass(frozen=True)
class EncodedText:
    """Sentences as numbers.

    Attributes:
        words: The vocabulary; the index is the identifier. It starts with ``RESERVED_WORDS``.
        ids: All sentences in a row, each between a sentence start and a sentence end; shape (tokens,).
    """

    words: tuple[str, ...]
    ids: Ids


@dataclass(frozen=True)
class NgramLevel:
    """All n-grams of one length; arrays of shape (n-grams,).

    Attributes:
        contexts: Index of the n-gram without its last word in the level below; zeros for single words.
        last_words: Identifier of the last word.
        log10_probs: Of the last word after the others; ``NEVER`` for the sentence start, which is not predicted.
        log10_backoffs: Weight of the level below where a longer n-gram is unknown; zeros at the highest level.
    """

    contexts: Ids
    last_words: Ids
    log10_probs: Reals
    log10_backoffs: Reals

    def __len__(self) -> int:
        """The number of n-grams."""
        return len(self.last_words)


@dataclass(frozen=True)
class NgramModel:
    """An estimated model: its vocabulary, and one level per n-gram length from 1."""

    words: tuple[str, ...]
    levels: tuple[NgramLevel, ...]


@dataclass(frozen=True)
class _Counts:
    """One length's distinct n-grams before estimation; ``suffixes`` point to the n-gram without its first word."""

    contexts: Ids
    last_words: Ids
    suffixes: Ids
    raw: Ids
    starts_sentence: npt.NDArray[np.bool_]


def encode(sentences: Iterable[Sequence[str]]) -> EncodedText:
    """Number the words of tokenised sentences, in alphabetical order; ``<unk>`` in them stands for an unknown word."""
    kept = [sentence for sentence in sentences if sentence]
    vocabulary = sorted({word for sentence in kept for word in sentence} - set(RESERVED_WORDS))
    words = (*RESERVED_WORDS, *vocabulary)
    number = {word: place for place, word in enumerate(words)}
    start, end = number[SENTENCE_START], number[SENTENCE_END]
    tokens = (
        token for sentence in kept for token in (start, *(number[word] for word in sentence), end)
    )  # fmt: skip
    return EncodedText(words, np.fromiter(tokens, dtype=np.int64))


def estimate(text: EncodedText, options: NgramOptions, checkpoint: Callable[[], None]) -> NgramModel:
    """Estimate a model. ``checkpoint`` is called between the steps and may raise to cancel. Thread: any.

    A million words of order 3 take about a second and 200 MB. If no sentence is as long as the order, the model has
    as many levels as there are.

    Raises:
        ValueError: if the text holds no word.
    """
    if len(text.ids) == 0:
        raise ValueError("there is no sentence to count")
    counts = _count(text, options.order, checkpoint)
    levels: list[NgramLevel] = []
    kept_below = np.zeros(1, dtype=np.int64)  # index in the pruned level below; -1 where pruning took the n-gram
    probs_below = np.full(1, 1.0 / (len(text.words) - 1))  # uniform; the sentence start is never predicted
    for length, level in enumerate(counts, 1):
        checkpoint()
        adjusted = _adjusted(counts, length)
        keep = (level.raw > options.threshold(length)) | (length == 1)
        gains, gammas = _shares(adjusted, level.contexts, keep, len(kept_below))
        probs = gains + gammas[level.contexts] * probs_below[level.suffixes]
        if levels:  # a context's weight is written with the context, one level below
            levels[-1].log10_backoffs[:] = np.log10(gammas[kept_below >= 0])
        log10_probs = np.log10(probs[keep])
        if length == 1:
            log10_probs[START_ID] = NEVER
        contexts = kept_below[level.contexts[keep]]
        levels.append(NgramLevel(contexts, level.last_words[keep], log10_probs, np.zeros(len(contexts))))
        kept_below = np.where(keep, np.cumsum(keep) - 1, -1)
        probs_below = probs
    return NgramModel(text.words, tuple(levels))


def probabilities(model: NgramModel, sentences: Iterable[Sequence[str]]) -> Reals:
    """Probability of each word and sentence end after those before it; 0 for words that the model does not know.

    The same numbers as KenLM gives, but many at once, and without holding Python's lock for the time KenLM takes to
    load: 0.8 s for a million n-grams, in which a window stands still.
    """
    number = {word: place for place, word in enumerate(model.words)}
    start, end = number[SENTENCE_START], number[SENTENCE_END]
    tokens = (
        token for sentence in sentences for token in (start, *(number.get(word, 0) for word in sentence), end)
    )  # fmt: skip
    ids = np.fromiter(tokens, dtype=np.int64)
    if not len(ids):
        return np.zeros(0)
    found = ids  # per token, the longest n-gram so far that ends there, as an index of its level; -1 without one
    log10_probs = model.levels[0].log10_probs[ids]
    for level, below in zip(model.levels[1:], model.levels, strict=False):
        if not len(level):  # pruned away, and all longer ones too: nothing backs off
            break
        before = np.concatenate(([-1], found[:-1]))
        keys = level.contexts * len(model.words) + level.last_words  # ascending, as they were counted
        wanted = np.where((before >= 0) & (ids != start), before * len(model.words) + ids, -1)
        places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        is_found = (wanted >= 0) & (keys[places] == wanted)
        backed_off = log10_probs + np.where(before >= 0, below.log10_backoffs[before], 0.0)
        log10_probs = np.where(is_found, level.log10_probs[places], backed_off)
        found = np.where(is_found, places, -1)
    found_probs: Reals = np.where(ids == 0, 0.0, 10.0**log10_probs)[ids != start]
    return found_probs


def _count(text: EncodedText, order: int, checkpoint: Callable[[], None]) -> list[_Counts]:
    """Find the distinct n-grams of each length and how often each is seen."""
    size = len(text.words)
    zeros = np.zeros(size, dtype=np.int64)
    raw = np.bincount(text.ids, minlength=size)
    everything = np.arange(size)
    counts = [_Counts(zeros, everything, zeros, raw, everything == START_ID)]
    ending_here = text.ids  # per token, the n-gram that ends there, or -1 if the sentence is not that long yet
    for _ in range(2, order + 1):
        checkpoint()
        before = np.concatenate(([-1], ending_here[:-1]))
        places = np.flatnonzero((before >= 0) & (text.ids != START_ID))
        if not len(places):
            break
        keys, first, inverse, raw = np.unique(
            before[places] * size + text.ids[places], return_index=True, return_inverse=True, return_counts=True
        )
        contexts, last_words = keys // size, keys % size
        starts_sentence = counts[-1].starts_sentence[contexts]
        counts.append(_Counts(contexts, last_words, ending_here[places[first]], raw, starts_sentence))
        ending_here = np.full(len(text.ids), -1, dtype=np.int64)
        ending_here[places] = inverse
    return counts


def _adjusted(counts: list[_Counts], length: int) -> Ids:
    """Kneser-Ney's counts: different left neighbours, but raw at the top and at the start of sentences."""
    level = counts[length - 1]
    if length == len(counts):
        return level.raw
    neighbours = np.bincount(counts[length].suffixes, minlength=len(level.raw))
    adjusted: Ids = np.where(level.starts_sentence, level.raw, neighbours)
    if length == 1:
        adjusted[START_ID] = 0
    return adjusted


def _shares(adjusted: Ids, contexts: Ids, keep: npt.NDArray[np.bool_], size: int) -> tuple[Reals, Reals]:
    """Each n-gram's own share of its context, and what each context leaves to the level below (1 if it has none)."""
    discounts = np.array((0.0, *_discounts(adjusted)))[np.minimum(adjusted, 3)]
    totals = np.bincount(contexts, adjusted, size)
    left = np.bincount(contexts, np.where(keep, discounts, adjusted), size)
    gains = (adjusted - discounts) / np.maximum(totals, 1)[contexts]
    gammas = np.divide(left, totals, out=np.ones(size), where=totals > 0)
    return gains, gammas


def _discounts(adjusted: Ids) -> tuple[float, float, float]:
    """Chen and Goodman's D1, D2 and D3+, or the fallback if this text is too small or too odd for them."""
    seen = np.bincount(np.minimum(adjusted, 5), minlength=5).astype(float)
    if not seen[1:5].all():
        return FALLBACK_DISCOUNTS
    share = seen[1] / (seen[1] + 2 * seen[2])
    first, second, third = (count - (count + 1) * share * seen[count + 1] / seen[count] for count in (1, 2, 3))
    is_sound = 0 < first < 1 and 0 < second < 2 and 0 < third < 3  # noqa: PLR2004 - below the count they lessen
    return (first, second, third) if is_sound else FALLBACK_DISCOUNTS
