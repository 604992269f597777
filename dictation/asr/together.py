"""Several pieces of audio through one network at once, each to the logits that it gets alone.

A GPU is as fast with many short pieces as with a few: what limits it is the number of steps, not their size. A CPU is
not, see docs/adr/0030.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import torch

if TYPE_CHECKING:
    from torch import Tensor, nn

BYTES_PER_SAMPLE = 1024
"""Memory that a network takes at most per sample of audio and byte of precision: the first convolution of wav2vec 2.0
gives 512 values for every five samples, of which up to five copies live at once (itself, transposed, normalised,
transposed back, activated), and as much again is left for the allocator's gaps and for attention."""
MEMORY_SHARE = 0.5
"""Of the free memory: others want some, too. If it still is too much, ``Processor`` takes less."""


@runtime_checkable
class HearsTogether(Protocol):
    """A network that can leave the filling of a batch out of account."""

    def together(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Map inputs of any lengths, (time, ...) each, to their logits, (frames, labels) each, as if heard alone."""


def logits_together(network: nn.Module, inputs: Sequence[Tensor]) -> list[Tensor]:
    """Map inputs, (time, ...) each, to their logits, (frames, labels) each.

    A network without ``together`` cannot tell filling from sound, so only inputs of equal length share a batch.
    """
    if isinstance(network, HearsTogether):
        return network.together(inputs)
    places: dict[int, list[int]] = defaultdict(list)
    for place, one in enumerate(inputs):
        places[len(one)].append(place)
    logits: dict[int, Tensor] = {}
    for group in places.values():
        logits.update(zip(group, network(torch.stack([inputs[place] for place in group])), strict=True))
    return [logits[place] for place in range(len(inputs))]


def fill_up(inputs: Sequence[Tensor]) -> tuple[Tensor, Tensor | None]:
    """Stack inputs, (time, ...) each, filled up with zeros.

    Returns:
        The batch (b, t, ...), and which of its steps are no filling (b, t); None if all are.
    """
    lengths = [len(one) for one in inputs]
    if len(set(lengths)) == 1:
        return torch.stack(list(inputs)), None
    batch = torch.nn.utils.rnn.pad_sequence(list(inputs), batch_first=True)
    counts = torch.tensor(lengths, device=batch.device)
    return batch, torch.arange(batch.shape[1], device=batch.device) < counts.unsqueeze(1)


def silence_filling(x: Tensor, is_sound: Tensor | None) -> Tensor:
    """Set the filling of (b, n, ...) to zero, which is what a convolution sees behind the end of a single piece."""
    if is_sound is None:
        return x
    return x.masked_fill(~is_sound.view(*is_sound.shape, *(1,) * (x.dim() - 2)), 0.0)


def room_samples(device: str, precision_bytes: int) -> int:
    """How many samples of audio the device has memory for at once; 0 where pieces are heard one by one."""
    if not device.startswith("cuda"):
        return 0
    free_bytes, _ = torch.cuda.mem_get_info(device)
    kept_bytes = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return int(MEMORY_SHARE * (free_bytes + kept_bytes)) // (BYTES_PER_SAMPLE * precision_bytes)
