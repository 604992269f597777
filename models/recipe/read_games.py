"""Turn three voiced adventure games of Debian's main section into a corpus folder ``games``.

"Beneath a Steel Sky", "Flight of the Amazon Queen" and "Drascula" (packages beneath-a-steel-sky, drascula,
flight-of-the-amazon-queen) were given away by their makers under a licence that allows changing and passing on, not
selling them. Several dozen actors speak some six hours of English, and the games hold the words of each recording. The
band ends at 5.5 kHz.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

import amazon_queen
import click
import steel_sky
from corpus import read_lexicon, words_of
from debian import DebianPath, install
from drascula import read_lines as read_drascula
from spoken_line import SpokenLine

SCUMMVM = Path("/usr/share/scummvm")
PACKAGES = ("beneath-a-steel-sky", "drascula", "flight-of-the-amazon-queen")

Command = Callable[..., None]


def choose(lines: Iterator[SpokenLine], known: set[str]) -> Iterator[tuple[SpokenLine, list[str]]]:
    """The lines whose wording is certain and whose every word has a pronunciation, with their words."""
    for line in lines:
        words = words_of(line.text)
        if words and not re.search(r"\d", line.text) and known.issuperset(words):
            yield line, words


def game_option(name: str, place: str) -> Callable[[Command], Command]:
    """An option for where a game lies, by default where Debian puts it: in a folder called like its package."""
    package = Path(place).parts[0]
    return click.option(name, type=DebianPath(package), default=SCUMMVM / place, show_default=True)


@click.command()
@game_option("--queen", "flight-of-the-amazon-queen/queen.1c")
@game_option("--sky", "beneath-a-steel-sky")
@game_option("--drascula", "drascula/en")
@click.option("--lexicon", type=click.Path(exists=True, path_type=Path), required=True, help="In CMU's format.")
@click.option("--output", type=click.Path(path_type=Path), required=True, help="A corpus; gets the folder games.")
def main(queen: Path, sky: Path, drascula: Path, lexicon: Path, output: Path) -> None:
    """Write the spoken lines, all for training."""
    known = set(read_lexicon(lexicon))
    readers = (amazon_queen.read_lines(queen), steel_sky.read_lines(sky), read_drascula(drascula))
    try:
        write_corpus(output / "games", choose(chain.from_iterable(readers), known))
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    except FileNotFoundError as error:
        raise click.ClickException(f"{error.filename} is missing. {install(*PACKAGES)}") from error


def write_corpus(folder: Path, lines: Iterator[tuple[SpokenLine, list[str]]]) -> None:
    """Write the recordings and their manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [["path", "seconds", "speaker", "split", "text"]]
    with click.progressbar(lines, label="Reading", item_show_func=lambda pair: pair and pair[0].name) as bar:
        for line, words in bar:
            (folder / line.name).write_bytes(line.recording)
            rows.append([line.name, "", "", "train", " ".join(words)])
    with (folder / "manifest.tsv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, delimiter="\t", lineterminator="\n").writerows(rows)
    click.echo(f"{len(rows) - 1} lines")


if __name__ == "__main__":
    main()
