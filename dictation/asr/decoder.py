"""CTC beam search with an n-gram language model and hotwords. The only file that imports pyctcdecode.

The search is prefix beam search with shallow fusion (Hannun et al. 2014, "First-pass large vocabulary continuous
speech recognition using bi-directional recurrent DNNs", arXiv:1408.2873), as pyctcdecode implements it. Without a
language model the same search runs on the sound alone.
"""

from __future__ import annotations

import logging
import weakref
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kenlm
import numpy as np
import numpy.typing as npt
from pyctcdecode.alphabet import Alphabet
from pyctcdecode.constants import LOG_BASE_CHANGE_FACTOR
from pyctcdecode.decoder import BeamSearchDecoderCTC
from pyctcdecode.language_model import LanguageModel, load_unigram_set_from_arpa

from dictation.core.errors import ModelDamaged
from dictation.core.records import Hypothesis, Word

if TYPE_CHECKING:
    from dictation.asr.labels import Labels
    from dictation.core.settings import RecognizerSettings

LogProbs = npt.NDArray[np.floating[Any]]
"""Natural-log probabilities, shape (frames, labels); each row sums to one in probability."""

_ARPA_SUFFIX = ".arpa"

# It warns of a missing vocabulary, which ``FusionLanguageModel`` adds in its own way.
logging.getLogger("pyctcdecode.language_model").setLevel(logging.ERROR)


class BeamDecoder:
    """Turns log-probabilities into hypotheses. Thread: whichever one, but only one at a time."""

    def __init__(
        self,
        labels: Labels,
        frame_s: float,
        language_model: LanguageModel | None = None,
        first_frame_s: float = 0.0,
    ) -> None:
        self.unspellable_hotwords: tuple[str, ...] = ()
        self._labels = labels
        self._frame_s = frame_s
        self._first_frame_s = first_frame_s
        self._language_model = language_model
        self._hotwords: tuple[str, ...] = ()
        self._settings: RecognizerSettings | None = None
        self._search = BeamSearchDecoderCTC(Alphabet(list(labels.for_search()), is_bpe=False), language_model)
        # pyctcdecode keeps every language model in a class variable until told to let go.
        self._release = weakref.finalize(self, self._search.cleanup)

    def configure(self, settings: RecognizerSettings) -> None:
        """Take language-model weight, word score, pruning and hotwords; they count from the next ``decode``.

        Hotwords that the labels cannot spell are listed in ``unspellable_hotwords`` and have no effect.
        """
        spelled = {phrase: self._labels.spellable(phrase) for phrase in settings.hotwords}
        self._hotwords = tuple(spelling for spelling in spelled.values() if spelling)
        self.unspellable_hotwords = tuple(phrase for phrase, spelling in spelled.items() if not spelling)
        self._settings = settings
        self._search.reset_params(alpha=float(settings.lm_weight), beta=float(settings.word_score))
        if isinstance(self._language_model, FusionLanguageModel):
            self._language_model.hotwords = frozenset(" ".join(self._hotwords).split())

    def decode(self, log_probs: LogProbs, audio_s: float, beam_width: int, n_best: int) -> tuple[Hypothesis, ...]:
        """Search for the best readings; call ``configure`` once before.

        Args:
            log_probs: What the network heard; may have no frames.
            audio_s: Length of the audio; word times never exceed it.
            beam_width: Hypotheses kept from frame to frame.
            n_best: Most hypotheses to return, at least 1. With 1, hypotheses that the n-gram can no longer tell
                apart are merged on the way.

        Returns:
            One to ``n_best`` hypotheses with different texts, best first; the first has no words if nothing
            was heard.
        """
        if self._settings is None:
            raise RuntimeError("configure() comes before decode()")
        if not len(log_probs):
            return (Hypothesis(()),)
        beams = self._search.decode_beams(
            log_probs,
            beam_width=beam_width,
            beam_prune_logp=self._settings.beam_prune_logp,
            token_min_logp=self._settings.token_min_logp,
            prune_history=n_best == 1,
            hotwords=self._hotwords,
            hotword_weight=self._settings.hotword_weight,
        )
        return tuple(self._hypothesis(log_probs, audio_s, beam) for beam in beams[:n_best])

    def close(self) -> None:
        """Free the language model; idempotent, and done by itself when the decoder is collected."""
        self._release()

    def _hypothesis(self, log_probs: LogProbs, audio_s: float, beam: Any) -> Hypothesis:
        """Turn pyctcdecode's (text, state, word frames, sound score, combined score) into a record."""
        _, _, word_frames, _, score = beam
        words = [self._word(log_probs, audio_s, text, *frames) for text, frames in word_frames]
        return Hypothesis(tuple(words), float(score))

    def _word(self, log_probs: LogProbs, audio_s: float, text: str, first: int, end: int) -> Word:
        """Give a word that spans the frames ``first`` to ``end`` (exclusive) its times and confidence.

        Frame i lies around ``first_frame_s + i * frame_s`` (0 for a centred front end), so its cell starts half a frame
        earlier.
        """
        start_s = min(max(0.0, self._first_frame_s + (first - 0.5) * self._frame_s), audio_s)
        end_s = min(self._first_frame_s + (end - 0.5) * self._frame_s, audio_s)
        confidence = word_confidence(log_probs[first:end, self._labels.indices(text)])
        return Word(text, start_s, max(start_s, end_s), confidence)


