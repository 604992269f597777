"""Pack a trained network, its lexicon and its language model into one folder that evaluate.py reads.

The app does not know this architecture yet: see models/README.md for what it would take.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path

import click
import torch
from corpus import SYMBOLS
from front_end import FEATURES
from prepare import tandem_parameters
from safetensors.torch import load_file, save_file
from sphinx_model import read_gaussians

from dictation.asr.network import TandemParameters
from dictation.asr.tandem import TandemConformer

WEIGHTS, DESCRIPTION, LEXICON, LANGUAGE_MODEL = "weights.safetensors", "model.json", "lexicon.txt", "lm.bin"
FULL_PRECISION = ("gaussians.slopes", "gaussians.offsets")
"""Differences of large numbers: half precision would spoil the likelihoods."""


def load_exported(folder: Path) -> TandemConformer:
    """Build the network of an exported folder, in evaluation mode."""
    parameters = TandemParameters(**json.loads((folder / DESCRIPTION).read_text(encoding="utf-8")))
    network = TandemConformer(parameters, FEATURES.mel_bins, len(SYMBOLS))
    network.load_state_dict(load_file(folder / WEIGHTS))
    return network.eval()


@click.command()
@click.option("--checkpoint", type=click.Path(exists=True, path_type=Path), required=True, help="Written by train.py.")
@click.option("--sphinx", type=click.Path(exists=True, path_type=Path), required=True, help="CMU Sphinx en-us folder.")
@click.option("--language", type=click.Path(exists=True, path_type=Path), required=True, help="build_lm.py's output.")
@click.option("--output", type=click.Path(path_type=Path), required=True)
def main(checkpoint: Path, sphinx: Path, language: Path, output: Path) -> None:
    """Write the averaged weights in half precision, with the Gaussians, beside the language files."""
    output.mkdir(parents=True, exist_ok=True)
    average = torch.load(checkpoint, weights_only=True)["average"]
    gaussians = read_gaussians(sphinx)
    tensors = {**{f"gaussians.{name}": tensor for name, tensor in gaussians.items()}, **average}
    layers = 1 + max(int(name.split(".")[2]) for name in average if name.startswith("enc.conformer_layers."))
    parameters = tandem_parameters(gaussians, average["lin.weight"].shape[0], layers)
    files = [(name, language / name) for name in (LEXICON, LANGUAGE_MODEL)]
    with click.progressbar(files, label="Copying") as bar:
        for name, source in bar:
            shutil.copyfile(source, output / name)
    stored = {
        name: (tensor.half() if tensor.is_floating_point() and name not in FULL_PRECISION else tensor).contiguous()
        for name, tensor in tensors.items()
    }
    save_file(stored, output / WEIGHTS)
    (output / DESCRIPTION).write_text(json.dumps(asdict(parameters), indent=2) + "\n", encoding="utf-8")
    total = sum(path.stat().st_size for path in output.iterdir())
    click.echo(f"{output}: {total / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
