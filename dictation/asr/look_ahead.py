"""Hears pieces of a file together that will be asked for one after the other."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dictation.asr.decoder import LogProbs
    from dictation.asr.processor import Processor
    from dictation.core.records import Samples

MOST_TOGETHER = 32
"""Pieces of audio at once. Someone who begins to speak waits for a batch that has begun."""
LEAST_SHARE = 0.75
"""Pieces shorter than that share of a batch's longest wait for others: filling costs as much as sound."""


@dataclass(frozen=True)
class Heard:
    """What a network heard in one piece of audio.

    Attributes:
        log_probs: Shape (frames, labels).
        network_s: Seconds that it took; of a batch the piece's share.
        device: Where, as torch calls it.
    """

    log_probs: LogProbs
    network_s: float
    device: str


class LookAhead:
    """Keeps what was heard together with something else until it is asked for, or its audio is forgotten by all.

    Thread: as ``Processor``.
    """

    def __init__(self, processor: Processor) -> None:
        self._processor = processor
        self._kept: dict[int, tuple[weakref.ref[Samples], Heard]] = {}

    def hear(self, samples: Samples, upcoming: Sequence[Samples], checkpoint: Callable[[], None]) -> Heard:
        """Hear a piece of audio, and with it those of ``upcoming`` that are of like length, as far as there is room.

        Args:
            samples: Mono float32 at 16 kHz, shape (samples,).
            upcoming: What will be asked for next, by identity.
            checkpoint: Called between the stages; may raise to leave.

        Raises:
            OutOfMemory: if neither the GPU nor the machine has room for this audio.
        """
        kept = self._kept.pop(id(samples), None)
        if kept is not None:
            return kept[1]
        batch = [samples, *self._companions(samples, upcoming)]
        started_s = time.perf_counter()
        heard = self._processor.log_probs_of(batch, checkpoint)
        share_s = (time.perf_counter() - started_s) / sum(one.size for one in batch)
        device = self._processor.device
        own, *others = (Heard(one, share_s * piece.size, device) for one, piece in zip(heard, batch, strict=True))
        for piece, one in zip(batch[1:], others, strict=True):
            self._keep(piece, one)
        return own

    def _keep(self, samples: Samples, heard: Heard) -> None:
        """Keep it no longer than the audio lives, which is until a cancelled file lets go of it."""
        key = id(samples)
        self._kept[key] = weakref.ref(samples, lambda _: self._kept.pop(key, None)), heard

    def _companions(self, samples: Samples, upcoming: Sequence[Samples]) -> list[Samples]:
        """Those of the upcoming pieces to hear with this one, the most alike first."""
        room = self._processor.room_samples() if upcoming else 0
        new = [piece for piece in upcoming if id(piece) not in self._kept and piece is not samples]
        new.sort(key=lambda piece: abs(piece.size - samples.size))
        longest, shortest = samples.size, samples.size
        for count, piece in enumerate(new[: MOST_TOGETHER - 1]):
            longest, shortest = max(longest, piece.size), min(shortest, piece.size)
            if shortest < LEAST_SHARE * longest or longest * (count + 2) > room:
                return new[:count]
        return new[: MOST_TOGETHER - 1]
