"""What a catalogue offers, in a few kilobytes: a bundle as torchaudio publishes them, and a language model."""

from __future__ import annotations

import gzip
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from dictation.library.catalogue import Catalogue, load_catalogue
from tests.support.arpa import arpa

LETTERS = "-|abcdefghijklmnopqrstuvwxyz"
DROPPED = (1, 2, 3)
NETWORK: dict[str, Any] = {
    "extractor_norm": "group",
    "extractor_channels": [8, 8],
    "extractor_kernels": [40, 16],
    "extractor_strides": [20, 16],
    "extractor_bias": False,
    "width": 8,
    "heads": 2,
    "ffn_width": 16,
    "layers": 1,
    "position_kernel": 4,
    "position_groups": 2,
    "is_norm_first": False,
}
ARPA = arpa(
    {"<s>": (-1, 0), "</s>": (-1,), "<UNK>": (-2,), "HELLO": (-0.5, -0.2), "WORLD": (-0.7,)},
    {"HELLO WORLD": -0.1},
)


@dataclass(frozen=True)
class TinyBundle:
    """What a server has to offer, by path, and the catalogue that names it."""

    files: dict[str, bytes]
    catalogue_text: str

    def catalogue(self, folder: Path) -> Catalogue:
        """Write the catalogue and read it as the program does."""
        path = folder / "catalogue.toml"
        path.write_text(self.catalogue_text, encoding="utf-8")
        return load_catalogue(path)


def make_tiny_bundle(url: str, *, label_count: int | None = None) -> TinyBundle:
    """Make a random network of ``label_count`` outputs, mostly as many as there are labels."""
    import torch
    from torchaudio.models import wav2vec2_model

    outputs = (label_count or len(LETTERS)) + len(DROPPED)
    shapes = zip(NETWORK["extractor_channels"], NETWORK["extractor_kernels"], NETWORK["extractor_strides"], strict=True)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = wav2vec2_model(
            "group_norm", list(shapes), False, 8, 0.1, 4, 2, 1, 2, 0.1, 16, 0.1, 0.1, False, 0.1, outputs
        )  # fmt: skip
    buffer = io.BytesIO()
    torch.save(network.state_dict(), buffer)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    files = {"/tiny.pt": buffer.getvalue(), "/tiny.arpa.gz": gzip.compress(ARPA.encode())}
    return TinyBundle(files, _catalogue(url, parameters))


def _catalogue(url: str, parameters: int) -> str:
    lines = [
        "format_version = 1",
        "[network.tiny]",
        *tomli_w.dumps(NETWORK).splitlines(),
        "[[model]]",
        'key = "tiny"',
        'name = "Tiny wav2vec 2.0"',
        'language = "en"',
        'licence = "none"',
        'speech = "none: random weights"',
        'hardware = "anything"',
        'network = "tiny"',
        "is_audio_normalised = true",
        f'labels = "{LETTERS}"',
        f"parameters = {parameters}",
        "gflop_per_s = 0.001",
        'language_model = "tiny-2gram"',
        f"dropped_outputs = {list(DROPPED)}",
        f'weights = {{ url = "{url}/tiny.pt" }}',
        "[[language_model]]",
        'key = "tiny-2gram"',
        'name = "Tiny 2-gram"',
        'language = "en"',
        'licence = "none"',
        f'file = {{ url = "{url}/tiny.arpa.gz" }}',
    ]
    return "\n".join(lines) + "\n"
