"""The hand-over between the audio callback and the rest of the program: a ring that never makes the writer wait."""

from __future__ import annotations

import numpy as np

from dictation.core.records import Samples


class AudioRing:
    """A preallocated ring of float32 frames for one writing and one reading thread.

    The writer only moves ``written``, the reader only moves its own position, and neither takes a lock. A
    reader that falls more than ``capacity_frames - max_block_frames`` behind skips ahead, and the frames it
    missed are counted in ``overrun_frames``. The distance of one ``max_block_frames`` is kept because a write in
    progress may already be overwriting that much beyond what ``written`` admits.

    Ordering: the frames are copied before ``written`` is stored. Under the GIL another thread cannot see the
    second without the first. A free-threaded Python (PEP 703) stores attributes with release and loads them
    with acquire semantics, which is enough as well, but this is not tested there.

    Thread: ``write`` from one thread, ``read`` from one other; the counters may be read by any.
    """

    def __init__(self, capacity_frames: int, max_block_frames: int) -> None:
        """Allocate.

        Args:
            capacity_frames: Frames held; at least twice ``max_block_frames``.
            max_block_frames: Most frames copied in one go; a longer block is written in several goes.

        Raises:
            ValueError: if a size is not positive or the ring is too small for its blocks.
        """
        if max_block_frames < 1 or capacity_frames < 2 * max_block_frames:
            raise ValueError(f"a ring of {capacity_frames} frames cannot take blocks of {max_block_frames}")
        self._frames = np.zeros(capacity_frames, dtype=np.float32)
        self._capacity = capacity_frames
        self._max_block = max_block_frames
        self._written = 0
        self._read = 0
        self._overrun_frames = 0

    @property
    def written(self) -> int:
        """Frames written since the ring was made."""
        return self._written

    @property
    def overrun_frames(self) -> int:
        """Frames the reader missed because it came too late; they always precede the block returned next."""
        return self._overrun_frames

    def write(self, block: Samples) -> None:
        """Append a one-dimensional block of any length; never waits, and allocates nothing but array views."""
        size = block.shape[0]
        if size <= self._max_block:
            self._write_piece(block, size)
            return
        for start in range(0, size, self._max_block):
            piece = block[start : start + self._max_block]
            self._write_piece(piece, piece.shape[0])

    def _write_piece(self, piece: Samples, size: int) -> None:
        """Copy one piece, in two parts where it wraps, then publish it."""
        position = self._written % self._capacity
        until_end = self._capacity - position
        if size <= until_end:
            self._frames[position : position + size] = piece
        else:
            self._frames[position:] = piece[:until_end]
            self._frames[: size - until_end] = piece[until_end:]
        self._written += size

    def read(self) -> Samples:
        """Return a copy of all frames not read yet, oldest first, shape (frames,); empty if there are none."""
        written = self._written
        start = max(self._read, self._oldest_safe(written))
        frames = self._copy(start, written)
        # The writer may have run on during the copy: whatever it could have touched is given up, not returned.
        safe = min(max(start, self._oldest_safe(self._written)), written)
        self._overrun_frames += safe - self._read
        self._read = written
        return frames[safe - start :]

    def _oldest_safe(self, written: int) -> int:
        """Return the oldest frame that a write in progress cannot be overwriting."""
        return written + self._max_block - self._capacity

    def _copy(self, start: int, stop: int) -> Samples:
        """Copy frames ``[start, stop)``, at most one capacity of them."""
        position = start % self._capacity
        size = stop - start
        until_end = self._capacity - position
        if size <= until_end:
            return self._frames[position : position + size].copy()
        return np.concatenate((self._frames[position:], self._frames[: size - until_end]))
