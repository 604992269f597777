"""Which words of a growing utterance will stay: those on which its last three hypotheses agree.

The idea is LocalAgreement (Liu, Spanakis & Niehues 2020, "Low-Latency Sequence-to-Sequence Speech Recognition and
Translation by Partial Hypothesis Selection"), used with two hypotheses by whisper_streaming.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

HYPOTHESES = 3
"""Over 98 development clips heard every 200 ms by starter-v6, the final text changed 28 % (Common Voice), 16 (LJ
Speech), 22 (speechocean762), 7 (numbers) and 5 % (GRID) of the words on which two had agreed; with three it is 25, 8,
12, 7 and 1 %. About as many words become stable, as a wrong one holds up all after it; each does so 200 ms later."""


class Stabilizer:
    """Splits each hypothesis of one utterance into stable words and a tentative tail.

    The stable part only ever grows. The last word of a hypothesis is never stable: it may be half spoken.
    Thread: one owner.
    """

    def __init__(self) -> None:
        self._last: deque[tuple[str, ...]] = deque(maxlen=HYPOTHESES)
        self._stable: tuple[str, ...] = ()

    def push(self, words: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Take the newest hypothesis; return the stable words and the tail that follows them."""
        current = tuple(words)
        self._last.append(current)
        if len(self._last) == HYPOTHESES:
            agreed = self._agreed()
            if len(agreed) > len(self._stable) and agreed[: len(self._stable)] == self._stable:
                self._stable = agreed
        return self._stable, current[len(self._stable) :]

    def _agreed(self) -> tuple[str, ...]:
        """The words with which all of the hypotheses begin, each without its last one."""
        agreed = []
        for first, *others in zip(*(words[:-1] for words in self._last), strict=False):
            if any(other != first for other in others):
                break
            agreed.append(first)
        return tuple(agreed)
