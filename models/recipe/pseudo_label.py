"""Choose what was said in clips that state only what may have been said, by the judgement of a first network.

The coffee orders list every sentence their grammar allows (``candidates.jsonl``). The one with the highest CTC
likelihood becomes the transcript, where the network finds it clearly likelier than the next; the others stay out.
Self-training with a restricted choice, after Zavaliagkos and Colthurst 1998, "Utilizing untranscribed training data".
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import click
import torch
from acoustics import Network
from corpus import Lexicon, phone_ids, read_lexicon, read_samples, words_of
from torch import Tensor
from torch.nn import functional

from dictation.asr.model_folder import open_model_folder

HEAD = ("path", "seconds", "speaker", "split", "text")


def negative_log_likelihoods(log_probs: Tensor, texts: Sequence[list[int]]) -> Tensor:
    """Negative log-likelihoods of phone sequences, shape (texts,), in nats, given (frames, labels)."""
    lengths = torch.tensor([len(text) for text in texts])
    frames = torch.full((len(texts),), len(log_probs))
    phones = torch.tensor([phone for text in texts for phone in text])
    repeated = log_probs.unsqueeze(1).expand(-1, len(texts), -1)
    return functional.ctc_loss(repeated, phones, frames, lengths, reduction="none")


def choose(log_probs: Tensor, candidates: Sequence[str], lexicon: Lexicon, margin: float) -> str | None:
    """The candidate that is likelier than every other by ``margin`` nats; None if there is no such."""
    known = [(text, phones) for text in candidates if (phones := phone_ids(words_of(text), lexicon))]
    if not known:
        return None
    losses = negative_log_likelihoods(log_probs, [phones for _, phones in known])
    order = losses.argsort()
    if not torch.isfinite(losses[order[0]]) or (len(known) > 1 and losses[order[1]] - losses[order[0]] < margin):
        return None
    return known[int(order[0])][0]


@click.command()
@click.option(
    "--clips", type=click.Path(exists=True, path_type=Path), required=True, help="Folder with candidates.jsonl."
)
@click.option("--model", type=click.Path(exists=True, path_type=Path), required=True, help="Folder by export.py.")
@click.option("--lexicon", type=click.Path(exists=True, path_type=Path), required=True, help="In CMU's format.")
@click.option("--output", type=click.Path(path_type=Path), required=True, help="A corpus; gets a folder of that name.")
@click.option("--margin", default=2.0, show_default=True, help="Nats between the best and the next candidate.")
def main(clips: Path, model: Path, lexicon: Path, output: Path, margin: float) -> None:
    """Write a manifest that points to those of CLIPS whose transcript is clear; splits stay as they are."""
    network = Network(open_model_folder(model))
    pronunciations = read_lexicon(lexicon)
    with (clips / "manifest.tsv").open(encoding="utf-8") as stream:
        splits = {row["path"]: row["split"] for row in csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)}
    listed = [json.loads(line) for line in (clips / "candidates.jsonl").read_text(encoding="utf-8").splitlines()]
    rows = []
    with click.progressbar(listed, label="Choosing", show_pos=True) as bar, torch.inference_mode():
        for clip in bar:
            log_probs = torch.from_numpy(network.log_probs(read_samples(clips / clip["path"])))
            if text := choose(log_probs, clip["candidates"], pronunciations, margin):
                place = str((clips / clip["path"]).resolve())
                rows.append((place, clip["seconds"], "unknown", splits[clip["path"]], text))
    folder = output / clips.name
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "manifest.tsv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, delimiter="\t", lineterminator="\n").writerows([HEAD, *rows])
    click.echo(f"{len(rows)} of {len(listed)} clips have a clear transcript")


if __name__ == "__main__":
    main()
