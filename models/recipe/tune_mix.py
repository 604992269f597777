"""Find how much each source of text should count in the language model: weights that suit the development rows.

Each source gets a small n-gram model of its own. Expectation maximisation (Jelinek and Mercer 1980, "Interpolated
estimation of Markov source parameters from sparse data") then finds the mixture under which the transcripts of the dev
rows are likeliest, every evaluation set counting alike. From the share a source has in the mixture and the words it
holds comes how often build_lm.py should read it.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import click
import kenlm
import numpy as np
import numpy.typing as npt
from build_lm import estimate, read_lines
from corpus import EVALUATION_SETS, read_clips, read_lexicon, words_of

Floats = npt.NDArray[np.float64]
ROUNDS = 50
MOST_REPEATS = 4
"""Repeating text makes its rare n-grams look frequent; more than this fills the file with them."""


UNSEEN_WORDS = 60_000
"""Words that share what a small source leaves for the unknown. As one word they would make a text of few words the
best prophet of any text: random digits got 45 % of the weight."""


def word_probabilities(model: kenlm.Model, sentences: list[list[str]]) -> Floats:
    """The probability of each word and sentence end, shape (words,)."""
    scores = [score for words in sentences for score in model.full_scores(" ".join(words))]
    return np.array([10**score / (UNSEEN_WORDS if is_unseen else 1) for score, _, is_unseen in scores])


def mix(probabilities: Floats, importance: Floats) -> Floats:
    """Mixture weights, shape (sources,), for probabilities (sources, words) of words that matter as much as stated."""
    weights = np.full(len(probabilities), 1 / len(probabilities))
    for _ in range(ROUNDS):
        shares = weights[:, None] * probabilities
        weights = (shares / shares.sum(axis=0) * importance).sum(axis=1) / importance.sum()
    return weights


def read_held_out(corpus: Path, lexicon: Path) -> dict[str, list[list[str]]]:
    """The transcripts of the dev rows by evaluation set, each text once, without words that have no pronunciation."""
    known = read_lexicon(lexicon)
    sets: dict[str, dict[tuple[str, ...], None]] = {name: {} for name in EVALUATION_SETS}
    for clip in read_clips(corpus, "dev"):
        words = words_of(clip.text)
        for name, folders in EVALUATION_SETS.items():
            if clip.folder in folders and all(word in known for word in words):
                sets[name][tuple(words)] = None
    return {name: [list(words) for words in texts] for name, texts in sets.items() if texts}


def repeats(weights: Floats, words: Floats) -> list[int]:
    """How often each source should be read so that the shares of the text come near the weights."""
    densities = weights / words
    usual = np.median(densities[weights > 0.01]) if (weights > 0.01).any() else densities.max()  # noqa: PLR2004
    return [int(np.clip(round(float(density / usual)), 0, MOST_REPEATS)) for density in densities]


@click.command()
@click.argument("texts", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--corpus", type=click.Path(exists=True, path_type=Path), required=True, help="Folders with manifests.")
@click.option("--lexicon", type=click.Path(exists=True, path_type=Path), required=True, help="In CMU's format.")
@click.option("--programs", type=click.Path(exists=True, path_type=Path), required=True, help="Folder with lmplz.")
@click.option("--output", type=click.Path(path_type=Path), required=True, help="JSON: repeats by file name.")
@click.option("--leave-out", multiple=True, default=("eval-grid",), show_default=True, help="Sets not tuned for.")
def main(
    texts: tuple[Path, ...], corpus: Path, lexicon: Path, programs: Path, output: Path, leave_out: tuple[str, ...]
) -> None:
    """Weigh TEXTS; prints perplexities before and after."""
    sets = {name: text for name, text in read_held_out(corpus, lexicon).items() if name not in leave_out}
    rows, counts = [], []
    with click.progressbar(texts, label="Estimating", show_pos=True) as bar:
        for text in bar:
            with tempfile.TemporaryDirectory() as folder:
                work = Path(folder)
                sentences = [" ".join(words) for words in read_lines(text)]
                (work / "text").write_text("\n".join(sentences) + "\n", encoding="utf-8")
                counts.append(sum(len(sentence.split()) for sentence in sentences))
                estimate(work, programs, order=3, prune="0 0 1", memory="1G")
                model = kenlm.Model(str(work / "arpa"))
                rows.append({name: word_probabilities(model, held_out) for name, held_out in sets.items()})
    probabilities = np.array([np.concatenate(list(row.values())) for row in rows])
    importance = np.concatenate([np.full(len(part), 1 / len(part)) for part in rows[0].values()])
    weights = mix(probabilities, importance)
    by_words = np.array(counts) / sum(counts)
    for label, chosen in (("by words", by_words), ("tuned", weights)):
        perplexities = {
            name: float(np.exp(-np.log(chosen @ np.array([row[name] for row in rows])).mean())) for name in sets
        }
        click.echo(f"{label}: " + ", ".join(f"{name} {value:.0f}" for name, value in perplexities.items()))
    often = repeats(weights, np.array(counts, dtype=float))
    for text, weight, count, times in zip(texts, weights, counts, often, strict=True):
        click.echo(f"{text.name}: weight {weight:.3f}, {count:,} words, read {times} times")
    output.write_text(json.dumps({text.name: times for text, times in zip(texts, often, strict=True)}, indent=2))


if __name__ == "__main__":
    main()
