"""What the level strip remembers: the last levels, one per hop, and the segments among them. No Qt here."""

from __future__ import annotations

from array import array

from dictation.core.records import HOP_FRAMES, LevelBatch, SegmentMark, SegmentState

LOWEST_DBFS = -100.0


class LevelHistory:
    """A ring of levels addressed by hop number, and the segment marks that still touch it."""

    def __init__(self, capacity_hops: int = 4096) -> None:
        self._capacity_hops = capacity_hops
        self._levels = array("f", [LOWEST_DBFS]) * capacity_hops
        self._floors = array("f", [LOWEST_DBFS]) * capacity_hops
        self._marks: dict[int, SegmentMark] = {}
        self.first_hop = 0
        self.next_hop = 0
        self.floor_dbfs = LOWEST_DBFS
        self.open_threshold_dbfs: float | None = None

    def append(self, batch: LevelBatch) -> bool:
        """Take in a batch; returns False if the hop numbers did not continue and history was begun anew."""
        is_continued = self.first_hop < self.next_hop and 0 <= batch.first_hop - self.next_hop < self._capacity_hops
        if not is_continued:
            self._marks.clear()
            self.first_hop = self.next_hop = batch.first_hop
        while self.next_hop < batch.first_hop:
            self._put(LOWEST_DBFS, self.floor_dbfs)
        self.floor_dbfs = batch.floor_dbfs
        self.open_threshold_dbfs = batch.open_threshold_dbfs
        for level_dbfs in batch.levels_dbfs:
            self._put(level_dbfs, batch.floor_dbfs)
        self._forget_old_marks()
        return is_continued

    def mark(self, mark: SegmentMark) -> None:
        """Add or update a segment."""
        self._marks[mark.segment_id] = mark

    def level_at(self, hop: int) -> float:
        """Level of a hop in dBFS; silence outside what is remembered."""
        return self._levels[hop % self._capacity_hops] if self.has(hop) else LOWEST_DBFS

    def floor_at(self, hop: int) -> float:
        """Noise floor at a hop in dBFS, as it was measured then."""
        return self._floors[hop % self._capacity_hops] if self.has(hop) else LOWEST_DBFS

    def has(self, hop: int) -> bool:
        """Whether the hop is remembered."""
        return self.first_hop <= hop < self.next_hop

    def marks_since(self, hop: int) -> list[SegmentMark]:
        """Segments that end after ``hop``, oldest first; one that is open reaches the newest hop."""
        frame = hop * HOP_FRAMES
        return [mark for mark in self._marks.values() if mark.end_frame > frame or mark.state is SegmentState.OPEN]

    def _put(self, level_dbfs: float, floor_dbfs: float) -> None:
        """Store one hop."""
        index = self.next_hop % self._capacity_hops
        self._levels[index] = level_dbfs
        self._floors[index] = floor_dbfs
        self.next_hop += 1
        self.first_hop = max(self.first_hop, self.next_hop - self._capacity_hops)

    def _forget_old_marks(self) -> None:
        """Drop segments that have scrolled out; a long session must not keep them all."""
        oldest_frame = self.first_hop * HOP_FRAMES
        gone = [key for key, mark in self._marks.items() if mark.end_frame < oldest_frame]
        for key in gone:
            del self._marks[key]
