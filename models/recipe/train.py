"""Train the network that reads the Gaussians: first towards an alignment, then with CTC; on the CPU, resumable.

The Gaussians place each clip's phones in time (CTC's best path, Graves et al. 2006) and the network learns that
placement with cross-entropy; later it places them anew by itself. That gives it features in minutes. CTC then teaches
it to write each phone once. What each part does for the phone error rate is in models/README.md.
"""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt
import torch
from batches import Item, draw_batches, read_items, stack
from corpus import PHONES, SYMBOLS
from fresh_network import STACKED_BANDS, build_network, stretch_layers
from front_end import FEATURES
from sphinx_model import SILENCE, STATES_PER_PHONE, read_tying
from torch import Tensor, nn
from torch.nn import functional
from torchaudio.functional import forced_align

from dictation.asr.network import HOPS_PER_TANDEM_FRAME
from dictation.asr.tandem import LEAST_POSTERIOR, TandemConformer
from dictation.core.edit_distance import edit_distance

IGNORED = -100
WARM_UP_STEPS = 150
AVERAGING = 0.995
NO_GAUSSIANS, NO_BANDS = 0.05, 0.35
"""Shares of the clips that must do without."""
FRAMES_PER_SPAN = {1: 70, 2: 28}
"""By the number of views: one hidden span of at most ten for so many frames. Two views want 2.5 times the usual."""
CONSISTENCY = 0.2
"""Weight of the views' divergence beside their CTC loss, as in CR-CTC."""
LEAST_TRUST, MOST_TRUST = 0.8, 1.2
"""How far the Gaussians' logarithms are stretched: strangers are heard less surely than the corpora's speakers."""
SILENCE_WEIGHT = 2.0
"""How much likelier silence is than a phone before anything was heard; read speech is a third to half of it."""


class PhonePlacer:
    """Places the phones of a clip in its frames by what the Gaussians say."""

    def __init__(self, sphinx: Path) -> None:
        tying = read_tying(sphinx / "mdef")
        states = STATES_PER_PHONE * len(tying.phones)
        share = tying.pool[:, :states].sum(axis=0)  # tied states per phone state: frequent phones have more
        places = np.zeros((states, len(SYMBOLS)), np.float32)
        for index, phone in enumerate(tying.phones):
            rows = slice(STATES_PER_PHONE * index, STATES_PER_PHONE * (index + 1))
            if phone in PHONES:
                places[rows, SYMBOLS.index(phone)] = 1 / np.maximum(share[rows], 0.5)
            elif phone == SILENCE:
                places[rows, 0] = SILENCE_WEIGHT
        self._places = torch.from_numpy(places)

    def log_probs(self, features: Tensor) -> Tensor:
        """Map prepared features (frames, inputs) to log-probabilities of the labels (frames, labels)."""
        states = features[:, STACKED_BANDS : STACKED_BANDS + len(self._places)].float()
        posteriors = ((2 * states).exp() - LEAST_POSTERIOR).clamp(min=1e-6) @ self._places  # as before root and floor
        return (posteriors / posteriors.sum(dim=-1, keepdim=True)).clamp(min=1e-4).log()


def align(log_probs: Tensor, phones: list[int]) -> npt.NDArray[np.int16]:
    """The label of each frame on the best path through the phones, shape (frames,); all blank if there are none."""
    if not phones:
        return np.zeros(len(log_probs), np.int16)
    path, _ = forced_align(log_probs.unsqueeze(0), torch.tensor([phones], dtype=torch.int32), blank=0)
    labels: npt.NDArray[np.int16] = path[0].numpy().astype(np.int16)
    return labels


def stack_labels(paths: list[npt.NDArray[np.int16]]) -> Tensor:
    """Pad to (clips, frames) with ``IGNORED``."""
    targets = torch.full((len(paths), max(map(len, paths))), IGNORED)
    for row, path in enumerate(paths):
        targets[row, : len(path)] = torch.from_numpy(path)
    return targets


