"""Draw sentences for synthesise.py from text, none of them twice and none that other files hold."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import click
from corpus import words_of
from synthesise import LEAST_WORDS, MOST_WORDS


def read_sentences(path: Path) -> dict[str, str]:
    """Sentences of a length that synthesise.py takes, as they stand, by their normalised form."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as stream:
        found = {" ".join(words_of(line)): line.strip() for line in stream}
    return {plain: line for plain, line in found.items() if LEAST_WORDS <= len(plain.split()) <= MOST_WORDS}


@click.command()
@click.argument("texts", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--most-per-text", default=5000, show_default=True, help="Sentences drawn from each text.")
@click.option("--output", type=click.Path(path_type=Path), required=True, help="Gets one sentence a line, shuffled.")
@click.option("--leave-out", multiple=True, type=click.Path(exists=True, path_type=Path), help="None of this file's.")
@click.option("--seed", default=0, show_default=True, help="Of the choice.")
def main(texts: tuple[Path, ...], most_per_text: int, output: Path, leave_out: tuple[Path, ...], seed: int) -> None:
    """Draw sentences of 3 to 14 words from TEXTS, gzipped or not.

    With ``--leave-out`` a held-out file shares no sentence with the one that the training speaks, however they are
    written: case and punctuation do not count.
    """
    dice = random.Random(f"{seed}/sentences")  # noqa: S311 - repeatable, no secret
    taken = {" ".join(words_of(line)) for path in leave_out for line in path.read_text(encoding="utf-8").splitlines()}
    chosen: list[str] = []
    with click.progressbar(texts, label="Reading") as bar:
        for path in bar:
            found = {plain: line for plain, line in read_sentences(path).items() if plain not in taken}
            drawn = dice.sample(sorted(found), min(most_per_text, len(found)))
            taken.update(drawn)
            chosen += [found[plain] for plain in drawn]
    if not chosen:
        message = f"no sentence of {LEAST_WORDS} to {MOST_WORDS} words in {', '.join(map(str, texts))}"
        raise click.ClickException(message)
    dice.shuffle(chosen)
    output.write_text("\n".join(chosen) + "\n", encoding="utf-8")
    click.echo(f"{output}: {len(chosen):,} sentences")


if __name__ == "__main__":
    main()
