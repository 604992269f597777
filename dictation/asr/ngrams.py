"""Word scores from n-gram models in KenLM files: one model, or the user's own mixed into a general one."""

from __future__ import annotations

import math
import sys
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import kenlm

from dictation.core.errors import ModelDamaged, PersonalModelMissing

_ARPA_SUFFIX = ".arpa"
_SENTENCE_END = "</s>"

State = Any
"""What a source remembers of the words so far: opaque, immutable for callers."""


class NgramSource(Protocol):
    """Scores words after other words, in log10. Thread: whichever one, but only one at a time."""

    order: int
    """Longest word sequence it looks at."""

    def start(self) -> State:
        """The state at the start of a sentence."""

    def score(self, state: State, word: str) -> tuple[float, State]:
        """Log10 probability of a word after ``state``, known or not, and the state after it."""

    def score_end(self, state: State) -> float:
        """Log10 probability that the sentence ends after ``state``."""

    def knows(self, word: str) -> bool:
        """Whether the word is in the vocabulary."""

    def starts_word(self, prefix: str) -> bool:
        """Whether some word of the vocabulary starts like this; False without a list of the vocabulary."""


class SingleModel:
    """One KenLM model.

    A model of upper-case words (LibriSpeech's are) is asked in upper case, whatever the case of the labels.

    The vocabulary is a sorted list: pyctcdecode's trie of Python objects took 0.6 s and 31 MB for 60,000 words, the
    list takes 0.06 s and 15 MB, and answers the only question asked of it.
    """

    def __init__(self, model: kenlm.Model, words: Iterable[str] | None) -> None:
        self.order: int = model.order
        self._model = model
        self._words = frozenset(word for word in words or () if word in model)
        self._sorted_words = sorted(self._words)
        self._is_upper_case = _are_upper_case(self._words)

    def start(self) -> State:
        """The state at the start of a sentence."""
        state = kenlm.State()
        self._model.BeginSentenceWrite(state)
        return state

    def score(self, state: State, word: str) -> tuple[float, State]:
        """Log10 probability of a word after ``state``, known or not, and the state after it."""
        following = kenlm.State()
        return self._model.BaseScore(state, word.upper() if self._is_upper_case else word, following), following

    def score_end(self, state: State) -> float:
        """Log10 probability that the sentence ends after ``state``."""
        log10_prob: float = self._model.BaseScore(state, _SENTENCE_END, kenlm.State())
        return log10_prob

    def knows(self, word: str) -> bool:
        """Whether the word is in the vocabulary."""
        return (word.upper() if self._is_upper_case else word) in (self._words or self._model)

    def starts_word(self, prefix: str) -> bool:
        """Whether some word of the vocabulary starts like this; False without a list of the vocabulary."""
        written = prefix.upper() if self._is_upper_case else prefix
        place = bisect_left(self._sorted_words, written)
        return place < len(self._sorted_words) and self._sorted_words[place].startswith(written)

    @property
    def has_list(self) -> bool:
        """Whether the vocabulary is listed, so that ``starts_word`` can say yes."""
        return bool(self._words)


class MixedModel:
    """A personal model mixed into a general one: linear in probability, as it was tuned (``language.mixture``).

    Each word has ``weight * p_personal + (1 - weight) * p_general``, where a model gives nothing to words outside its
    vocabulary. So the words of both vocabularies are known, and the probabilities still sum to one. Each model keeps
    its own state, since each backs off at its own place.
    """

    def __init__(self, general: SingleModel, personal: SingleModel, weight: float) -> None:
        self.order = max(general.order, personal.order)
        self._general = general
        self._personal = personal
        self._log10_general = math.log10(1 - weight)
        self._log10_personal = math.log10(weight)

    def start(self) -> State:
        """The state at the start of a sentence."""
        return self._general.start(), self._personal.start()

    def score(self, state: State, word: str) -> tuple[float, State]:
        """Log10 probability of a word after ``state``, known or not, and the state after it."""
        general, general_state = self._general.score(state[0], word)
        personal, personal_state = self._personal.score(state[1], word)
        following = (general_state, personal_state)
        if not self._personal.knows(word):
            return general + self._log10_general, following
        if not self._general.knows(word):
            return personal + self._log10_personal, following
        return self._mix(general, personal), following

    def score_end(self, state: State) -> float:
        """Log10 probability that the sentence ends after ``state``."""
        return self._mix(self._general.score_end(state[0]), self._personal.score_end(state[1]))

    def knows(self, word: str) -> bool:
        """Whether the word is in either vocabulary."""
        return self._general.knows(word) or self._personal.knows(word)

    def starts_word(self, prefix: str) -> bool:
        """Whether some word of either vocabulary starts like this.

        False without a list of the general one: else every word of the personal model would be far ahead.
        """
        return self._general.has_list and (self._general.starts_word(prefix) or self._personal.starts_word(prefix))

    def _mix(self, general: float, personal: float) -> float:
        """Add two probabilities in log10."""
        one, other = general + self._log10_general, personal + self._log10_personal
        low, high = (one, other) if one < other else (other, one)
        return high + math.log10(1 + 10 ** (low - high))


