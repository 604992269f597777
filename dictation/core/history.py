"""The recent past of a stream, addressed by absolute frame numbers."""

from __future__ import annotations

from collections import deque

import numpy as np

from dictation.core.records import Samples


class SampleHistory:
    """Keeps samples until they are discarded; blocks are kept as they came, so nothing is moved or grown.

    Thread: one owner.
    """

    def __init__(self) -> None:
        self._blocks: deque[tuple[int, Samples]] = deque()
        self.end_frame = 0
        """One past the newest frame."""

    def append(self, samples: Samples) -> None:
        """Add a copy of the newest samples."""
        if samples.size:
            self._blocks.append((self.end_frame, samples.copy()))
            self.end_frame += samples.size

    def copy(self, start_frame: int, end_frame: int) -> Samples:
        """Return frames ``[start_frame, end_frame)`` as a new read-only array.

        Raises:
            IndexError: if they were discarded or are still to come.
        """
        first_frame = self._blocks[0][0] if self._blocks else self.end_frame
        if not first_frame <= start_frame <= end_frame <= self.end_frame:
            raise IndexError(f"frames {start_frame}..{end_frame} are not within {first_frame}..{self.end_frame}")
        parts = [
            block[max(0, start_frame - first) : end_frame - first]
            for first, block in self._blocks
            if first < end_frame and first + block.size > start_frame
        ]
        samples = np.concatenate(parts) if parts else np.empty(0, dtype=np.float32)
        samples.flags.writeable = False
        return samples

    def discard_before(self, frame: int) -> None:
        """Forget whole blocks that end before ``frame``."""
        while self._blocks and self._blocks[0][0] + self._blocks[0][1].size <= frame:
            self._blocks.popleft()
