"""CTC beam search over a pronunciation lexicon with an n-gram language model, through flashlight-text.

The search walks a tree of pronunciations (Collobert, Puhrsch and Synnaeve 2016, "Wav2Letter", arXiv:1609.03193), so
every word it gives is in the lexicon.

Its CTC lets a sound last over several frames except the last one of a word: after that only a separator or the next
word may come, and a network without a separator label gets its words twice ("two two or or three"). So each phone has
a second label here, its end, with the same probability: a word's last phone is either one frame of the phone, or
some frames of the phone and one of its end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from corpus import PHONES, SYMBOLS
from flashlight.lib.text import decoder as flashlight
from flashlight.lib.text.decoder.kenlm import KenLM
from flashlight.lib.text.dictionary import Dictionary

BLANK_INDEX = 0
_UNKNOWN = "<unk>"


@dataclass(frozen=True)
class SearchSettings:
    """How to search.

    Attributes:
        lm_weight: Times the language model's natural-log score.
        word_score: Added per word.
        beam_width: Readings kept from frame to frame.
        beam_tokens: Likeliest labels tried in a frame.
        beam_margin: Readings this far behind the best one are dropped, in nats.
    """

    lm_weight: float = 0.9
    word_score: float = 0.0
    beam_width: int = 100
    beam_tokens: int = 20
    beam_margin: float = 25.0


class LexiconSearch:
    """Turns log-probabilities of phones into words."""

    def __init__(self, lexicon: Path, language_model: Path | None) -> None:
        lines = [line.split() for line in lexicon.read_text(encoding="utf-8").splitlines()]
        self._words = list(dict.fromkeys(line[0] for line in lines))
        index = {word: place for place, word in enumerate(self._words)}
        vocabulary = Dictionary([*self._words, _UNKNOWN])
        self._language_model: Any = KenLM(str(language_model), vocabulary) if language_model else flashlight.ZeroLM()
        self._tree = flashlight.Trie(len(SYMBOLS) + len(PHONES), BLANK_INDEX)
        start = self._language_model.start(False)
        for word, *phones in lines:
            score = self._language_model.score(start, index[word])[1]
            sounds = [SYMBOLS.index(phone) for phone in phones]
            self._tree.insert(sounds, index[word], score)
            self._tree.insert([*sounds, sounds[-1] + len(PHONES)], index[word], score)
        self._tree.smear(flashlight.SmearingMode.MAX)

    def read(self, log_probs: npt.NDArray[np.float32], settings: SearchSettings) -> list[str]:
        """Find the best words for log-probabilities of shape (frames, labels)."""
        options = flashlight.LexiconDecoderOptions(
            beam_size=settings.beam_width,
            beam_size_token=2 * settings.beam_tokens,  # each phone counts twice
            beam_threshold=settings.beam_margin,
            lm_weight=settings.lm_weight * math.log(10),  # KenLM's scores are decadic logarithms
            word_score=settings.word_score,
            unk_score=-math.inf,
            sil_score=0.0,
            log_add=False,
            criterion_type=flashlight.CriterionType.CTC,
        )
        search = flashlight.LexiconDecoder(
            options, self._tree, self._language_model, BLANK_INDEX, BLANK_INDEX, len(self._words), [], False
        )
        emissions = np.ascontiguousarray(np.hstack([log_probs, log_probs[:, 1:]]), dtype=np.float32)
        readings = search.decode(emissions.ctypes.data, *emissions.shape)
        return [self._words[word] for word in readings[0].words if word >= 0] if readings else []
