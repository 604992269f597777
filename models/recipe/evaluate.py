"""Error rates with confidence intervals, real-time factor and memory of several recognisers, in one table.

Errors are of words, or of phones where a system writes no words; the table says which. A row is printed as soon as its
system has finished the set. Each system runs in a process of its own, so that its peak memory, over the sets so far, is
its own. Model folders run through the app's ``Recognizer``; PocketSphinx with its own en-us model, dictionary and
language model.
"""

from __future__ import annotations

import dataclasses
import functools
import multiprocessing
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from importlib import metadata
from itertools import chain
from pathlib import Path

import click
import numpy as np
from acoustics import Network
from asked import digest, digest_of
from corpus import EVALUATION_SETS, Clip, read_clips, read_samples, words_of
from kept_scores import KeptScores

from dictation.asr.decoding import LEXICON
from dictation.asr.lexicon import read_lexicon
from dictation.asr.model_folder import ModelFolder, open_model_folder
from dictation.asr.recognizer import Recognizer
from dictation.core.edit_distance import edit_distance
from dictation.core.records import SAMPLE_RATE_HZ, Samples
from dictation.core.settings import RecognizerSettings

RESAMPLINGS = 1000
LONE_WORD_SCORES = {LEXICON: -1.0}
"""Added per word without a language model, by the kind of decoding, else 0: the models' own word scores balance what a
language model takes. On 75 development clips and a weak phone network, 0 gave 92.7 % of word errors, -0.5 87.1 %, -1
83.8 % and -2 81.1 %, the last with more errors in short utterances."""


@dataclass(frozen=True)
class System:
    """A recogniser: what it hears in samples, and what it should hear where a text is said (None: not comparable)."""

    read: Callable[[Samples], list[str]]
    wanted: Callable[[str], list[str] | None] = words_of
    unit: str = "words"


@dataclass(frozen=True)
class Weights:
    """Weights to try instead of those that the model folder advises; None keeps the model's."""

    lm_weight: float | None = None
    word_score: float | None = None


@dataclass(frozen=True)
class Score:
    """One system on one set: errors and units (words or phones) of each clip, seconds of work and of audio."""

    unit: str
    errors: list[int]
    counts: list[int]
    work_s: float
    audio_s: float
    memory_mb: float

    @property
    def rate_percent(self) -> float:
        """The error rate."""
        return 100 * sum(self.errors) / max(1, sum(self.counts))

    def interval_percent(self, seed: int) -> tuple[float, float]:
        """A 95 % interval by the bootstrap over clips (Bisani and Ney 2004, ICASSP)."""
        errors, counts = np.array(self.errors), np.array(self.counts)
        draws = np.random.default_rng(seed).integers(len(errors), size=(RESAMPLINGS, len(errors)))
        rates = 100 * errors[draws].sum(axis=1) / np.maximum(1, counts[draws].sum(axis=1))
        low, high = np.percentile(rates, [2.5, 97.5])
        return float(low), float(high)


def app_system(opened: ModelFolder, weights: Weights) -> System:
    """The app's recogniser with default settings."""
    tried = {name: value for name, value in dataclasses.asdict(weights).items() if value is not None}
    opened = dataclasses.replace(opened, decoding=dataclasses.replace(opened.decoding, **tried))
    recognizer = Recognizer(opened, RecognizerSettings(processor="cpu"))
    recognizer.load()
    return System(lambda samples: recognizer.recognize(samples).best.text.split())


def without_language_model(opened: ModelFolder) -> ModelFolder:
    """The same model; it still searches with the beam, and with its lexicon if it has one."""
    files = {role: file for role, file in opened.files.items() if role not in {"language_model", "unigrams"}}
    word_score = LONE_WORD_SCORES.get(opened.decoding.kind, 0.0)
    return dataclasses.replace(
        opened, files=files, decoding=dataclasses.replace(opened.decoding, word_score=word_score)
    )


def greedy_system(opened: ModelFolder) -> System:
    """The likeliest label of each frame: words if the labels spell them, else sounds, scored as sounds."""
    network, labels = Network(opened), opened.labels

    def read(samples: Samples) -> list[str]:
        path = network.log_probs(samples).argmax(axis=1).tolist()
        said = [label for place, label in enumerate(path) if not place or label != path[place - 1]]
        symbols = [labels.symbols[label] for label in said if label != labels.blank_index]
        return symbols if not labels.word_separator else "".join(symbols).split(labels.word_separator)

    if labels.word_separator:
        return System(lambda samples: [word for word in read(samples) if word])
    lexicon = read_lexicon(opened.required_file("lexicon"), labels)
    usual = dict(zip(reversed(lexicon.spoken), reversed(lexicon.sounds), strict=True))
    places = {word: place for place, word in enumerate(lexicon.words)}

    def wanted(text: str) -> list[str] | None:
        words = words_of(text)
        if not all(word in places for word in words):
            return None
        return [labels.symbols[sound] for word in words for sound in usual[places[word]]]

    return System(read, wanted, "phones")


