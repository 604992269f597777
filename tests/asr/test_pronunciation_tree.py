from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dictation.asr.lexicon import Lexicon
from dictation.asr.pronunciation_tree import build_tree

LABEL_COUNT = 5
SOUNDS = st.binary(min_size=1, max_size=4).map(lambda data: bytes(1 + byte % (LABEL_COUNT - 1) for byte in data))
ROWS = st.lists(st.tuples(st.integers(0, 5), SOUNDS), min_size=1, max_size=20)


def make(rows: list[tuple[int, bytes]]) -> Lexicon:
    return Lexicon(tuple("abcdef"), tuple(word for word, _ in rows), tuple(sounds for _, sounds in rows))


@given(rows=ROWS)
def test_every_pronunciation_is_a_way_from_the_root_and_nothing_else_is(rows: list[tuple[int, bytes]]) -> None:
    tree = build_tree(make(rows), LABEL_COUNT)
    found = []
    for place in range(tree.first_ending):
        words = tree.words[tree.first_word[place] : tree.first_word[place] + tree.word_count[place]]
        found += [(int(word), bytes(tree.sounds(place))) for word in words]
    assert sorted(found) == sorted(rows)
    ways = [tuple(tree.sounds(place)) for place in range(tree.first_ending)]
    assert len(set(ways)) == len(ways)


@given(rows=ROWS)
def test_children_stand_side_by_side_and_endings_have_the_roots(rows: list[tuple[int, bytes]]) -> None:
    tree = build_tree(make(rows), LABEL_COUNT)
    for place in range(len(tree.labels)):
        children = range(tree.first_child[place], tree.first_child[place] + tree.child_count[place])
        parent = place if place < tree.first_ending else 0
        assert list(children) == [child for child in range(1, tree.first_ending) if tree.parents[child] == parent]
        assert int(tree.child_labels[place]) == sum(1 << int(tree.labels[child]) for child in children)
    assert tree.labels[tree.first_ending :].tolist() == list(range(LABEL_COUNT))
    assert tree.is_root(np.arange(len(tree.labels))).tolist() == [
        place == 0 or place >= tree.first_ending for place in range(len(tree.labels))
    ]


@given(rows=ROWS, scores=st.lists(st.floats(-9, 9), min_size=6, max_size=6))
def test_a_place_promises_the_best_word_behind_it(rows: list[tuple[int, bytes]], scores: list[float]) -> None:
    tree = build_tree(make(rows), LABEL_COUNT)
    below, here = tree.best_below(np.array(scores))
    for place in range(1, tree.first_ending):
        way = bytes(tree.sounds(place))
        assert below[place] == max(scores[word] for word, sounds in rows if sounds.startswith(way))
        assert here[place] == max((scores[word] for word, sounds in rows if sounds == way), default=-np.inf)
    assert below[0] == 0.0
    assert not below[tree.first_ending :].any()
