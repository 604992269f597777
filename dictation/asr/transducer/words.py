"""Readings of a transducer to hypotheses: pieces to words, frames to times, probabilities to confidence."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dictation.core.records import Hypothesis, Word

if TYPE_CHECKING:
    from dictation.asr.labels import Labels
    from dictation.asr.transducer.beam import Beam, Reading

_UNSPOKEN = re.compile(r"<.*>")
"""How SentencePiece writes pieces that stand for no text: ``<unk>``, ``<s>``, ``</s>``, ``<pad>``."""


@dataclass
class _OpenWord:
    """A word that may still grow."""

    text: str
    first_frame: int
    last_frame: int
    log_probs: list[float]


class WordMaker:
    """Knows the pieces of a model. Thread: any.

    Args:
        labels: Pieces of words.
        frame_s: Seconds per frame.
    """

    def __init__(self, labels: Labels, frame_s: float) -> None:
        self._labels = labels
        self._frame_s = frame_s

    def hypotheses(self, beam: Beam, audio_s: float, most: int) -> tuple[Hypothesis, ...]:
        """The best readings with different texts, at least one and at most ``most``; their ranks are the scores."""
        found: dict[str, Hypothesis] = {}
        for reading in beam:
            hypothesis = Hypothesis(self._words(reading, audio_s), reading.rank)
            found.setdefault(hypothesis.text, hypothesis)
            if len(found) == most:
                break
        return tuple(found.values())

    def _words(self, reading: Reading, audio_s: float) -> tuple[Word, ...]:
        """A word lasts from the frame of its first piece to that of its last, which is included.

        A transducer writes a piece once it is sure of it, which is a little after it was said. The confidence is the
        geometric mean of the pieces' probabilities, each after those before it.
        """
        words: list[_OpenWord] = []
        for symbol, frame, log_prob in zip(reading.symbols, reading.frames, reading.log_probs, strict=True):
            piece = self._labels.symbols[symbol]
            if _UNSPOKEN.fullmatch(piece):
                continue
            if not words or piece.startswith(self._labels.word_start):
                words.append(_OpenWord("", frame, frame, []))
            word = words[-1]
            word.text += piece.removeprefix(self._labels.word_start)
            word.last_frame = frame
            word.log_probs.append(log_prob)
        return tuple(self._finish(word, audio_s) for word in words if word.text)

    def _finish(self, word: _OpenWord, audio_s: float) -> Word:
        start_s = min(word.first_frame * self._frame_s, audio_s)
        end_s = min((word.last_frame + 1) * self._frame_s, audio_s)
        confidence = math.exp(sum(word.log_probs) / len(word.log_probs))
        return Word(word.text, start_s, end_s, min(1.0, confidence))
