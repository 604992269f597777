"""What a catalogue offers of a transducer, in a few kilobytes: weights, statistics and pieces as torchaudio's."""

from __future__ import annotations

import io
import json
from dataclasses import asdict
from typing import Any

import tomli_w

from tests.support.emformer import BANDS, TINY
from tests.support.protobuf import pieces_model
from tests.support.tiny_bundle import TinyBundle
from tests.support.tiny_transducer import PIECES, make_network

STATISTICS = {"mean": [15.0] * BANDS, "invstddev": [0.3] * BANDS}


def make_tiny_rnnt_bundle(url: str) -> TinyBundle:
    """Make a random network, with the catalogue that describes it."""
    import torch

    network = make_network(len(PIECES) + 1)
    buffer = io.BytesIO()
    torch.save(network.state_dict(), buffer)
    files = {
        "/rnnt.pt": buffer.getvalue(),
        "/stats.json": json.dumps(STATISTICS).encode(),
        "/pieces.model": pieces_model(PIECES),
    }
    catalogue: dict[str, Any] = {
        "format_version": 1,
        "network": {"tiny-emformer": {"kind": "emformer-rnnt", **asdict(TINY)}},
        "model": [{
            "key": "tiny-rnnt", "name": "Tiny transducer", "language": "en", "licence": "none", "speech": "none",
            "hardware": "anything", "network": "tiny-emformer", "gflop_per_s": 0.001,
            "parameters": sum(parameter.numel() for parameter in network.parameters()),
            "weights": {"url": f"{url}/rnnt.pt"},
            "statistics": {"url": f"{url}/stats.json"},
            "pieces": {"url": f"{url}/pieces.model"},
        }],
        "language_model": [{
            "key": "any-lm", "name": "Any", "language": "en", "licence": "none", "file": {"url": f"{url}/any.arpa"},
        }],
    }  # fmt: skip
    return TinyBundle(files, tomli_w.dumps(catalogue))