def mask(features: Tensor, views: int, dice: random.Random) -> None:
    """SpecAugment (Park et al. 2019, arXiv:1904.08779): hide spans of time and bands, sometimes all of one kind.

    The Gaussians come from many more speakers than the bands here, which the network is tempted to learn by heart:
    after 12,000 steps without hiding all bands it had 6 % phone errors on LJ Speech's train rows and 18 % on dev.
    """
    for clip in features:
        for _ in range(1 + len(clip) // FRAMES_PER_SPAN[views]):
            width = dice.randint(0, 10)
            start = dice.randint(0, max(0, len(clip) - width))
            clip[start : start + width] = clip.mean(dim=0)
        width = dice.randint(0, 5)
        band = dice.randint(0, FEATURES.mel_bins - width)
        for frame in range(HOPS_PER_TANDEM_FRAME):
            clip[:, frame * FEATURES.mel_bins + band : frame * FEATURES.mel_bins + band + width] = 0
        clip[:, STACKED_BANDS:] *= dice.uniform(LEAST_TRUST, MOST_TRUST)
        fate = dice.random()
        if fate < NO_GAUSSIANS:
            clip[:, STACKED_BANDS:] = -2.5
        elif fate < NO_GAUSSIANS + NO_BANDS:
            clip[:, :STACKED_BANDS] = 0


class Trainer:
    """Network, average, optimiser and the number of steps done: all that a checkpoint holds.

    Until CTC is the loss that is also the aligner: the average as it was when it aligned the clips. A resumed run has
    them aligned by it again, and so goes on as if it had not been stopped.
    """

    def __init__(self, network: TandemConformer, steps: int, peak_rate: float) -> None:
        self.network = network
        self.average = copy.deepcopy(network)
        self.aligner: TandemConformer | None = None
        self.step = 0
        self._steps, self._peak_rate = steps, peak_rate
        self._optimiser = torch.optim.AdamW(network.parameters(), peak_rate, betas=(0.9, 0.98), weight_decay=0.01)

    def save(self, path: Path) -> None:
        """Write a checkpoint; it gets its name when it is whole."""
        state = {
            "network": _trained(self.network),
            "average": _trained(self.average),
            "optimiser": self._optimiser.state_dict(),
            "step": self.step,
        }
        if self.aligner:
            state["aligner"] = _trained(self.aligner)
        partial = path.with_suffix(".part")
        torch.save(state, partial)
        partial.rename(path)

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint; those of earlier versions have no aligner."""
        state = torch.load(path, weights_only=True)
        self.network.load_state_dict(state["network"], strict=False)
        self.average.load_state_dict(state["average"], strict=False)
        self._optimiser.load_state_dict(state["optimiser"])
        self.step = state["step"]
        if "aligner" in state:
            self.aligner = copy.deepcopy(self.average)
            self.aligner.load_state_dict(state["aligner"], strict=False)

    def begin_with(self, path: Path) -> None:
        """Begin with the averaged weights of another run, whose network may have fewer layers."""
        state = torch.load(path, weights_only=True)["average"]
        for network in (self.network, self.average):
            network.load_state_dict(stretch_layers(state, len(network.enc.conformer_layers)), strict=False)

    def learn(self, features: Tensor, loss_of: Callable[[Tensor], Tensor]) -> float:
        """Take one step on a loss of the logits (clips, frames, labels); return the loss."""
        warm_up = min(1.0, (self.step + 1) / WARM_UP_STEPS)
        cosine = 0.5 + 0.5 * math.cos(math.pi * min(1.0, self.step / self._steps))
        for group in self._optimiser.param_groups:
            group["lr"] = self._peak_rate * warm_up * cosine + 1e-6
        self.network.train()
        loss = loss_of(self.network.classify(features))
        self._optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
        self._optimiser.step()
        self.step += 1
        self._follow()
        return loss.item()

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the average towards the weights, faster at the beginning."""
        share = 1 - min(AVERAGING, self.step / (self.step + 20))
        new = _trained(self.network)
        for name, value in _trained(self.average).items():
            if value.is_floating_point():
                value.lerp_(new[name], share)
            else:
                value.copy_(new[name])


def _trained(network: TandemConformer) -> dict[str, Tensor]:
    """Everything but the Gaussians, which never change."""
    return {name: value for name, value in network.state_dict().items() if not name.startswith("gaussians.")}


@torch.inference_mode()
def score(network: TandemConformer, items: list[Item]) -> dict[str, float]:
    """Greedy phone error rate in per cent, by corpus folder and over all."""
    network.eval()
    wrong: dict[str, list[int]] = {}
    for item in items:
        best = network.classify(item.features.float().unsqueeze(0))[0].argmax(dim=-1).tolist()
        found = [label for label, before in zip(best, [0, *best], strict=False) if label and label != before]
        for name in (item.folder, "all"):
            errors = wrong.setdefault(name, [0, 0])
            errors[0] += edit_distance(found, item.phones)
            errors[1] += len(item.phones)
    return {name: 100 * errors / max(1, count) for name, (errors, count) in sorted(wrong.items())}


@torch.inference_mode()
def realign(network: TandemConformer, items: list[Item]) -> list[npt.NDArray[np.int16]]:
    """Place the phones by the network's own judgement, frequent labels not favoured as much as it favours them."""
    network.eval()
    with click.progressbar(items, label="Aligning") as bar:
        outputs = [network.classify(item.features.float().unsqueeze(0))[0].log_softmax(dim=-1) for item in bar]
    share = torch.stack([output.exp().mean(dim=0) for output in outputs]).mean(dim=0).clamp(min=1e-3)
    return [align(output - 0.5 * share.log(), item.phones) for output, item in zip(outputs, items, strict=True)]


def placement_loss(targets: Tensor) -> Callable[[Tensor], Tensor]:
    """Cross-entropy per frame, in nats; ``targets`` (clips, frames)."""
    return lambda logits: functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED)


