"""What the recipe's commands share: corpus rows, normalised text, the pronunciation lexicon, audio."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from dictation.core.records import SAMPLE_RATE_HZ, Samples

PHONES = (
    *("AA", "AE", "AH", "AO", "AW", "AY", "B", "CH", "D", "DH", "EH", "ER", "EY", "F", "G", "HH", "IH", "IY", "JH"),
    *("K", "L", "M", "N", "NG", "OW", "OY", "P", "R", "S", "SH", "T", "TH", "UH", "UW", "V", "W", "Y", "Z", "ZH"),
)
"""The CMU dictionary's 39, without stress."""
BLANK = "<blank>"
SYMBOLS = (BLANK, *PHONES)
EVALUATION_SETS = {
    "eval-real": ("common-voice-a", "common-voice-b", "common-voice-c", "librispeech-dev-clean-84", "librivox-austen"),
    "eval-lj": ("ljspeech-part1",),
    "eval-l2": ("speechocean762-test",),
    "eval-numbers": ("numbers-weak", "spelled-names-weak", "fsdd", "speech-commands-300"),
    "eval-grid": ("grid-s1",),
    "eval-tts": ("synthetic",),
}
"""As the corpus' SPLITS.md defines them; ``synthetic`` is what synthesise.py writes."""

Lexicon = dict[str, list[tuple[str, ...]]]
"""Pronunciations by word, the usual one first."""


@dataclass(frozen=True)
class Clip:
    """One row of a manifest."""

    folder: str
    path: Path
    split: str
    text: str


def read_clips(corpus: Path, split: str) -> Iterator[Clip]:
    """Yield the transcribed clips of one split, in the order of the manifests.

    Rows without a text (the weak coffee orders) and with digits in it (addresses) have no certain wording: left out.
    """
    for manifest in sorted(corpus.glob("*/manifest.tsv")):
        with manifest.open(encoding="utf-8") as stream:
            for row in csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE):
                if row["split"] == split and row["text"] and not re.search(r"\d", row["text"]):
                    yield Clip(manifest.parent.name, manifest.parent / row["path"], split, row["text"])


def read_lexicon(path: Path) -> Lexicon:
    """Read a dictionary in CMU's format: a word, perhaps with a variant as in ``read(2)``, and its phones."""
    lexicon: Lexicon = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        word, *phones = line.split()
        lexicon.setdefault(re.sub(r"\(\d+\)$", "", word), []).append(tuple(phones))
    return lexicon


def words_of(text: str) -> list[str]:
    """Lower case, hyphens and dashes to spaces, punctuation and outer apostrophes removed: the corpora's rule."""
    letters = re.sub(r"[^a-z' ]", "", re.sub(r"[-–—/]", " ", text.lower()))  # noqa: RUF001 - an en dash is meant
    return [word for word in (part.strip("'") for part in letters.split()) if word]


def phone_ids(words: list[str], lexicon: Lexicon) -> list[int] | None:
    """The usual pronunciation as indices into ``SYMBOLS``, or None if a word has none."""
    if not all(word in lexicon for word in words):
        return None
    return [SYMBOLS.index(phone) for word in words for phone in lexicon[word][0]]


def read_samples(path: Path) -> Samples:
    """Decode a clip to 16 kHz mono float32."""
    resampler = av.AudioResampler("fltp", "mono", SAMPLE_RATE_HZ)
    with av.open(str(path)) as container:
        frames = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
        frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray()[0] for frame in frames]).astype(np.float32)
