"""Turn a corpus into features for train.py: shards of what the Gaussians say of each clip, and its phones.

A shard is a safetensors file with a JSON list of its clips; a finished shard is never computed again, and one that was
asked for with other options or other rows of the manifests is refused. Shards of an earlier version, which kept no
record, are taken for what is asked now: they hold their own transcripts, and hours of work. Copies of the training
clips with another speed and noise are drawn per clip from the seed.
"""

from __future__ import annotations

import json
import random
import zlib
from pathlib import Path

import click
import numpy as np
import torch
from asked import claim, digest, digest_of
from corpus import Clip, Lexicon, phone_ids, read_clips, read_lexicon, read_samples, words_of
from front_end import FEATURES
from safetensors.torch import save_file
from sphinx_model import read_gaussians
from torch import Tensor
from torchaudio.functional import fftconvolve

from dictation.asr.features import LogMel
from dictation.asr.network import TandemParameters
from dictation.asr.tandem import GaussianPosteriors
from dictation.core.records import SAMPLE_RATE_HZ, Samples

SHARD_CLIPS = 150
SHORTEST_S, LONGEST_S = 0.2, 16.0


def tandem_parameters(gaussians: dict[str, Tensor], width: int, layers: int) -> TandemParameters:
    """Sizes that fit these Gaussians."""
    codebooks = len(gaussians["codebook_states"])
    densities, tied_states = gaussians["weights"].shape[1:]
    return TandemParameters(
        codebooks=codebooks,
        densities=densities,
        tied_states=tied_states,
        posteriors=gaussians["pool"].shape[1],
        width=width,
        heads=4,
        ffn_width=3 * width,
        layers=layers,
        kernel_size=15,
    )


def load_front(sphinx: Path) -> tuple[LogMel, GaussianPosteriors]:
    """The frozen part of the network."""
    buffers = read_gaussians(sphinx)
    gaussians = GaussianPosteriors(tandem_parameters(buffers, 4, 1), FEATURES.mel_bins)
    gaussians.load_state_dict(buffers)
    return LogMel(FEATURES), gaussians


def perturb(samples: Samples, dice: random.Random) -> Samples:
    """Another speed (0.88 to 1.12, pitch with it); a room for a third of the clips, noise for a half."""
    speed = dice.uniform(0.88, 1.12)
    places = np.arange(0, len(samples) - 1, speed)
    changed = np.interp(places, np.arange(len(samples)), samples).astype(np.float32)
    if dice.random() < 1 / 3:
        changed = add_room(changed, dice)
    return add_noise(changed, dice) if dice.random() < 1 / 2 else changed