def ctc_loss(items: list[Item], views: int) -> Callable[[Tensor], Tensor]:
    """CTC per phone, in nats, whatever the alignment; a clip of noise, which has none, counts as one.

    With two views the second half of the items are the first half again, with other parts hidden, and both are to say
    the same: CR-CTC (Yao et al. 2024, arXiv:2410.05101).
    """
    frames = torch.tensor([len(item.features) for item in items])
    lengths = torch.tensor([len(item.phones) for item in items])
    phones = torch.tensor([phone for item in items for phone in item.phones], dtype=torch.long)

    def loss_of(logits: Tensor) -> Tensor:
        log_probs = logits.log_softmax(dim=-1)
        by_frame = log_probs.transpose(0, 1)
        loss = functional.ctc_loss(by_frame, phones, frames, lengths, zero_infinity=True, reduction="sum")
        if views > 1:
            loss = loss + CONSISTENCY * divergence(log_probs, frames)
        return loss / lengths.clamp(min=1).sum()

    return loss_of


def divergence(log_probs: Tensor, frames: Tensor) -> Tensor:
    """How far the two views (2 clips, frames, labels) of each clip are apart, in nats, summed; each teaches the other.

    ``frames`` (2 clips,) says how many frames of each are sound.
    """
    one, other = log_probs.chunk(2)
    is_sound = torch.arange(log_probs.shape[1]) < frames[: len(one)].unsqueeze(1)  # (clips, frames)
    each_way = [
        functional.kl_div(view, teacher.detach(), reduction="none", log_target=True).sum(dim=-1)[is_sound].sum()
        for view, teacher in ((one, other), (other, one))
    ]
    return each_way[0] + each_way[1]


