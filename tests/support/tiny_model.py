"""A whole model folder in a few kilobytes: random weights, other sizes and letters than the starter's."""

from __future__ import annotations

import hashlib
import wave
from dataclasses import asdict
from pathlib import Path

import numpy as np
import tomli_w

from dictation.asr.network import ConvConformerParameters

PARAMETERS = ConvConformerParameters(
    subsampling_channels=4, width=8, heads=2, ffn_width=16, layers=1, kernel_size=3
)  # fmt: skip
SYMBOLS = ("a", "b", "ö", "|", "<pad>")
MEL_BINS = 10


def make_tiny_model(path: Path, seed: int = 0) -> Path:
    """Write the folder and return its path."""
    import torch
    from safetensors.torch import save_file

    from dictation.asr.conformer import ConvConformer

    path.mkdir(parents=True)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = ConvConformer(PARAMETERS, MEL_BINS, len(SYMBOLS))
        for layer in network.enc.conformer_layers:
            for parameter in (layer.self_attn.in_proj_weight, layer.self_attn.in_proj_bias):
                torch.nn.init.normal_(parameter)
    save_file(network.state_dict(), path / "weights.safetensors")
    with wave.open(str(path / "clip.wav"), "wb") as clip:
        clip.setnchannels(1)
        clip.setsampwidth(2)
        clip.setframerate(16_000)
        clip.writeframes(np.random.default_rng(seed).integers(-9999, 9999, 16_000, dtype=np.int16).tobytes())
    (path / "model.toml").write_text(tomli_w.dumps(describe(path)), encoding="utf-8")
    return path


def describe(path: Path) -> dict[str, object]:
    """What model.toml says."""
    return {
        "format_version": 1,
        "name": "tiny",
        "language": "de",
        "licence": "none",
        "self_test_text": "a b",
        "architecture": {"kind": "conv-conformer", **asdict(PARAMETERS)},
        "features": {
            "sample_rate_hz": 16_000,
            "fft_size": 256,
            "window_samples": 256,
            "hop_samples": 128,
            "mel_bins": MEL_BINS,
            "low_hz": 0.0,
            "high_hz": 8000.0,
            "log_floor": 1e-6,
            "deviation_floor": 1e-5,
            "peak": 0.0,
        },
        "labels": {"symbols": list(SYMBOLS), "blank": "<pad>", "word_separator": "|"},
        "files": {
            "weights": _entry(path / "weights.safetensors"),
            "self_test_clip": _entry(path / "clip.wav"),
        },
    }


def _entry(path: Path) -> dict[str, object]:
    data = path.read_bytes()
    return {"name": path.name, "size_bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
