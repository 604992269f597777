"""Words from what a network heard of their sounds: the search of models whose labels are sounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import islice, product
from typing import TYPE_CHECKING

import numpy as np

from dictation.asr.confidence import word_confidence
from dictation.asr.lexicon_readings import Reading, best_readings
from dictation.asr.lexicon_search import LexiconSearch, Lookahead, Said, SearchOptions
from dictation.asr.lexicon_vote import VOTERS, put_safest_first
from dictation.asr.pronunciation_tree import PronunciationTree, Reals, build_tree
from dictation.asr.word_histories import NATS_PER_DECADE, Phrase, PhraseMatcher, WordHistories, WordWeights
from dictation.core.hotwords import split_hint
from dictation.core.records import Hypothesis, Word

if TYPE_CHECKING:
    from dictation.asr.decoder import LogProbs
    from dictation.asr.labels import Labels
    from dictation.asr.lexicon import Lexicon
    from dictation.asr.ngrams import NgramSource
    from dictation.core.settings import RecognizerSettings

TOKENS_PER_HYPOTHESIS = 10
"""A hypothesis of the user's beam is at several places of the pronunciation tree at once. On 177 development clips, a
margin of 12 nats and starter-v2, 500 tokens make 27.7 % of word errors (mean of five sets), 1000 make 27.2 % in 1.2
times the time and 2000 make 27.6 %."""

SPARE_LABEL_LOGP = 7.0
"""Sounds may be so much less likely than the setting for tokens says: a lexicon leaves far fewer ways to go on than
letters do. Of a stranger's sounds the network gives one in fifteen less than 5 nats below certain, one in thirty less
than 7 (992 sounds of 35 development clips); with 7 in place of 2 the words of 95 such clips cost 36.7 % instead of
37.8 % errors, in an eighth more time."""

Speller = Callable[[str], Sequence[bytes]]
"""Guesses how a word that the lexicon lacks is said: pronunciations as network outputs, none if it has no idea."""

MOST_INITIALS = 5
MOST_HINTED_WAYS = 8
"""A longer word in capitals is hardly said letter by letter."""


_UNKNOWN = "<unk>"


class LexiconDecoder:
    """Turns log-probabilities of sounds into hypotheses. Thread: whichever one, but only one at a time.

    ``frames_s`` are the seconds from one frame to the next and to the middle of the first one. While the settings name
    a personal language model, ``mixed`` takes the place of ``ngrams``, and ``personal_words`` join the lexicon.
    """

    def __init__(
        self,
        labels: Labels,
        lexicon: Lexicon,
        frames_s: tuple[float, float],
        ngrams: NgramSource | None = None,
        mixed: NgramSource | None = None,
        personal_words: Sequence[str] = (),
        speller: Speller = lambda _: (),
    ) -> None:
        self.unspellable_hotwords: tuple[str, ...] = ()
        self._labels = labels
        self._frame_s, self._first_frame_s = frames_s
        self._general = ngrams
        self._mixed = mixed
        self._ngrams = ngrams
        self._own = lexicon
        self._known = frozenset(lexicon.words)
        self._letter_names = _letter_names(lexicon)
        self._personal_words = [word for word in personal_words if word not in self._known]
        self._personal_guesses: dict[str, Sequence[bytes]] = {}
        self._speller = speller
        self._lexicon = lexicon
        self._tree: PronunciationTree | None = None
        self._unigrams: Reals = np.zeros(0)
        self._settings: RecognizerSettings | None = None
        self._matcher = PhraseMatcher((), 0.0)
        self._lookahead = Lookahead(np.zeros(0), np.zeros(0), np.zeros(0))

    def configure(self, settings: RecognizerSettings) -> None:
        """Take weights, pruning, hotwords and whether to mix; they count from the next ``decode``.

        A word of a hotword that the lexicon lacks gets the pronunciations that the speller guesses, or those of the
        words that a hint says it sounds like (``hotwords.split_hint``). Hotwords with a
        word that has none are listed in ``unspellable_hotwords`` and have no effect. The first call, and each that
        brings other such words or another language model, takes 0.2 s for 65,000 words.
        """
        is_personal = bool(settings.personal_model) and self._mixed is not None
        ngrams = self._mixed if is_personal else self._general
        guessed = dict(self._guess_personal_words()) if is_personal else {}
        phrases, unspellable = self._take_hotwords(settings.hotwords, guessed)
        self.unspellable_hotwords = unspellable
        self._settings = settings
        self._matcher = PhraseMatcher(phrases, settings.hotword_weight)
        tree = self._grow({word: ways for word, ways in guessed.items() if ways}, ngrams)
        self._lookahead = self._look_ahead(tree, settings, {word for phrase in phrases for word in phrase})

    def decode(
        self,
        log_probs: LogProbs,
        audio_s: float,
        beam_width: int,
        n_best: int,
        checkpoint: Callable[[], None] = lambda: None,
    ) -> tuple[Hypothesis, ...]:
        """Search as ``Decoder.decode`` promises.

        Each hypothesis of ``beam_width`` is kept at up to ``TOKENS_PER_HYPOTHESIS`` places of the tree. If more than
        one is wanted, the first is the one that ``lexicon_vote`` finds safest, mostly the likeliest. The ``checkpoint``
        is called about twice per second of audio.
        """
        if self._settings is None or self._tree is None:
            raise RuntimeError("configure() comes before decode()")
        checkpoint()
        if not len(log_probs):
            return (Hypothesis(()),)
        settings = self._settings
        weights = WordWeights(settings.lm_weight, settings.word_score, settings.hotword_weight)
        histories = WordHistories(self._lexicon.words, self._ngrams, self._matcher, weights)
        most_tokens = beam_width * TOKENS_PER_HYPOTHESIS
        least_label_logp = settings.token_min_logp - SPARE_LABEL_LOGP
        options = SearchOptions(most_tokens, -settings.beam_prune_logp, least_label_logp)
        blank = self._labels.blank_index
        search = LexiconSearch(self._tree, blank, histories, self._lookahead, options, keeps_rivals=n_best > 1)
        readings = best_readings(search.run(log_probs, checkpoint), VOTERS if n_best > 1 else 1)
        return tuple(
            self._hypothesis(log_probs, audio_s, self._tree, reading) for reading in put_safest_first(readings)[:n_best]
        )

    def close(self) -> None:
        """Nothing outlives the decoder."""

    def _take_hotwords(
        self, hotwords: Sequence[str], guessed: dict[str, Sequence[bytes]]
    ) -> tuple[list[Phrase], tuple[str, ...]]:
        """Phrases in the lexicon's spelling, and those that cannot be said; new words are added to ``guessed``."""
        phrases: list[Phrase] = []
        unspellable = []
        for hotword in hotwords:
            phrase, hint = split_hint(hotword)
            words = tuple(word if word in self._known else word.lower() for word in phrase.split())
            for word in words:
                if word not in self._known and word not in guessed:
                    guessed[word] = self._guess(word, is_initials=word.upper() in phrase.split())
            guessed.update(self._take_hint(words, hint))
            if words and all(word in self._known or guessed[word] for word in words):
                phrases.append(words)
            else:
                unspellable.append(hotword)
        return phrases, tuple(unspellable)

    def _take_hint(self, words: tuple[str, ...], hint: str) -> dict[str, Sequence[bytes]]:
        """Pronunciations of the words that sound like ``hint``: all of it for one word, else word by word."""
        parts = [hint.lower().split()] if len(words) == 1 else [[part] for part in hint.lower().split()]
        if not hint or len(parts) != len(words):
            return {}
        hinted = {}
        for word, part in zip(words, parts, strict=True):
            ways = [self._own.ways(other) or self._speller(other) for other in part]
            hinted[word] = [b"".join(way) for way in islice(product(*ways), MOST_HINTED_WAYS)]
        return {word: said for word, said in hinted.items() if said}

    def _guess_personal_words(self) -> dict[str, Sequence[bytes]]:
        """How the words of the personal model are said; asked of the speller once."""
        if not self._personal_guesses:
            self._personal_guesses = {word: self._speller(word) for word in self._personal_words}
        return self._personal_guesses

    def _guess(self, word: str, *, is_initials: bool) -> Sequence[bytes]:
        """How a word may be said: as the speller thinks, and by the names of its letters if it may be initials."""
        ways = list(self._speller(word))
        if is_initials and 1 < len(word) <= MOST_INITIALS and all(letter in self._letter_names for letter in word):
            ways.append(b"".join(self._letter_names[letter] for letter in word))
        return ways

    def _grow(self, guessed: Mapping[str, Sequence[bytes]], ngrams: NgramSource | None) -> PronunciationTree:
        """The tree of the lexicon and the guessed words, and each word's score without context."""
        lexicon = self._own.with_words(guessed)
        if self._tree is None or lexicon != self._lexicon or ngrams is not self._ngrams:
            self._lexicon = lexicon
            self._ngrams = ngrams
            self._tree = build_tree(lexicon, len(self._labels))
            self._unigrams = _unigrams(ngrams, lexicon.words)
        return self._tree

    def _look_ahead(self, tree: PronunciationTree, settings: RecognizerSettings, hotwords: set[str]) -> Lookahead:
        """What the words below each place promise."""
        scores: Reals = settings.lm_weight * self._unigrams
        below, here = tree.best_below(scores)
        promised = np.zeros_like(below)
        if hotwords:
            is_hotword = np.array([word in hotwords for word in self._lexicon.words])
            favoured, _ = tree.best_below(np.where(is_hotword, scores + settings.hotword_weight, -np.inf))
            promised = np.maximum(0.0, favoured - below)
        return Lookahead(below, here + settings.word_score, promised)

    def _hypothesis(self, log_probs: LogProbs, audio_s: float, tree: PronunciationTree, reading: Reading) -> Hypothesis:
        """Give the words of a reading their times and confidences."""
        words = []
        for place, said in enumerate(reading.said, 1):
            limit = reading.said[place].first_frame if place < len(reading.said) else len(log_probs)
            sounds = tree.sounds(said.place)
            end = _end_frame(log_probs, said, limit, sounds[-1])
            confidence = word_confidence(log_probs[said.first_frame : end, sounds])
            start_s = min(max(0.0, self._first_frame_s + (said.first_frame - 0.5) * self._frame_s), audio_s)
            end_s = min(self._first_frame_s + (end - 0.5) * self._frame_s, audio_s)
            words.append(Word(self._lexicon.words[said.word], start_s, max(start_s, end_s), confidence))
        return Hypothesis(tuple(words), reading.score)


def _letter_names(lexicon: Lexicon) -> dict[str, bytes]:
    """How single letters are said: the last way listed, which for "a" is the letter and not the article."""
    rows = zip(lexicon.spoken, lexicon.sounds, strict=True)
    return {lexicon.words[word]: sounds for word, sounds in rows if len(lexicon.words[word]) == 1}


def _unigrams(ngrams: NgramSource | None, words: Sequence[str]) -> Reals:
    """Natural-log probability of each word without context: after a word that the model does not know."""
    if ngrams is None:
        return np.zeros(len(words))
    _, state = ngrams.score(ngrams.start(), _UNKNOWN)
    return NATS_PER_DECADE * np.array([ngrams.score(state, word)[0] for word in words])


def _end_frame(log_probs: LogProbs, said: Said, limit: int, label: int) -> int:
    """One past the last frame of a word: its last sound lasts while it is the likeliest label, up to ``limit``."""
    end = said.last_frame + 1
    while end < limit and log_probs[end].argmax() == label:
        end += 1
    return end
