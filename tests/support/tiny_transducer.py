"""A whole transducer's model folder in a few kilobytes: random weights that say something, not only blanks."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tomli_w

from tests.support.emformer import BANDS, TINY, make_ours, make_theirs

PIECES = ("<unk>", "▁", "▁a", "▁be", "t", "er", "'", "▁o", "n", "e", "s")
BLANK = "<blank>"


def make_network(labels: int, seed: int = 0, bands: int = BANDS) -> Any:
    """torchaudio's, sure of itself: some frames have symbols, most have none."""
    import torch

    theirs = make_theirs(TINY, bands, labels, seed)
    with torch.no_grad():
        theirs.joiner.linear.weight *= 3
        theirs.joiner.linear.bias[-1] += 3
    return theirs


def make_tiny_transducer(path: Path, seed: int = 0) -> Path:
    """Write the folder and return its path."""
    from safetensors.torch import save_file

    path.mkdir(parents=True)
    labels = len(PIECES) + 1
    network = make_ours(make_network(labels, seed), TINY, BANDS, labels)
    for output, piece in enumerate(PIECES):
        network.joiner.linear.bias.data[output] += 1.5 * piece.startswith("▁")  # else it is all one word
    save_file(network.state_dict(), path / "weights.safetensors")
    (path / "model.toml").write_text(tomli_w.dumps(describe(path)), encoding="utf-8")
    return path


def describe(path: Path) -> dict[str, Any]:
    """What model.toml says."""
    data = (path / "weights.safetensors").read_bytes()
    entry = {"name": "weights.safetensors", "size_bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    return {
        "format_version": 1,
        "name": "tiny transducer",
        "language": "en",
        "licence": "none",
        "architecture": {"kind": "emformer-rnnt", **asdict(TINY)},
        "features": {
            "kind": "global-mel", "sample_rate_hz": 16_000, "mean": [15.0] * BANDS, "inverse_deviation": [0.3] * BANDS,
        },
        "labels": {"symbols": [*PIECES, BLANK], "blank": BLANK, "word_separator": "", "word_start": "▁"},
        "decoding": {"kind": "transducer", "beam_width": 10},
        "files": {"weights": entry},
    }  # fmt: skip
