"""Which words of a growing utterance will stay: those on which two successive hypotheses agree.

The idea is LocalAgreement-2 (Liu, Spanakis & Niehues 2020, "Low-Latency Sequence-to-Sequence Speech Recognition
and Translation by Partial Hypothesis Selection"), used by whisper_streaming.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile


class Stabilizer:
    """Splits each hypothesis of one utterance into stable words and a tentative tail.

    The stable part only ever grows. The last word of a hypothesis is never stable: it may be half spoken.
    Thread: one owner.
    """

    def __init__(self) -> None:
        self._previous: tuple[str, ...] = ()
        self._stable: tuple[str, ...] = ()

    def push(self, words: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Take the newest hypothesis; return the stable words and the tail that follows them."""
        current = tuple(words)
        pairs = zip(self._previous[:-1], current[:-1], strict=False)
        agreed = tuple(pair[1] for pair in takewhile(lambda pair: pair[0] == pair[1], pairs))
        if len(agreed) > len(self._stable) and agreed[: len(self._stable)] == self._stable:
            self._stable = agreed
        self._previous = current
        return self._stable, current[len(self._stable) :]
