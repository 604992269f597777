"""Find the language-model weight, word score, blank score and pruning that suit a model best, on development rows.

The network hears each clip once; the app's search then reads what it heard with every choice of them. Each set counts
alike, so that the mean of the sets' word error rates decides.
"""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import click
from acoustics import Network
from corpus import Clip, read_samples, words_of
from evaluate import choose_sets

from dictation.asr.build_decoder import build_decoder
from dictation.asr.decoder import LogProbs
from dictation.asr.decoding import Decoder
from dictation.asr.model_folder import ModelFolder, open_model_folder
from dictation.asr.recognizer import MOST_ALTERNATIVES
from dictation.core.edit_distance import edit_distance
from dictation.core.records import SAMPLE_RATE_HZ
from dictation.core.settings import RecognizerSettings

Heard = dict[str, list[tuple[LogProbs, float, list[str]]]]
"""By set: what the network heard of each clip, the clip's seconds, and its words."""


def hear(folder: ModelFolder, sets: dict[str, list[Clip]]) -> Heard:
    """Run the network over all clips."""
    network, heard = Network(folder), Heard()
    with click.progressbar(length=sum(map(len, sets.values())), label="Hearing", show_pos=True) as bar:
        for name, clips in sets.items():
            heard[name] = []
            for clip in clips:
                samples = read_samples(clip.path)
                heard[name].append((network.log_probs(samples), len(samples) / SAMPLE_RATE_HZ, words_of(clip.text)))
                bar.update(1)
    return heard


def shift_blanks(folder: ModelFolder, heard: Heard, blank_score: float) -> Heard:
    """What was heard, as the search gets to see it."""
    decoding = dataclasses.replace(folder.decoding, blank_score=blank_score)
    return {
        name: [(decoding.shift_blank(log_probs, folder.labels.blank_index), *rest) for log_probs, *rest in clips]
        for name, clips in heard.items()
    }


def rates(decoder: Decoder, heard: Heard, beam_width: int) -> dict[str, float]:
    """Word error rate of each set, in per cent, with the decoder as it is configured."""
    found = {}
    for name, clips in heard.items():
        errors = 0
        for log_probs, audio_s, words in clips:
            best = decoder.decode(log_probs, audio_s, beam_width, MOST_ALTERNATIVES)[0]
            errors += edit_distance(best.text.split(), words)
        found[name] = 100 * errors / max(1, sum(len(words) for _, _, words in clips))
    return found


@click.command()
@click.argument("model", type=click.Path(exists=True, path_type=Path))
@click.option("--corpus", multiple=True, type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--most-clips", default=30, show_default=True, help="From each set; 0 takes all.")
@click.option("--lm-weight", multiple=True, type=float, default=(0.4, 0.6, 0.8), show_default=True)
@click.option("--word-score", multiple=True, type=float, default=(-0.5, 0.0, 0.5, 1.0), show_default=True)
@click.option("--blank-score", multiple=True, type=float, default=(0.0, -0.5, -1.0), show_default=True)
@click.option(
    "--beam-prune-logp", multiple=True, type=float, default=(RecognizerSettings.beam_prune_logp,), show_default=True
)
@click.option("--beam-width", default=RecognizerSettings.beam_width, show_default=True)
@click.option("--seed", default=1, show_default=True)
def main(
    model: Path,
    corpus: tuple[Path, ...],
    most_clips: int,
    lm_weight: tuple[float, ...],
    word_score: tuple[float, ...],
    blank_score: tuple[float, ...],
    beam_prune_logp: tuple[float, ...],
    beam_width: int,
    seed: int,
) -> None:
    """Try every choice of the given weights on the dev rows of CORPUS; the last line names the best one."""
    folder = open_model_folder(model)
    heard = hear(folder, choose_sets(corpus, "dev", most_clips, seed))
    decoder, _ = build_decoder(folder, None)
    means = {}
    for blank in blank_score:
        shifted = shift_blanks(folder, heard, blank)
        for weight, score, prune in itertools.product(lm_weight, word_score, beam_prune_logp):
            decoder.configure(RecognizerSettings(lm_weight=weight, word_score=score, beam_prune_logp=prune))
            by_set = rates(decoder, shifted, beam_width)
            choice = f"--lm-weight {weight} --word-score {score} --blank-score {blank} --beam-prune-logp {prune}"
            means[choice] = sum(by_set.values()) / len(by_set)
            listed = ", ".join(f"{name} {rate:.1f}" for name, rate in by_set.items())
            click.echo(f"{choice}: mean {means[choice]:.2f} % ({listed})")
    click.echo(f"best: {min(means, key=lambda choice: means[choice])}")


if __name__ == "__main__":
    main()
