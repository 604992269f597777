"""How far two sequences, of words or of sounds, are apart."""

from __future__ import annotations

from collections.abc import Hashable, Sequence


def edit_distance(one: Sequence[Hashable], other: Sequence[Hashable]) -> int:
    """Fewest substitutions, deletions and insertions that turn one into the other (Levenshtein 1966).

    Equal beginnings and ends, most of two readings of one utterance, cost next to nothing. Thread: any.
    """
    shorter = min(len(one), len(other))
    first = next((place for place in range(shorter) if one[place] != other[place]), shorter)
    last = next((place for place in range(shorter - first) if one[-1 - place] != other[-1 - place]), shorter - first)
    one, other = one[first : len(one) - last], other[first : len(other) - last]
    row = list(range(len(other) + 1))
    for count, item in enumerate(one, 1):
        before, row = row, [count]
        for column, against in enumerate(other, 1):
            row.append(min(before[column] + 1, row[-1] + 1, before[column - 1] + (item != against)))
    return row[-1]
