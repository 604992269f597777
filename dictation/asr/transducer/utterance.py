"""One utterance as it grows: what was heard for good is kept, and only what is new is computed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from dictation.asr.transducer.beam import TransducerSearch
from dictation.asr.transducer.features import full_hop_count, hop_count

if TYPE_CHECKING:
    from dictation.asr.transducer.beam import Beam
    from dictation.asr.transducer.network import EmformerRnnt, LeftContext
    from dictation.asr.transducer.parameters import EmformerRnntParameters
    from dictation.core.records import Samples

MOST_SEGMENTS = 32
"""5 s at once bound the memory of audio that comes as a whole, and how long a cancellation waits."""


@dataclass(frozen=True)
class Heard:
    """What will not change when the utterance goes on.

    Attributes:
        segments: How many of the encoder's have been heard.
        left: What its layers look back at.
        beam: The readings so far.
    """

    segments: int
    left: LeftContext | None
    beam: Beam


@dataclass(frozen=True)
class Outcome:
    """The readings of an utterance, best first, and the seconds that network and search took."""

    beam: Beam
    network_s: float
    decode_s: float


class Ear:
    """Front end, network and search; holds nothing of an utterance. Thread: whichever one, but only one at a time."""

    def __init__(self, front_end: nn.Module, network: EmformerRnnt, form: EmformerRnntParameters, blank: int) -> None:
        self.form = form
        self.search = TransducerSearch(network, blank)
        self._front_end = front_end
        self._network = network

    def encode(self, samples: Samples, heard: Heard, segments: int, *, is_end: bool) -> tuple[Tensor, LeftContext]:
        """Encode what follows ``heard``.

        Args:
            samples: The utterance from its start.
            heard: What lies before.
            segments: The number of segments, from the start, behind which the next call goes on.
            is_end: Whether to encode everything up to the end of the samples. As in training, the last frames then look
                ahead to zeros, which are the mean of all speech.

        Returns:
            Encodings, those of the segments first, and what the next call's look back at.
        """
        form = self.form
        first_hop = heard.segments * form.segment_hops
        end_hop = hop_count(len(samples)) if is_end else segments * form.segment_hops + form.right_context_hops
        features = self._front_end(torch.tensor(samples), first_hop, end_hop)
        if is_end:
            features = nn.functional.pad(features, (0, 0, 0, form.right_context_hops))
        kept_frames = (segments - heard.segments) * form.segment_frames
        encodings, left = self._network.transcriber(features, heard.left, kept_frames)
        return encodings, left

    def settled_segments(self, samples: int) -> int:
        """How many segments of so many samples stay as they are when more come."""
        hops = full_hop_count(samples) - self.form.right_context_hops
        return max(0, hops // self.form.segment_hops)


class GrowingUtterance:
    """Hears the same utterance again and again while it grows. Thread: whichever one, but only one at a time."""

    def __init__(self, ear: Ear) -> None:
        self._ear = ear
        self._heard: Heard | None = None

    def hear(self, samples: Samples, beam_width: int, checkpoint: Callable[[], None]) -> Outcome:
        """Hear the whole utterance so far; work and memory are those of what was not there the last time.

        It makes no difference in how many steps an utterance grew. If it has become shorter by more than what had not
        settled, it is heard anew.

        Args:
            samples: From its start, at least ``ModelFolder.shortest_samples``.
            beam_width: Readings kept from frame to frame.
            checkpoint: Called before each frame; may raise to leave, and nothing is lost then.
        """
        with torch.inference_mode():
            return self._hear(samples, beam_width, checkpoint)

    def _hear(self, samples: Samples, beam_width: int, checkpoint: Callable[[], None]) -> Outcome:
        ear, settled = self._ear, self._ear.settled_segments(len(samples))
        started_s, network_s = time.perf_counter(), 0.0
        if self._heard is None or self._heard.segments > settled:
            self._heard = Heard(0, None, ear.search.start())
        while True:
            checkpoint()
            before = self._heard
            segments = min(settled, before.segments + MOST_SEGMENTS)
            is_end = segments == settled
            encoding_s = time.perf_counter()
            encodings, left = ear.encode(samples, before, segments, is_end=is_end)
            network_s += time.perf_counter() - encoding_s
            first, middle = (number * ear.form.segment_frames for number in (before.segments, segments))
            beam = ear.search.hear(encodings[: middle - first], before.beam, first, beam_width, checkpoint)
            self._heard = Heard(segments, left, beam)
            if is_end:
                beam = ear.search.hear(encodings[middle - first :], beam, middle, beam_width, checkpoint)
                return Outcome(beam, network_s, time.perf_counter() - started_s - network_s)
