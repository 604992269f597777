"""Learn from a pronunciation dictionary how letters are said, for words that are in no dictionary: letter_sounds.txt.

First the sounds of each word are shared out among its letters, none to two each, by expectation maximisation with best
paths. Then each letter's sounds are learnt in ever wider contexts; a wider one is only kept where it says something
else. See ``dictation/asr/letter_sounds.py`` for where the idea is from.
"""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from pathlib import Path

import click
from corpus import read_lexicon

from dictation.asr.letter_sounds import NO_SOUND, OR, WIDEST, context
from dictation.core.edit_distance import edit_distance

Sounds = tuple[str, ...]
Chunks = list[Sounds]
Costs = dict[tuple[str, Sounds], float]
MOST_SOUNDS_PER_LETTER = 2
ROUNDS = 4
"""After four rounds fewer than 1 % of the words change."""
UNSEEN_COST = 12.0
SECOND_SHARE = 0.25
"""Sounds this frequent in a context are its second choice."""


def share_out(word: str, sounds: Sounds, costs: Costs) -> Chunks | None:
    """The cheapest way to give each letter its sounds; None if there are more sounds than the letters can take."""
    best: list[dict[int, tuple[float, int]]] = [{0: (0.0, 0)}]  # per letter: sounds used, cost and last step
    for letter in word:
        row: dict[int, tuple[float, int]] = {}
        for used, (cost, _) in best[-1].items():
            for step in range(min(MOST_SOUNDS_PER_LETTER, len(sounds) - used) + 1):
                total = cost + costs.get((letter, sounds[used : used + step]), UNSEEN_COST)
                if used + step not in row or total < row[used + step][0]:
                    row[used + step] = (total, step)
        best.append(row)
    if len(sounds) not in best[-1]:
        return None
    chunks, end = [], len(sounds)
    for row in reversed(best[1:]):
        step = row[end][1]
        chunks.append(sounds[end - step : end])
        end -= step
    return chunks[::-1]


def first_costs(words: list[tuple[str, Sounds]]) -> Costs:
    """How far letters and single sounds go together at all; silence and pairs cost more."""
    pairs: Counter[tuple[str, str]] = Counter()
    for word, sounds in words:
        for place, letter in enumerate(word):
            middle = place * len(sounds) / len(word)
            pairs.update((letter, sound) for at, sound in enumerate(sounds) if abs(at - middle) <= 1)
    letters: Counter[str] = Counter()
    for (letter, _), count in pairs.items():
        letters[letter] += count
    costs: Costs = {(letter, (sound,)): -math.log(n / letters[letter]) for (letter, sound), n in pairs.items()}
    for letter in letters:
        costs[letter, ()] = 4.0
    return costs


def recount(shared: list[tuple[str, Chunks]]) -> Costs:
    """Costs as the words were shared out."""
    pairs = Counter(pair for word, chunks in shared for pair in zip(word, chunks, strict=True))
    letters = Counter(letter for word, _ in shared for letter in word)
    return {(letter, chunk): -math.log(n / letters[letter]) for (letter, chunk), n in pairs.items()}


def learn_rules(shared: list[tuple[str, Chunks]], least_count: int) -> dict[str, list[Sounds]]:
    """Sounds by context; a context is left out if it is rare or says what the next narrower one says."""
    rules: dict[str, list[Sounds]] = {}
    with click.progressbar(range(1, WIDEST + 1), label="Learning") as bar:
        for width in bar:
            counts: defaultdict[str, Counter[Sounds]] = defaultdict(Counter)
            for word, chunks in shared:
                for place, chunk in enumerate(chunks):
                    counts[context(word, place, width)][chunk] += 1
            for key, seen in counts.items():
                total = seen.total()
                ways = sorted(seen, key=lambda chunk: (-seen[chunk], chunk))[:2]
                chosen = [way for way in ways if way == ways[0] or seen[way] >= SECOND_SHARE * total]
                if (width == 1 or total >= least_count) and chosen != narrower(rules, key):
                    rules[key] = chosen
    return rules


def narrower(rules: dict[str, list[Sounds]], key: str) -> list[Sounds] | None:
    """What the rules for the narrower contexts within a context say."""
    while key:
        key = key[1:] if len(key) % 2 else key[:-1]  # the side that the last widening added to
        if key in rules:
            return rules[key]
    return None


def write_rules(path: Path, rules: dict[str, list[Sounds]]) -> None:
    """One rule a line, sorted."""
    lines = [
        f"{key} {f' {OR} '.join(' '.join(way) or NO_SOUND for way in ways)}" for key, ways in sorted(rules.items())
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@click.command()
@click.option("--lexicon", type=click.Path(exists=True, path_type=Path), required=True, help="In CMU's format.")
@click.option("--output", type=click.Path(path_type=Path), required=True, help="build_lm.py's output folder.")
@click.option("--least-count", default=3, show_default=True, help="Contexts seen less often are left out.")
@click.option("--held-out", default=2000, show_default=True, help="Words kept apart to say how good the rules are.")
@click.option("--most-words", default=0, show_default=True, help="Take only so many words; 0 takes all.")
@click.option("--seed", default=1, show_default=True)
def main(lexicon: Path, output: Path, least_count: int, held_out: int, most_words: int, seed: int) -> None:
    """Write letter_sounds.txt, learnt from the usual pronunciations, and say how often it is right."""
    words = [(word, ways[0]) for word, ways in read_lexicon(lexicon).items() if word.strip("'").isalpha()]
    random.Random(seed).shuffle(words)  # noqa: S311 - repeatable, no secret
    words = words[:most_words] if most_words else words
    apart, kept = words[:held_out], words[held_out:]
    costs = first_costs(kept)
    shared: list[tuple[str, Chunks]] = []
    with click.progressbar(range(ROUNDS), label="Sharing out") as bar:
        for _ in bar:
            tried = [(word, share_out(word, sounds, costs)) for word, sounds in kept]
            shared = [(word, chunks) for word, chunks in tried if chunks is not None]
            costs = recount(shared)
    rules = learn_rules(shared, least_count)
    output.mkdir(parents=True, exist_ok=True)
    write_rules(output / "letter_sounds.txt", rules)
    click.echo(f"{len(rules):,} rules from {len(shared):,} words; {judge(rules, apart)}")


def judge(rules: dict[str, list[Sounds]], words: list[tuple[str, Sounds]]) -> str:
    """How often words kept apart are said right, and how many sounds are wrong."""
    right, errors, total = 0, 0, 0
    for word, sounds in words:
        said = [sound for place in range(len(word)) for sound in look_up(rules, word, place)]
        right += said == list(sounds)
        errors += edit_distance(said, list(sounds))
        total += len(sounds)
    count = max(1, len(words))
    wrong = f"{100 * errors / max(1, total):.1f} % of sounds wrong"
    return f"{100 * right / count:.1f} % of {len(words)} other words right, {wrong}"


def look_up(rules: dict[str, list[Sounds]], word: str, place: int) -> Sounds:
    """The likeliest sounds of a letter, as the app finds them."""
    keys = (context(word, place, width) for width in range(WIDEST, 0, -1))
    return next((rules[key][0] for key in keys if key in rules), ())


if __name__ == "__main__":
    main()
