"""A training of the recipe that is killed and resumed is the training that was not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch

OPTIONS = ("--width", 16, "--layers", 1, "--steps", 14, "--rate", 0.05, "--frames", 150,
           "--realign-at", 2, "--ctc-from", 11, "--augment-from", 3, "--save-every", 8)  # fmt: skip


@pytest.fixture
def features(load: Callable[[str], ModuleType], english: Path, tmp_path: Path) -> Path:
    """Shards of faint random numbers, in which every network places the phones elsewhere."""
    train = load("train")
    folder = tmp_path / "features"
    folder.mkdir()
    dice = torch.Generator().manual_seed(1)
    inputs = train.build_network(english / "en-us", 16, 1).skip.weight.shape[1]
    for split, clips in (("train", 6), ("dev", 1)):
        tensors = {str(index): (0.1 * torch.randn(40 + index, inputs, generator=dice)).half() for index in range(clips)}
        listed = [{"folder": "set", "text": "", "phones": [1 + index, 8, 5, 20]} for index in range(clips)]
        shard = folder / f"set-{split}-0000.safetensors"
        load("safetensors.torch").save_file(tensors, shard, metadata={"clips": json.dumps(listed)})
    return folder


def weights_of(checkpoint: Path) -> dict[str, torch.Tensor]:
    state = torch.load(checkpoint, weights_only=True)
    return {f"{part}.{name}": value for part in ("network", "average") for name, value in state[part].items()}


def test_a_training_killed_after_it_aligned_by_itself_ends_the_same(
    load: Callable[[str], ModuleType],
    call: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    english: Path,
    features: Path,
    tmp_path: Path,
) -> None:
    def die(*_: object) -> dict[str, float]:
        raise ConnectionAbortedError

    arguments = ("--features", features, "--sphinx", english / "en-us", *OPTIONS)
    whole, halved, old = tmp_path / "new" / "folder" / "whole.pt", tmp_path / "halved.pt", tmp_path / "old.pt"
    call("train", *arguments, "--checkpoint", whole)
    with monkeypatch.context() as patch:
        patch.setattr(load("train"), "score", die)  # comes after the checkpoint
        with pytest.raises(ConnectionAbortedError):
            call("train", *arguments, "--checkpoint", halved)
    state = torch.load(halved, weights_only=True)
    assert state["step"] == 8
    call("train", *arguments, "--checkpoint", halved)
    expected, found = weights_of(whole), weights_of(halved)
    assert expected.keys() == found.keys()
    assert [name for name, value in expected.items() if not torch.equal(value, found[name])] == []
    assert "aligner" not in torch.load(whole, weights_only=True)  # CTC has no use for it
    # A checkpoint of an earlier version aligns anew where it is resumed.
    del state["aligner"]
    torch.save(state, old)
    call("train", *arguments, "--checkpoint", old)
    assert torch.load(old, weights_only=True)["step"] == 14
