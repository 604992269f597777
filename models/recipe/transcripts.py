"""Text for the language model that books do not hold: what training clips say, and strings of digits and letters.

Phone numbers and spelled names are spoken without grammar: any digit or letter may follow any other. Text teaches the
language model otherwise ("two three" often, "nine x" never), so random strings stand beside it.
"""

from __future__ import annotations

import random
from pathlib import Path

import click
from corpus import read_clips, words_of

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
LETTERS = tuple("abcdefghijklmnopqrstuvwxyz")
MOST_SYMBOLS = 14


def draw_string(dice: random.Random, names: list[str]) -> str:
    """Some digits, as in a telephone number, or the letters of a word."""
    if dice.choice((True, False)):
        zero = dice.choice(("zero", "zero", "zero", "oh"))
        digits = dice.choices(DIGITS, k=dice.randint(1, MOST_SYMBOLS))
        return " ".join(zero if digit == "zero" else digit for digit in digits)
    spelled = "".join(dice.choices(names, k=dice.randint(1, 2)))
    return " ".join(letter for letter in spelled if letter in LETTERS)


@click.command()
@click.option("--corpus", multiple=True, type=click.Path(exists=True, path_type=Path), required=True)
@click.option(
    "--words", type=click.Path(exists=True, path_type=Path), required=True, help="Words to spell: a dictionary."
)
@click.option("--output", type=click.Path(path_type=Path), required=True, help="Gets transcripts.txt and strings.txt.")
@click.option("--strings", default=20_000, show_default=True)
@click.option("--seed", default=1, show_default=True)
def main(corpus: tuple[Path, ...], words: Path, output: Path, strings: int, seed: int) -> None:
    """Write the texts of the train rows, and random strings."""
    output.mkdir(parents=True, exist_ok=True)
    lines = [" ".join(words_of(clip.text)) for place in corpus for clip in read_clips(place, "train")]
    (output / "transcripts.txt").write_text("\n".join(line for line in lines if line) + "\n", encoding="utf-8")
    names = [line.split("(")[0].split()[0] for line in words.read_text(encoding="utf-8").splitlines() if line.strip()]
    dice = random.Random(seed)  # noqa: S311 - repeatable, no secret
    with click.progressbar(range(strings), label="Drawing") as bar:
        drawn = [draw_string(dice, names) for _ in bar]
    (output / "strings.txt").write_text("\n".join(line for line in drawn if line) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
