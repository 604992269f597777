"""Turn the telephone prompts of Debian's asterisk-core-sounds-en-g722 into a corpus folder ``prompts``.

Sixteen minutes of one professional voice (Allison Smith, CC BY-SA 3.0) whose texts are known word for word. The
recordings have 7 kHz of bandwidth (ITU-T G.722), the front end reads 6.8.
"""

from __future__ import annotations

import csv
import gzip
import re
import wave
from collections.abc import Iterator
from pathlib import Path

import av
import click
import numpy as np
from corpus import read_lexicon, words_of
from debian import DebianPath, install

from dictation.core.records import SAMPLE_RATE_HZ

SOUNDS = Path("/usr/share/asterisk/sounds/en_US_f_Allison")
TEXTS = Path("/usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz")
SOUNDS_PACKAGE, TEXTS_PACKAGE = "asterisk-core-sounds-en-g722", "asterisk-core-sounds-en"
UNSURE = re.compile(r"[\[(<\d]")
"""In a description of a sound in place of its words, and in numbers, which may be said in several ways."""
SHORTEST_S, LONGEST_S = 0.3, 16.0


def read_texts(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Name and words of each prompt; remarks and what is no speech stay out."""
    with gzip.open(path, "rt", encoding="utf-8", errors="replace") as lines:
        for line in lines:
            name, colon, text = line.partition(":")
            if colon and not name.startswith(";") and not UNSURE.search(text):
                yield name.strip(), words_of(text)


def read_g722(path: Path) -> np.ndarray:
    """The samples as int16, shape (samples,); the files have no header."""
    with av.open(str(path), format="g722") as container:
        return np.concatenate([frame.to_ndarray().ravel() for frame in container.decode(audio=0)])


@click.command()
@click.option("--sounds", type=DebianPath(SOUNDS_PACKAGE), default=SOUNDS, show_default=True)
@click.option("--texts", type=DebianPath(TEXTS_PACKAGE), default=TEXTS, show_default=True)
@click.option("--lexicon", type=click.Path(exists=True, path_type=Path), required=True, help="In CMU's format.")
@click.option("--output", type=click.Path(path_type=Path), required=True, help="A corpus; gets the folder prompts.")
def main(sounds: Path, texts: Path, lexicon: Path, output: Path) -> None:
    """Write the prompts whose every word has a pronunciation, all for training."""
    if not any(sounds.rglob("*.g722")):  # packages of other codecs share the folder
        raise click.ClickException(f"{sounds} has no recording in G.722. {install(SOUNDS_PACKAGE)}")
    known = read_lexicon(lexicon)
    folder = output / "prompts"
    folder.mkdir(parents=True, exist_ok=True)
    rows = [["path", "seconds", "speaker", "split", "text"]]
    with click.progressbar(list(read_texts(texts)), label="Reading") as bar:
        for name, words in bar:
            source = sounds / f"{name}.g722"
            if not words or not source.exists() or any(word not in known for word in words):
                continue
            samples = read_g722(source)
            length_s = len(samples) / SAMPLE_RATE_HZ
            if SHORTEST_S <= length_s <= LONGEST_S:
                path = folder / f"{name.replace('/', '-')}.wav"
                _write_wav(path, samples)
                rows.append([path.name, f"{length_s:.2f}", "allison", "train", " ".join(words)])
    with (folder / "manifest.tsv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, delimiter="\t", lineterminator="\n").writerows(rows)
    click.echo(f"{len(rows) - 1} prompts")


def _write_wav(path: Path, samples: np.ndarray) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE_HZ, 0, "NONE", ""))
        file.writeframes(samples.astype("<i2").tobytes())


if __name__ == "__main__":
    main()
