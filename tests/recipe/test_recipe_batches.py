"""Which prepared clips the recipe's training reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import torch
from safetensors.torch import save_file


def test_a_corpus_called_like_a_split_brings_the_other_split_nothing(
    load: Callable[[str], ModuleType], tmp_path: Path
) -> None:
    train = {"my-train-train-0000", "my-train-train-perturbed-3-0012", "my-dev-train-10000", "-train-perturbed--1-0000",
             "noise-train-1001", "noise-train-7", "x-dev-perturbed-2-train-0000"}  # fmt: skip
    dev = {"my-train-dev-0000", "my-dev-dev-0000", "x-train-perturbed-1-dev-0000", "x-dev-perturbed-2-0000"}
    for name in train | dev | {"my-train", "x-training-0000", "x-train-0000-old"}:
        metadata = {"clips": json.dumps([{"folder": name, "text": "", "phones": [1]}])}
        save_file({"0": torch.zeros(2, 3)}, tmp_path / f"{name}.safetensors", metadata=metadata)
    for split, names in (("train", train), ("dev", dev)):
        read = [item.folder for item in load("batches").read_items(tmp_path, split)]
        assert read == sorted(names, key=lambda name: f"{name}.safetensors")
