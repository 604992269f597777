"""The clips that prepare.py and prepare_noise.py made ready, and how train.py draws them into batches."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor


@dataclass(frozen=True)
class Item:
    """A prepared clip: features (frames, inputs) in float16 and the labels it holds."""

    folder: str
    features: Tensor
    phones: list[int]


def shards_of(folder: Path, split: str) -> list[Path]:
    """The shards of a split, by the end of their names: the corpus folder before it may be called like a split.

    prepare.py ends them in ``-SPLIT-NUMBER`` or ``-SPLIT-perturbed-SEED-NUMBER``, prepare_noise.py in ``-SPLIT-SEED``.
    """
    ending = re.compile(rf"-{re.escape(split)}(-perturbed--?\d+)?--?\d+$")  # a seed may be negative
    return sorted(path for path in folder.glob("*.safetensors") if ending.search(path.stem))


def read_items(folder: Path, split: str) -> list[Item]:
    """Read the shards of a split; clips with fewer frames than phones can never be aligned and stay out."""
    items = []
    for path in shards_of(folder, split):
        with safe_open(path, framework="pt") as shard:
            for index, clip in enumerate(json.loads(shard.metadata()["clips"])):
                features = shard.get_tensor(str(index))
                repeats = sum(one == other for one, other in zip(clip["phones"], clip["phones"][1:], strict=False))
                if len(features) >= len(clip["phones"]) + repeats:
                    items.append(Item(clip["folder"], features, clip["phones"]))
    return items


def draw_epoch(items: list[Item], shares: dict[str, float], dice: random.Random) -> list[int]:
    """Indices of the clips of one epoch, each as often as its folder's share says: 0.5 is every other epoch."""
    return [
        index
        for index, item in enumerate(items)
        for _ in range(int(shares.get(item.folder, 1.0) + dice.random()))  # the fraction is a probability
    ]


def cut_batches(items: list[Item], chosen: list[int], most_frames: int, dice: random.Random) -> list[list[int]]:
    """Clips of like length together, at most ``most_frames`` with padding, in random order."""
    order = sorted(chosen, key=lambda index: len(items[index].features) * dice.uniform(0.93, 1.07))
    batches: list[list[int]] = [[]]
    for index in order:
        longest = max(len(items[other].features) for other in [*batches[-1], index])
        if batches[-1] and longest * (len(batches[-1]) + 1) > most_frames:
            batches.append([])
        batches[-1].append(index)
    dice.shuffle(batches)
    return batches


def draw_batches(
    items: list[Item], shares: dict[str, float], most_frames: int, seed: int, start: int
) -> Iterator[list[int]]:
    """Epoch after epoch; a resumed run skips what it has seen."""
    step, epoch = 0, 0
    while True:
        dice = random.Random(f"{seed}/{epoch}")  # noqa: S311 - repeatable, no secret
        for batch in cut_batches(items, draw_epoch(items, shares, dice), most_frames, dice):
            if step >= start:
                yield batch
            step += 1
        epoch += 1


def stack(items: list[Item]) -> Tensor:
    """Pad to (clips, frames, inputs) with each last frame."""
    longest = max(len(item.features) for item in items)
    features = torch.zeros(len(items), longest, items[0].features.shape[1])
    for row, item in enumerate(items):
        features[row, : len(item.features)] = item.features
        features[row, len(item.features) :] = item.features[-1]
    return features