def pocketsphinx_system() -> System:
    """PocketSphinx as its wheel ships it, whole utterances at once."""
    from pocketsphinx import Decoder

    decoder = Decoder(samprate=SAMPLE_RATE_HZ, loglevel="FATAL")

    def read(samples: Samples) -> list[str]:
        decoder.start_utt()
        decoder.process_raw((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes(), full_utt=True)
        decoder.end_utt()
        found = decoder.hyp()
        return words_of(found.hypstr) if found else []

    return System(read)


@functools.cache
def make_system(name: str, weights: Weights) -> System:
    """The system of that name; see ``main``."""
    if name == "pocketsphinx":
        return pocketsphinx_system()
    place, _, variant = name.partition(":")
    opened = open_model_folder(Path(place))
    if variant == "greedy":
        return greedy_system(opened)
    return app_system(without_language_model(opened), Weights()) if variant == "no-lm" else app_system(opened, weights)


def measure(name: str, chosen: str, clips: list[Clip], weights: Weights) -> Score | None:
    """Run one system over one set; None if it can be compared on none of the clips."""
    system = make_system(name, weights)
    errors, counts, work_s, audio_s = [], [], 0.0, 0.0
    with click.progressbar(clips, label=f"{name} {chosen}", show_pos=True, file=sys.stderr) as bar:
        for clip in bar:
            samples, wanted = read_samples(clip.path), system.wanted(clip.text)
            if wanted is None:
                continue
            started_s = time.perf_counter()
            found = system.read(samples)
            work_s += time.perf_counter() - started_s
            audio_s += len(samples) / SAMPLE_RATE_HZ
            errors.append(edit_distance(found, wanted))
            counts.append(len(wanted))
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Score(system.unit, errors, counts, work_s, audio_s, memory_mb) if errors else None


def measure_apart(name: str, sets: dict[str, list[Clip]], weights: Weights) -> Iterator[tuple[str, Score]]:
    """Run one system in a process of its own, so that its memory is its own, too; yield each set's score at once."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        for chosen, clips in sets.items():
            if score := process.submit(measure, name, chosen, clips, weights).result():
                yield chosen, score


def key_of(name: str, chosen: str, clips: list[Clip], weights: Weights) -> str:
    """What a score belongs to: the system's files, the clips and the weights."""
    place = name.partition(":")[0]
    system = digest_of(Path(place)) if name != "pocketsphinx" else metadata.version(name)
    rows = (f"{clip.path}\t{clip.text}" for clip in clips)
    return digest(part.encode() for part in (name, system, chosen, repr(weights), *rows))


def report(name: str, sets: dict[str, list[Clip]], weights: Weights, seed: int, kept: KeptScores | None) -> None:
    """Print one system's rows as they come, those that were kept first."""
    keys = {chosen: key_of(name, chosen, clips, weights) for chosen, clips in sets.items()} if kept else {}
    known = {chosen: Score(**score) for chosen, key in keys.items() if kept and (score := kept.find(key))}
    missing = {chosen: clips for chosen, clips in sets.items() if chosen not in known}
    for chosen, score in chain(known.items(), measure_apart(name, missing, weights)):
        if kept and chosen in missing:
            kept.add(keys[chosen], dataclasses.asdict(score))
        low, high = score.interval_percent(seed)
        speed = score.work_s / max(score.audio_s, 1e-9)
        click.echo(
            f"| {chosen} | {len(score.counts)} | {sum(score.counts)} | {score.unit} | {name} "
            f"| {score.rate_percent:.1f} | {low:.1f}-{high:.1f} | {speed:.3f} | {score.memory_mb:.0f} |"
        )


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
@click.option("--lm-weight", type=float, help="Instead of what the model folders advise.")
@click.option("--word-score", type=float, help="Likewise.")
@click.option("--at-once", default=1, show_default=True, help="Systems side by side; their speeds then suffer alike.")
@click.option("--keep", type=click.Path(path_type=Path), help="Keep scores here, and go on from those that are there.")
@click.option("--seed", default=1, show_default=True)
def main(
    systems: tuple[str, ...],
    corpus: tuple[Path, ...],
    split: str,
    most_clips: int,
    lm_weight: float | None,
    word_score: float | None,
    at_once: int,
    keep: Path | None,
    seed: int,
) -> None:
    """Score SYSTEMS; choose on dev, report on eval once.

    A system is ``pocketsphinx``, a model FOLDER, ``FOLDER:no-lm`` (searched without its language model) or
    ``FOLDER:greedy`` (the likeliest label of each frame; of a phone model the errors are then of phones, on clips
    whose words its lexicon knows: column ``of``).

    With --keep, a run that was interrupted goes on with the first set that has no score yet. A score counts for the
    same files, clips and weights; delete the file when the program has changed.
    """
    sets = choose_sets(corpus, split, most_clips, seed)
    click.echo("| set | clips | count | of | system | errors % | 95 % interval | real-time factor | peak MB so far |")
    click.echo("|---|---|---|---|---|---|---|---|---|")
    with ThreadPoolExecutor(at_once) as threads:
        weights, kept = Weights(lm_weight, word_score), KeptScores(keep) if keep else None
        for run in [threads.submit(report, system, sets, weights, seed, kept) for system in systems]:
            run.result()


if __name__ == "__main__":
    main()
