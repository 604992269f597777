"""Word error rates with confidence intervals, real-time factor and memory of several recognisers, in one table.

Each system runs in a process of its own, so that its peak memory is its own. The app's models run through the app's
``Recognizer``; a folder by export.py through the lexicon search; PocketSphinx with its own en-us model, dictionary and
language model.
"""

from __future__ import annotations

import dataclasses
import multiprocessing
import random
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import torch
from corpus import EVALUATION_SETS, Clip, edit_distance, read_clips, read_samples, words_of
from export import DESCRIPTION, LANGUAGE_MODEL, LEXICON, load_exported
from front_end import FEATURES

from dictation.asr.features import LogMel
from dictation.core.records import SAMPLE_RATE_HZ, Samples

RESAMPLINGS = 1000
LONE_WORD_SCORE = -0.5
"""Without a language model each word costs a little. The search's end labels let a word follow another on the same
sound without a blank between them, so that "the sun" and "the us sun" score exactly alike, and memory addresses
would decide between them from run to run."""
Reader = Callable[[Samples], list[str]]


@dataclass(frozen=True)
class Score:
    """One system on one set: errors and words of each clip, seconds of work and of audio."""

    errors: list[int]
    words: list[int]
    work_s: float
    audio_s: float
    memory_mb: float

    @property
    def rate_percent(self) -> float:
        """The word error rate."""
        return 100 * sum(self.errors) / max(1, sum(self.words))

    def interval_percent(self, seed: int) -> tuple[float, float]:
        """A 95 % interval by the bootstrap over clips (Bisani and Ney 2004, ICASSP)."""
        errors, words = np.array(self.errors), np.array(self.words)
        draws = np.random.default_rng(seed).integers(len(errors), size=(RESAMPLINGS, len(errors)))
        rates = 100 * errors[draws].sum(axis=1) / np.maximum(1, words[draws].sum(axis=1))
        low, high = np.percentile(rates, [2.5, 97.5])
        return float(low), float(high)


def app_reader(folder: Path, has_language_model: bool) -> Reader:
    """The app's recogniser with default settings; without its language model it still searches with the beam."""
    from dictation.asr.model_folder import open_model_folder
    from dictation.asr.recognizer import Recognizer
    from dictation.core.settings import RecognizerSettings

    opened = open_model_folder(folder)
    if not has_language_model:
        roles = {role: file for role, file in opened.files.items() if role not in {"language_model", "unigrams"}}
        opened = dataclasses.replace(opened, files=roles)
    settings = RecognizerSettings(processor="cpu")
    if not has_language_model:  # the word score balances a language model's penalty: none, no score
        settings = dataclasses.replace(settings, word_score=0.0)
    recognizer = Recognizer(opened, settings)
    recognizer.load()
    return lambda samples: recognizer.recognize(samples).best.text.split()


def lexicon_reader(folder: Path, has_language_model: bool, lm_weight: float, word_score: float) -> Reader:
    """A folder by export.py, with or without its language model."""
    from lexicon_search import LexiconSearch, SearchSettings

    torch.set_num_threads(1)
    front_end, network = LogMel(FEATURES), load_exported(folder)
    search = LexiconSearch(folder / LEXICON, folder / LANGUAGE_MODEL if has_language_model else None)
    settings = SearchSettings(lm_weight=lm_weight, word_score=word_score if has_language_model else LONE_WORD_SCORE)

    def read(samples: Samples) -> list[str]:
        with torch.inference_mode():
            log_probs = network(front_end(torch.from_numpy(samples)).unsqueeze(0))[0].log_softmax(dim=-1)
        return search.read(log_probs.numpy(), settings)

    return read


