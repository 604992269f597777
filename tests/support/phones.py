"""A miniature of a model whose labels are sounds: labels, a lexicon, and network outputs that say something."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dictation.asr.labels import Labels
from dictation.asr.lexicon import Lexicon, read_lexicon

LABELS = Labels(("<blank>", "AA", "S", "T", "N", "UW"), "<blank>", "")
LINES = """sun S AA N
sun S UW N
son S AA N
us AA S
ussun AA S AA N
two T UW
to T UW
too T UW
nut N AA T
a AA
ass AA S S
"""


def write_lexicon(folder: Path, text: str = LINES) -> Path:
    path = folder / "lexicon.txt"
    path.write_text(text, encoding="utf-8")
    return path


def small_lexicon(folder: Path, text: str = LINES) -> Lexicon:
    return read_lexicon(write_lexicon(folder, text), LABELS)


def hear(sounds: str, sure: float = 0.99, labels: Labels = LABELS) -> np.ndarray:
    """One frame per sound; ``-`` is the blank. Shape (frames, labels)."""
    rows = []
    for sound in sounds.split():
        row = np.full(len(labels), (1 - sure) / (len(labels) - 1))
        row[labels.blank_index if sound == "-" else labels.symbols.index(sound)] = sure
        rows.append(row)
    return np.log(np.array(rows, dtype=np.float32).reshape(-1, len(labels)))