@dataclass(frozen=True)
class PersonalFiles:
    """An installed personal language model.

    Attributes:
        name: As the user called it.
        model_path: Its KenLM file.
        words_path: Its vocabulary, separated by white space.
        weight: Its share in the mixture, above 0, at most 1; 1 uses it alone.
        letters: What its words are spelled with.
    """

    name: str
    model_path: Path
    words_path: Path
    weight: float
    letters: str


def load_ngrams(path: Path, unigrams: Path | None) -> SingleModel:
    """Load a KenLM file (binary or ARPA) and its vocabulary.

    The starter's 11 MB trie loads in 2 ms (memory-mapped), its 60,000 words in 0.06 s. ARPA text takes about 0.8 s
    per million n-grams.

    Raises:
        ModelDamaged: if either cannot be read.
    """
    try:
        model = kenlm.Model(str(path), _quiet())
    except (OSError, RuntimeError) as error:
        raise ModelDamaged(f"{path.name} is not a language model that KenLM can read: {error}.") from error
    try:
        return SingleModel(model, _read_words(path, unigrams))
    except (OSError, ValueError) as error:
        raise ModelDamaged(f"The vocabulary of {path.name} cannot be read: {error}.") from error


def mix_in(general: SingleModel | None, personal: PersonalFiles, letters: Iterable[str]) -> NgramSource:
    """Load a personal model and mix it into the general one; without one it stands alone.

    Raises:
        PersonalModelMissing: if its files are damaged, if its words are spelled with other letters than ``letters``, or
            if it was built to stand alone and would silence the general one.
    """
    if not set(letters) >= set(personal.letters):
        raise PersonalModelMissing(
            f"The personal language model {personal.name} is spelled with other letters than this recognition model.",
            "Build it again for this recognition model: dictation lm build.",
        )
    if general is not None and personal.weight >= 1:
        raise PersonalModelMissing(
            f"The personal language model {personal.name} was built for a recognition model without a language model.",
            "Build it again for this recognition model: dictation lm build.",
        )
    try:
        own = load_ngrams(personal.model_path, personal.words_path)
    except ModelDamaged as error:
        raise PersonalModelMissing(f"The personal language model {personal.name} is damaged. {error}") from error
    if general is None:
        return own
    return MixedModel(general, own, personal.weight)


def _quiet() -> kenlm.Config:
    """KenLM without a progress bar and advice on standard error."""
    config = kenlm.Config()
    config.show_progress = False
    config.arpa_complain = kenlm.ARPALoadComplain.NONE
    if sys.platform != "win32":  # where no file can be replaced while it is mapped
        config.load_method = kenlm.LoadMethod.POPULATE_OR_LAZY  # the default reads a copy where Linux's flag is unknown
    return config


def _read_words(path: Path, unigrams: Path | None) -> list[str] | None:
    """The vocabulary: the list if there is one, else what an ARPA file states."""
    if unigrams is not None:
        return unigrams.read_text(encoding="utf-8").split()
    return _read_arpa_words(path) if path.suffix == _ARPA_SUFFIX else None


def _read_arpa_words(path: Path) -> list[str]:
    """The words that an ARPA file lists, marks such as ``<s>`` left out."""
    words = []
    with path.open(encoding="utf-8") as stream:
        for line in stream:
            if line.startswith("\\2-grams:"):
                break
            fields = line.split()
            if len(fields) > 1 and not line.startswith(("\\", "ngram ")) and not fields[1].startswith("<"):
                words.append(fields[1])
    return words


def _are_upper_case(words: Iterable[str]) -> bool:
    """Whether there are words with letters that have a case, and none of them has a lower-case one."""
    listed = list(words)
    return any(word != word.lower() for word in listed) and all(word == word.upper() for word in listed)
