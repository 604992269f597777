"""The best different readings of an utterance, from what a lexicon search found."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from dictation.asr.lexicon_search import Found, Said

_MOST_PATHS = 500
"""Paths looked at; most of them only differ in when the same words were said."""


@dataclass(frozen=True)
class Reading:
    """The words of a reading in order, and its score."""

    said: tuple[Said, ...]
    score: float


def best_readings(found: Found, most: int) -> list[Reading]:
    """One to ``most`` readings whose words differ, best first; without any word if nothing was heard.

    A path through the utterance changes into another where its words meet a rival with which the search went on as
    one. The paths are taken in order of score, each changed only before the place of its latest change, so that none
    comes twice (Eppstein 1998, "Finding the k shortest paths").
    """
    readings: dict[tuple[int, ...], Reading] = {}
    for paths, (said, score) in enumerate(_paths(found)):
        readings.setdefault(tuple(one.word for one in said), Reading(said, score))
        if len(readings) == most or paths >= _MOST_PATHS:
            break
    return list(readings.values())


def _paths(found: Found) -> Iterator[tuple[tuple[Said, ...], float]]:
    """All paths, best first, each with its score."""
    order = count()  # equal scores: first come, first served
    queue: list[tuple[float, int, int, tuple[Said, ...]]] = [
        (-score, next(order), end, ()) for end, score in found.ends
    ]
    heapq.heapify(queue)
    while queue:
        cost, _, last, tail = heapq.heappop(queue)
        chain = _chain(found.said, last)
        yield (*(found.said[one] for one in reversed(chain)), *tail), -cost
        for place, one in enumerate((*chain, -1)):
            later = (*(found.said[other] for other in reversed(chain[:place])), *tail)
            for rival in found.rivals.get(one, ()):
                if not later or later[0].first_frame > rival.frame:
                    heapq.heappush(queue, (cost + rival.behind, next(order), rival.said, later))


def _chain(said: list[Said], last: int) -> list[int]:
    """The words up to a last one, backwards."""
    chain = []
    while last >= 0:
        chain.append(last)
        last = said[last].before
    return chain
