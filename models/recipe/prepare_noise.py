"""Features of noise for train.py: what the segmenter lets through of an hour without speech, with no phones in it.

A network that has never heard noise finds words in it. CTC's loss of a clip without phones is that of the blank in
every frame. Use another seed than noise_hour.py is later asked with.
"""

from __future__ import annotations

import json
from pathlib import Path

import click
import torch
from noise_hour import segments
from noises import stretches
from prepare import LONGEST_S, load_front
from safetensors.torch import save_file

from dictation.core.settings import SegmenterSettings

FOLDER = "noise"
"""As train.py's --share knows it."""


@click.command()
@click.option("--sphinx", type=click.Path(exists=True, path_type=Path), required=True, help="CMU Sphinx en-us folder.")
@click.option("--output", type=click.Path(path_type=Path), required=True, help="prepare.py's output folder.")
@click.option("--minutes", default=60.0, show_default=True)
@click.option("--seed", default=1001, show_default=True)
def main(sphinx: Path, output: Path, minutes: float, seed: int) -> None:
    """Write one training shard of noise."""
    torch.set_num_threads(1)
    front_end, gaussians = load_front(sphinx)
    tensors, listed = {}, []
    with (
        click.progressbar(stretches(60 * minutes, seed), label="Preparing") as sounds,
        torch.inference_mode(),
    ):
        for _, segment in segments(sounds, SegmenterSettings.threshold_dbfs):
            if segment.length_s <= LONGEST_S:
                samples = torch.from_numpy(segment.samples.copy())  # segments are read-only
                tensors[str(len(listed))] = gaussians(front_end(samples).unsqueeze(0))[0].half()  # (frames, inputs)
                listed.append({"folder": FOLDER, "text": "", "phones": []})
    output.mkdir(parents=True, exist_ok=True)
    path = output / f"{FOLDER}-train-{seed}.safetensors"
    partial = path.with_suffix(".part")
    save_file(tensors, partial, metadata={"clips": json.dumps(listed)})
    partial.rename(path)
    click.echo(f"{len(listed)} pieces of noise")


if __name__ == "__main__":
    main()