class FusionLanguageModel(LanguageModel):
    """pyctcdecode's language model with two faults of its version 0.5.0 cured, and a lighter vocabulary.

    1. When a reading ends in a word separator, the search scores the empty text after it as an unknown word, 20 nats
       at a weight of 0.9. The right reading then loses to one with a wrong last word ("four five" to "four fives").
    2. A hotword outside the vocabulary is charged the same 20 nats, which no sensible hotword weight wins back. Here
       it keeps the n-gram's own score for an unknown word.

    Its trie of the vocabulary is made of Python objects: 60,000 words take 0.6 s and 31 MB. A sorted list answers the
    only question asked of it, whether some word starts like this, and takes 0.06 s and 15 MB.

    A model of upper-case words (LibriSpeech's are) is asked in upper case, whatever the case of the labels.
    """

    hotwords: frozenset[str] = frozenset()
    _is_upper_case = False

    def __init__(self, kenlm_model: kenlm.Model, unigrams: Sequence[str] | None) -> None:
        super().__init__(kenlm_model)
        if unigrams is not None:
            self._unigram_set = {word for word in unigrams if word in kenlm_model}
            self._char_trie = _SortedWords(self._unigram_set)
            self._is_upper_case = _are_upper_case(self._unigram_set)

    def score(self, prev_state: Any, word: str, is_last_word: bool = False) -> tuple[float, Any]:
        """Score a word after ``prev_state``, the empty text at the end included; the signature is pyctcdecode's."""
        if not word:
            end_score = self._get_raw_end_score(prev_state) if is_last_word else 0.0
            return self.alpha * end_score * LOG_BASE_CHANGE_FACTOR, prev_state
        written = word.upper() if self._is_upper_case else word
        score, state = super().score(prev_state, written, is_last_word)
        if word in self.hotwords and written not in (self._unigram_set or self._kenlm_model):
            score -= self.alpha * self.unk_score_offset * LOG_BASE_CHANGE_FACTOR
        return score, state

    def score_partial_token(self, partial_token: str) -> float:
        """Score the beginning of a word; the signature is pyctcdecode's."""
        written = partial_token.upper() if self._is_upper_case else partial_token
        partial_score: float = super().score_partial_token(written)
        return partial_score


def _are_upper_case(words: Iterable[str]) -> bool:
    """Whether there are words, and none of them has a lower-case letter; marks such as ``<s>`` do not count."""
    words = [word for word in words if not word.startswith("<")]
    return any(word != word.lower() for word in words) and all(word == word.upper() for word in words)


class _SortedWords:
    """Stands in for the part of ``pygtrie.CharTrie`` that ``LanguageModel`` uses."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words = sorted(words)

    def has_node(self, prefix: str) -> bool:
        """Whether some word starts with ``prefix``."""
        place = bisect_left(self._words, prefix)
        return place < len(self._words) and self._words[place].startswith(prefix)


def load_language_model(path: Path, unigrams: Path | None) -> FusionLanguageModel:
    """Load a KenLM file (binary or ARPA) and its vocabulary.

    The starter's 11 MB trie loads in 2 ms (memory-mapped), its 60,000 words in 0.06 s.

    Raises:
        ModelDamaged: if either cannot be read.
    """
    try:
        model = kenlm.Model(str(path))
    except (OSError, RuntimeError) as error:
        raise ModelDamaged(f"{path.name} is not a language model that KenLM can read: {error}.") from error
    try:
        return FusionLanguageModel(model, _read_unigrams(path, unigrams))
    except (OSError, ValueError) as error:
        raise ModelDamaged(f"The vocabulary of {path.name} cannot be read: {error}.") from error


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


def _read_unigrams(path: Path, unigrams: Path | None) -> Sequence[str] | None:
    """The vocabulary: the list if there is one, else what an ARPA file states."""
    if unigrams is not None:
        return unigrams.read_text(encoding="utf-8").split()
    if path.suffix == _ARPA_SUFFIX:
        return sorted(load_unigram_set_from_arpa(str(path)))
    return None
