"""What has been recognised, in order, and what is being heard: the text before anyone edits it."""

from __future__ import annotations

from collections.abc import Sequence

from dictation.core.records import Gap, Tentative, Utterance
from dictation.core.stabilizer import Stabilizer


class Transcript:
    """Finished utterances and gaps in the order of speech, and one tentative utterance.

    Late answers change nothing: a partial of an utterance that is final or rejected, or older than one already
    shown, is refused. Thread: one owner.
    """

    def __init__(self) -> None:
        self._entries: list[Utterance | Gap] = []
        self._last_final_id = -1
        self._last_rejected_id = -1
        self._open_id = -1
        self._revision = -1
        self._stabilizer = Stabilizer()
        self.tentative: Tentative | None = None

    @property
    def entries(self) -> tuple[Utterance | Gap, ...]:
        """Everything final so far."""
        return tuple(self._entries)

    @property
    def text(self) -> str:
        """The words of all utterances, one utterance per line; gaps and empty utterances have no line."""
        texts = (entry.text for entry in self._entries if isinstance(entry, Utterance))
        return "\n".join(text for text in texts if text)

    def hear(self, segment_id: int, revision: int, words: Sequence[str]) -> Tentative | None:
        """Take a partial hypothesis; return what to show, or None if it comes too late."""
        if segment_id <= max(self._last_final_id, self._last_rejected_id) or segment_id < self._open_id:
            return None
        if segment_id == self._open_id and revision <= self._revision:
            return None
        if segment_id != self._open_id:
            self._stabilizer = Stabilizer()
        self._open_id, self._revision = segment_id, revision
        stable, tail = self._stabilizer.push(words)
        self.tentative = Tentative(segment_id, revision, " ".join(stable), " ".join(tail))
        return self.tentative

    def reject(self, segment_id: int) -> bool:
        """Drop a segment's tentative text, also what may still arrive; True if any was shown."""
        self._last_rejected_id = max(self._last_rejected_id, segment_id)
        if self.tentative is None or self.tentative.segment_id != segment_id:
            return False
        self.tentative = None
        return True

    def commit(self, utterance: Utterance) -> None:
        """Add a finished utterance; it replaces the tentative text of its segment and of any before it.

        Raises:
            ValueError: if a later segment is final already; finals come in order.
        """
        if utterance.segment_id <= self._last_final_id:
            raise ValueError(f"segment {utterance.segment_id} after segment {self._last_final_id} was final")
        self._last_final_id = utterance.segment_id
        self._entries.append(utterance)
        if self.tentative is not None and self.tentative.segment_id <= utterance.segment_id:
            self.tentative = None

    def add_gap(self, gap: Gap) -> None:
        """Add a hole where audio was lost."""
        self._entries.append(gap)
