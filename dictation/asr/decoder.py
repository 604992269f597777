"""CTC beam search with an n-gram language model and hotwords. The only file that imports pyctcdecode.

The search is prefix beam search with shallow fusion (Hannun et al. 2014, "First-pass large vocabulary continuous
speech recognition using bi-directional recurrent DNNs", arXiv:1408.2873), as pyctcdecode implements it. Without a
language model the same search runs on the sound alone.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, SupportsIndex

import numpy as np
import numpy.typing as npt
from pyctcdecode.alphabet import BPE_TOKEN, Alphabet
from pyctcdecode.constants import AVG_TOKEN_LEN, DEFAULT_UNK_LOGP_OFFSET, LOG_BASE_CHANGE_FACTOR
from pyctcdecode.decoder import BeamSearchDecoderCTC
from pyctcdecode.language_model import AbstractLanguageModel

from dictation.asr.confidence import likeliest_pieces, word_confidence
from dictation.core.hotwords import split_hint
from dictation.core.records import Hypothesis, Word

if TYPE_CHECKING:
    from dictation.asr.labels import Labels
    from dictation.asr.ngrams import NgramSource, State
    from dictation.core.settings import RecognizerSettings

LogProbs = npt.NDArray[np.floating[Any]]
"""Natural-log probabilities, shape (frames, labels); each row sums to one in probability."""


class BeamDecoder:
    """Turns log-probabilities into hypotheses. Thread: whichever one, but only one at a time.

    ``mixed`` takes the place of ``ngrams`` while the settings name a personal language model.
    """

    def __init__(
        self,
        labels: Labels,
        frame_s: float,
        ngrams: NgramSource | None = None,
        first_frame_s: float = 0.0,
        mixed: NgramSource | None = None,
    ) -> None:
        self.unspellable_hotwords: tuple[str, ...] = ()
        self._labels = labels
        self._frame_s = frame_s
        self._first_frame_s = first_frame_s
        self._hotwords: tuple[str, ...] = ()
        self._settings: RecognizerSettings | None = None
        symbols = [_LoneWordStart(symbol) if symbol == BPE_TOKEN else symbol for symbol in labels.for_search()]
        alphabet = Alphabet(symbols, is_bpe=bool(labels.word_start))
        self._general = _Search(alphabet, ngrams)
        self._personal = _Search(alphabet, mixed) if mixed is not None else self._general
        self._search = self._general
        # pyctcdecode keeps every language model in a class variable until told to let go.
        self._release = weakref.finalize(self, _release, self._general, self._personal)

    def configure(self, settings: RecognizerSettings) -> None:
        """Take weights, pruning, hotwords and whether to mix; they count from the next ``decode``.

        Hotwords that the labels cannot spell are listed in ``unspellable_hotwords`` and have no effect.
        """
        spelled = {hotword: self._labels.spellable(split_hint(hotword)[0]) for hotword in settings.hotwords}
        self._hotwords = tuple(spelling for spelling in spelled.values() if spelling)
        self.unspellable_hotwords = tuple(phrase for phrase, spelling in spelled.items() if not spelling)
        self._settings = settings
        self._search = self._personal if settings.personal_model else self._general
        if self._search.language_model is not None:
            self._search.language_model.lm_weight = settings.lm_weight
            self._search.language_model.word_score = settings.word_score
            self._search.language_model.hotwords = frozenset(" ".join(self._hotwords).split())

    def decode(
        self,
        log_probs: LogProbs,
        audio_s: float,
        beam_width: int,
        n_best: int,
        checkpoint: Callable[[], None] = lambda: None,
    ) -> tuple[Hypothesis, ...]:
        """Search as ``Decoder.decode`` promises.

        With an ``n_best`` of 1, hypotheses that the n-gram can no longer tell apart are merged on the way. The
        ``checkpoint`` is called once, before the search: pyctcdecode's cannot be left early.
        """
        if self._settings is None:
            raise RuntimeError("configure() comes before decode()")
        checkpoint()
        if not len(log_probs):
            return (Hypothesis(()),)
        beams = self._search.search.decode_beams(
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
        heard = log_probs[first:end]  # (frames, labels)
        if self._labels.word_start:
            outputs = likeliest_pieces(heard, self._labels.arcs(text))
        else:
            outputs = self._labels.indices(text)
        return Word(text, start_s, max(start_s, end_s), word_confidence(heard[:, outputs]))


class _LoneWordStart(str):
    """The mark of a word's beginning as a piece of its own.

    pyctcdecode 0.5.0 looks for the mark at both ends of a piece, since some mark a word's end, too. Here it would find
    the same mark twice, and then begin a word in whatever hypothesis comes next.
    """

    __slots__ = ()

    def __getitem__(self, key: SupportsIndex | slice) -> str:
        """Nothing, when asked for the last character."""
        return "" if key == slice(-1, None) else super().__getitem__(key)


class _Search:
    """pyctcdecode's search with one language model, or with none."""

    def __init__(self, alphabet: Alphabet, ngrams: NgramSource | None) -> None:
        self.language_model = FusionLanguageModel(ngrams) if ngrams is not None else None
        self.search = BeamSearchDecoderCTC(alphabet, self.language_model)


def _release(*searches: _Search) -> None:
    """Free the language models."""
    for one in searches:
        one.search.cleanup()


class FusionLanguageModel(AbstractLanguageModel):
    """What pyctcdecode's search asks of a language model, answered from n-grams.

    It scores as pyctcdecode's own ``LanguageModel`` does (unknown words cost 10 in log10, beginnings that start no
    word as much again), but for two faults of version 0.5.0:

    1. When a reading ends in a word separator, the search scores the empty text after it as an unknown word, 20 nats
       at a weight of 0.9. The right reading then loses to one with a wrong last word ("four five" to "four fives").
    2. A hotword outside the vocabulary is charged the same 20 nats, which no sensible hotword weight wins back. Here
       it keeps the n-gram's own score for an unknown word.
    """

    def __init__(self, ngrams: NgramSource) -> None:
        self.lm_weight = self.word_score = 0.0
        self.hotwords: frozenset[str] = frozenset()
        self._ngrams = ngrams

    @property
    def order(self) -> int:
        """Longest word sequence that counts; the search forgets what lies before."""
        return self._ngrams.order

    def get_start_state(self) -> State:
        """The state at the start of a sentence; the name is pyctcdecode's."""
        return self._ngrams.start()

    def score(self, prev_state: State, word: str, is_last_word: bool = False) -> tuple[float, State]:
        """Score a word after ``prev_state``, the empty text at the end included; the signature is pyctcdecode's."""
        log10_prob, state, word_score = 0.0, prev_state, 0.0
        if word:
            log10_prob, state = self._ngrams.score(prev_state, word)
            word_score = self.word_score
            if not self._ngrams.knows(word) and word not in self.hotwords:
                log10_prob += DEFAULT_UNK_LOGP_OFFSET
        if is_last_word:
            log10_prob += self._ngrams.score_end(state)
        return self.lm_weight * log10_prob * LOG_BASE_CHANGE_FACTOR + word_score, state

    def score_partial_token(self, partial_token: str) -> float:
        """Score the beginning of a word, longer ones that start no word the worse; the signature is pyctcdecode's."""
        if self._ngrams.starts_word(partial_token):
            return 0.0
        return float(DEFAULT_UNK_LOGP_OFFSET * max(1.0, len(partial_token) / AVG_TOKEN_LEN))
