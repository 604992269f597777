"""Network outputs that say a known text."""

from __future__ import annotations

import numpy as np

from dictation.asr.labels import Labels

ENGLISH = Labels(("<blank>", " ", *"abcdefghijklmnopqrstuvwxyz'"), "<blank>", " ")


def spell(text: str, labels: Labels = ENGLISH, sure: float = 0.99, blanks: int = 1) -> np.ndarray:
    """One frame per character, each followed by ``blanks`` blank frames; shape (frames, labels)."""
    rows = []
    for character in text:
        rows.append(_row(labels.symbols.index(character), len(labels), sure))
        rows += [_row(labels.blank_index, len(labels), sure)] * blanks
    return np.log(np.array(rows, dtype=np.float32).reshape(-1, len(labels)))


def between(first: np.ndarray, second: np.ndarray, share: float) -> np.ndarray:
    """A mixture of two outputs of the same shape: ``share`` of the first, the rest of the second."""
    return np.log(share * np.exp(first) + (1 - share) * np.exp(second)).astype(np.float32)


def _row(index: int, count: int, sure: float) -> np.ndarray:
    row = np.full(count, (1 - sure) / (count - 1))
    row[index] = sure
    return row
