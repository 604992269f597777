"""Find the language-model weight and word score that suit a model best, on development rows.

The network hears each clip once; the app's search then reads what it heard with every pair of weights. Each set counts
alike, so that the mean of the sets' word error rates decides.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import click
from acoustics import Network
from corpus import Clip, edit_distance, read_samples, words_of
from evaluate import choose_sets

from dictation.asr.build_decoder import build_decoder
from dictation.asr.decoder import LogProbs
from dictation.asr.decoding import Decoder
from dictation.asr.model_folder import ModelFolder, open_model_folder
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


def rates(decoder: Decoder, heard: Heard, beam_width: int) -> dict[str, float]:
    """Word error rate of each set, in per cent, with the decoder as it is configured."""
    found = {}
    for name, clips in heard.items():
        errors = 0
        for log_probs, audio_s, words in clips:
            errors += edit_distance(decoder.decode(log_probs, audio_s, beam_width, 1)[0].text.split(), words)
        found[name] = 100 * errors / max(1, sum(len(words) for _, _, words in clips))
    return found


@click.command()
@click.argument("model", type=click.Path(exists=True, path_type=Path))
@click.option("--corpus", multiple=True, type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--most-clips", default=30, show_default=True, help="From each set; 0 takes all.")
@click.option("--lm-weight", multiple=True, type=float, default=(0.4, 0.6, 0.8), show_default=True)
@click.option("--word-score", multiple=True, type=float, default=(-0.5, 0.0, 0.5, 1.0), show_default=True)
@click.option("--beam-width", default=RecognizerSettings.beam_width, show_default=True)
@click.option("--seed", default=1, show_default=True)
def main(
    model: Path,
    corpus: tuple[Path, ...],
    most_clips: int,
    lm_weight: tuple[float, ...],
    word_score: tuple[float, ...],
    beam_width: int,
    seed: int,
) -> None:
    """Try every pair of the given weights on the dev rows of CORPUS; the last line names the best pair."""
    folder = open_model_folder(model)
    heard = hear(folder, choose_sets(corpus, "dev", most_clips, seed))
    decoder, _ = build_decoder(folder, None)
    means = {}
    for pair in itertools.product(lm_weight, word_score):
        decoder.configure(RecognizerSettings(lm_weight=pair[0], word_score=pair[1]))
        by_set = rates(decoder, heard, beam_width)
        means[pair] = sum(by_set.values()) / len(by_set)
        listed = ", ".join(f"{name} {rate:.1f}" for name, rate in by_set.items())
        click.echo(f"--lm-weight {pair[0]} --word-score {pair[1]}: mean {means[pair]:.2f} % ({listed})")
    best = min(means, key=lambda pair: means[pair])
    click.echo(f"best: --lm-weight {best[0]} --word-score {best[1]}")


if __name__ == "__main__":
    main()
