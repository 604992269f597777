"""Real speech of the shared corpora, with what is said in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dictation.core.records import Samples


def read_clips(folder: Path, clips: int) -> Iterator[tuple[Samples, list[str]]]:
    """Some development rows of a corpus, evenly spread; evaluation rows where it has no others."""
    lines = (folder / "manifest.tsv").read_text(encoding="utf-8").splitlines()[1:]
    rows = [line.split("\t") for line in lines]
    chosen = [row for row in rows if row[3] == "dev"] or [row for row in rows if row[3] == "eval"]
    for path, _, _, _, text in chosen[:: max(1, len(chosen) // clips)][:clips]:
        yield _decode(folder / path), re.sub("[^a-z' ]", " ", text.lower()).split()


def _decode(path: Path) -> Samples:
    from dictation.audio.media import open_media

    with open_media(path) as media:
        return np.concatenate(list(media))