def add_room(samples: Samples, dice: random.Random) -> Samples:
    """Let a room sound after: decaying noise (Moorer 1979, "About this reverberation business"), 3 to 15 dB below."""
    decay_s = dice.uniform(0.15, 0.6)  # to a thousandth of the amplitude
    seconds = np.arange(int(decay_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    noise = np.random.default_rng(dice.getrandbits(32)).standard_normal(len(seconds))
    tail = (noise * 10 ** (-3 * seconds / decay_s)).astype(np.float32)
    wet = fftconvolve(torch.from_numpy(samples), torch.from_numpy(tail)).numpy()[: len(samples)]
    return samples + _gain(samples, wet, dice.uniform(3, 15)) * wet


def add_noise(samples: Samples, dice: random.Random) -> Samples:
    """Noise of some colour, 8 to 30 dB below the speech."""
    noise = np.random.default_rng(dice.getrandbits(32)).standard_normal(len(samples)).astype(np.float32)
    width = dice.choice((1, 3, 7, 15))  # a longer mean makes a darker noise
    noise = np.convolve(noise, np.full(width, 1 / width, np.float32), mode="same")
    return samples + _gain(samples, noise, dice.uniform(8, 30)) * noise


def _gain(samples: Samples, other: Samples, below_db: float) -> np.float32:
    """The factor that brings ``other`` so far below ``samples``."""
    return np.float32(samples.std() / max(float(other.std()), 1e-9) * 10 ** (-below_db / 20))


@click.command()
@click.option("--corpus", type=click.Path(exists=True, path_type=Path), required=True, help="Folders with manifests.")
@click.option("--sphinx", type=click.Path(exists=True, path_type=Path), required=True, help="CMU Sphinx en-us folder.")
@click.option("--lexicon", type=click.Path(exists=True, path_type=Path), required=True, help="In CMU's format.")
@click.option("--output", type=click.Path(path_type=Path), required=True)
@click.option("--split", type=click.Choice(["train", "dev"]), default="train", show_default=True)
@click.option("--most-per-folder", default=3000, show_default=True, help="Clips taken from one folder at most.")
@click.option("--perturbed", is_flag=True, help="Change speed, add a room and noise, as the seed has it.")
@click.option("--seed", default=1, show_default=True)
def main(
    corpus: Path,
    sphinx: Path,
    lexicon: Path,
    output: Path,
    split: str,
    most_per_folder: int,
    perturbed: bool,
    seed: int,
) -> None:
    """Compute the features of one split; evaluation rows are out of reach here."""
    torch.set_num_threads(1)
    clips = list(read_clips(corpus, split))
    output.mkdir(parents=True, exist_ok=True)
    name = f"{corpus.name}-{split}{f'-perturbed-{seed}' if perturbed else ''}"
    asked = {
        "--most-per-folder": most_per_folder,
        "--seed": seed,
        "--corpus": digest(_row_of(clip, corpus) for clip in clips),
        "--sphinx": digest_of(sphinx),
        "--lexicon": digest_of(lexicon),
    }
    claim(output, name, ".safetensors", asked, is_unrecorded_trusted=True)
    clips = _choose(clips, most_per_folder, seed)
    front_end, gaussians = load_front(sphinx)
    pronunciations = read_lexicon(lexicon)
    shards = [clips[first : first + SHARD_CLIPS] for first in range(0, len(clips), SHARD_CLIPS)]
    with click.progressbar(list(enumerate(shards)), label="Preparing", show_pos=True) as bar:
        for index, shard in bar:
            path = output / f"{name}-{index:04}.safetensors"
            if not path.exists():
                _write_shard(path, shard, front_end, gaussians, pronunciations, seed if perturbed else None)


def _row_of(clip: Clip, corpus: Path) -> bytes:
    """What a shard would have of the clip; pseudo_label.py's clips lie elsewhere, other corpora may be moved."""
    place = clip.path.relative_to(corpus) if clip.path.is_relative_to(corpus) else clip.path
    return f"{clip.folder}\t{place.as_posix()}\t{clip.text}".encode()


def _choose(clips: list[Clip], most_per_folder: int, seed: int) -> list[Clip]:
    """Shuffle, and keep the large easy sets from drowning the others."""
    random.Random(seed).shuffle(clips)  # noqa: S311 - repeatable, no secret
    taken: dict[str, int] = {}
    chosen = []
    for clip in clips:
        taken[clip.folder] = taken.get(clip.folder, 0) + 1
        if taken[clip.folder] <= most_per_folder:
            chosen.append(clip)
    return chosen


def _write_shard(
    path: Path,
    clips: list[Clip],
    front_end: LogMel,
    gaussians: GaussianPosteriors,
    lexicon: Lexicon,
    perturbation_seed: int | None,
) -> None:
    """Compute one shard; it gets its name when it is whole."""
    tensors: dict[str, Tensor] = {}
    listed = []
    for clip in clips:
        words = words_of(clip.text)
        phones = phone_ids(words, lexicon)
        samples = read_samples(clip.path)
        if not phones or not SHORTEST_S <= len(samples) / SAMPLE_RATE_HZ <= LONGEST_S:
            continue
        if perturbation_seed is not None:
            key = zlib.crc32(clip.path.name.encode())
            samples = perturb(samples, random.Random(f"{perturbation_seed}/{key}"))  # noqa: S311
        with torch.inference_mode():
            features = gaussians(front_end(torch.from_numpy(samples)).unsqueeze(0))[0]  # (frames, inputs)
        tensors[str(len(listed))] = features.half()
        listed.append({"folder": clip.folder, "text": " ".join(words), "phones": phones})
    partial = path.with_suffix(".part")
    save_file(tensors, partial, metadata={"clips": json.dumps(listed)})
    partial.rename(path)


if __name__ == "__main__":
    main()