def pocketsphinx_reader() -> Reader:
    """PocketSphinx as its wheel ships it, whole utterances at once."""
    from pocketsphinx import Decoder

    decoder = Decoder(samprate=SAMPLE_RATE_HZ, loglevel="FATAL")

    def read(samples: Samples) -> list[str]:
        decoder.start_utt()
        decoder.process_raw((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes(), full_utt=True)
        decoder.end_utt()
        found = decoder.hyp()
        return words_of(found.hypstr) if found else []

    return read


def make_reader(system: str, lm_weight: float, word_score: float) -> Reader:
    """A reader for ``pocketsphinx``, ``FOLDER`` or ``FOLDER:no-lm``."""
    if system == "pocketsphinx":
        return pocketsphinx_reader()
    place, _, suffix = system.partition(":")
    folder = Path(place)
    if (folder / DESCRIPTION).exists():
        return lexicon_reader(folder, suffix != "no-lm", lm_weight, word_score)
    return app_reader(folder, suffix != "no-lm")


def measure(system: str, sets: dict[str, list[Clip]], lm_weight: float, word_score: float) -> dict[str, Score]:
    """Run one system over the sets."""
    read = make_reader(system, lm_weight, word_score)
    scores = {}
    with click.progressbar(length=sum(map(len, sets.values())), label=system, show_pos=True) as bar:
        for name, clips in sets.items():
            errors, words, work_s, audio_s = [], [], 0.0, 0.0
            for clip in clips:
                samples, wanted = read_samples(clip.path), words_of(clip.text)
                started_s = time.perf_counter()
                found = read(samples)
                work_s += time.perf_counter() - started_s
                audio_s += len(samples) / SAMPLE_RATE_HZ
                errors.append(edit_distance(found, wanted))
                words.append(len(wanted))
                bar.update(1)
            memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            scores[name] = Score(errors, words, work_s, audio_s, memory_mb)
    return scores


def choose_sets(corpora: tuple[Path, ...], split: str, most_clips: int, seed: int) -> dict[str, list[Clip]]:
    """The evaluation sets that these corpora hold, each cut to a random choice of ``most_clips``."""
    clips = [clip for corpus in corpora for clip in read_clips(corpus, split)]
    sets = {}
    for name, folders in EVALUATION_SETS.items():
        chosen = [clip for clip in clips if clip.folder in folders]
        random.Random(seed).shuffle(chosen)  # noqa: S311 - repeatable, no secret
        if chosen:
            sets[name] = chosen[:most_clips] if most_clips else chosen
    return sets


@click.command()
@click.argument("systems", nargs=-1, required=True)
@click.option("--corpus", multiple=True, type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--split", type=click.Choice(["dev", "eval"]), default="dev", show_default=True)
@click.option("--most-clips", default=0, show_default=True, help="From each set; 0 takes all.")
@click.option("--lm-weight", default=0.9, show_default=True, help="Of the lexicon search, chosen on dev.")
@click.option("--word-score", default=0.0, show_default=True, help="Likewise.")
@click.option("--seed", default=1, show_default=True)
def main(
    systems: tuple[str, ...],
    corpus: tuple[Path, ...],
    split: str,
    most_clips: int,
    lm_weight: float,
    word_score: float,
    seed: int,
) -> None:
    """Score SYSTEMS: ``pocketsphinx``, a model FOLDER, or ``FOLDER:no-lm``; choose on dev, report on eval once."""
    sets = choose_sets(corpus, split, most_clips, seed)
    context = multiprocessing.get_context("spawn")
    click.echo("| set | clips | words | system | WER % | 95 % interval | real-time factor | peak MB |")
    click.echo("|---|---|---|---|---|---|---|---|")
    for system in systems:
        with context.Pool(1) as pool:
            scores = pool.apply(measure, (system, sets, lm_weight, word_score))
        for name, score in scores.items():
            low, high = score.interval_percent(seed)
            speed = score.work_s / max(score.audio_s, 1e-9)
            click.echo(
                f"| {name} | {len(score.words)} | {sum(score.words)} | {system} | {score.rate_percent:.1f} "
                f"| {low:.1f}-{high:.1f} | {speed:.3f} | {score.memory_mb:.0f} |"
            )


if __name__ == "__main__":
    main()