@click.command()
@click.option("--features", type=click.Path(exists=True, path_type=Path), required=True, help="Shards by prepare.py.")
@click.option("--sphinx", type=click.Path(exists=True, path_type=Path), required=True, help="CMU Sphinx en-us folder.")
@click.option("--checkpoint", type=click.Path(path_type=Path), required=True, help="Written, and resumed if there.")
@click.option(
    "--begin-with", type=click.Path(exists=True, path_type=Path), help="A checkpoint, perhaps with fewer layers."
)
@click.option("--steps", default=19_000, show_default=True)
@click.option("--realign-at", default=600, show_default=True, help="Step from which the network aligns by itself.")
@click.option("--ctc-from", default=1000, show_default=True, help="Step from which CTC is the loss.")
@click.option("--augment-from", default=400, show_default=True, help="Step from which SpecAugment is used.")
@click.option("--augment-until", default=16_000, show_default=True, help="Step that ends it: the end is nearly clean.")
@click.option("--frames", default=1000, show_default=True, help="Frames of 30 ms in a batch at most, in all views.")
@click.option("--views", type=click.IntRange(1, 2), default=1, show_default=True, help="Of each clip in a batch.")
@click.option("--share", multiple=True, type=(str, float), help="FOLDER and how often an epoch holds its clips.")
@click.option("--width", default=144, show_default=True)
@click.option("--layers", default=5, show_default=True)
@click.option("--rate", default=2e-3, show_default=True, help="Highest learning rate.")
@click.option("--threads", default=1, show_default=True, help="Two on busy cores wait for each other.")
@click.option("--save-every", default=500, show_default=True)
@click.option("--seed", default=1, show_default=True)
def main(
    features: Path,
    sphinx: Path,
    checkpoint: Path,
    begin_with: Path | None,
    steps: int,
    realign_at: int,
    ctc_from: int,
    augment_from: int,
    augment_until: int,
    frames: int,
    views: int,
    share: tuple[tuple[str, float], ...],
    width: int,
    layers: int,
    rate: float,
    threads: int,
    save_every: int,
    seed: int,
) -> None:
    """Train until STEPS are done, saving and scoring on the dev shards now and then."""
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    items, held_out = read_items(features, "train"), read_items(features, "dev")
    if not items:
        raise click.ClickException(f"{features} has no train shards: run prepare.py first.")
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(build_network(sphinx, width, layers), steps, rate)
    if checkpoint.exists():
        trainer.resume(checkpoint)
    elif begin_with:
        trainer.begin_with(begin_with)
    is_realigned, labels = False, []
    if trainer.step < ctc_from:  # CTC needs no alignment
        placer = PhonePlacer(sphinx)
        labels = [align(placer.log_probs(item.features), item.phones) for item in items]
    batches = draw_batches(items, dict(share), frames // views, seed, trainer.step)
    with click.progressbar(length=steps, label="Training", show_pos=True) as bar:
        bar.update(trainer.step)
        while trainer.step < steps:
            if realign_at <= trainer.step < ctc_from and not is_realigned:
                trainer.aligner = trainer.aligner or copy.deepcopy(trainer.average)
                labels, is_realigned = realign(trainer.aligner, items), True
            batch = next(batches)
            clips = views * [items[index] for index in batch]
            torch.manual_seed(1_000_003 * seed + trainer.step)  # a resumed run hides the same channels
            inputs = stack(clips)
            if augment_from <= trainer.step < augment_until:
                mask(inputs, views, random.Random(f"{seed}/mask/{trainer.step}"))  # noqa: S311
            if trainer.step < ctc_from:
                loss = trainer.learn(inputs, placement_loss(stack_labels(views * [labels[index] for index in batch])))
            else:
                trainer.aligner = None
                loss = trainer.learn(inputs, ctc_loss(clips, views))
            bar.update(1)
            if trainer.step % save_every == 0 or trainer.step == steps:
                trainer.save(checkpoint)
                rates = ", ".join(f"{name} {value:.1f}" for name, value in score(trainer.average, held_out).items())
                click.echo(f"\nstep {trainer.step}: loss {loss:.3f}, phone errors % {rates}")


if __name__ == "__main__":
    main()
