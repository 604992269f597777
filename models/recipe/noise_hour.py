"""An hour without speech through the app's segmenter and recogniser: how many words come out? None should.

With --choose, instead: the letter confidence (``dictation/asr/noise.py``) of that hour's segments beside that of
development clips, and the value of ``min_letter_confidence`` that keeps most of one and least of the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
import numpy as np
from acoustics import Network
from corpus import read_samples
from evaluate import choose_sets
from noises import stretches

from dictation.asr.model_folder import ModelFolder, open_model_folder
from dictation.asr.noise import letter_confidence
from dictation.asr.recognizer import Effort, Recognizer
from dictation.core.records import Samples, Segment
from dictation.core.segmenter import SegmentClosed, Segmenter
from dictation.core.settings import RecognizerSettings, SegmenterSettings

BLOCK_FRAMES = 1600
"""What the microphone delivers at once does not matter to the segmenter; 0.1 s keeps memory small."""
SPEECH_LOST_PERCENT = 1.0
"""So much speech may be taken for noise."""


def segments(sounds: Iterable[tuple[str, Samples]], threshold_dbfs: float) -> Iterator[tuple[str, Segment]]:
    """What the segmenter takes for speech, with the kind of noise that was playing when it closed."""
    segmenter, kind = Segmenter(SegmenterSettings(threshold_dbfs=threshold_dbfs)), ""
    for kind, sound in sounds:
        for first in range(0, len(sound), BLOCK_FRAMES):
            for event in segmenter.push(sound[first : first + BLOCK_FRAMES]):
                if isinstance(event, SegmentClosed):
                    yield kind, event.segment
    for event in segmenter.flush():
        if isinstance(event, SegmentClosed):
            yield kind, event.segment


def count_words(
    folder: ModelFolder, sounds: Iterable[tuple[str, Samples]], threshold_dbfs: float
) -> Iterator[tuple[str, float, str, str]]:
    """Recognise every segment: the kind of noise, seconds, final words, and words while it went on."""
    recognizer = Recognizer(folder, RecognizerSettings(processor="cpu"))
    recognizer.load()
    for kind, segment in segments(sounds, threshold_dbfs):
        final = recognizer.recognize(segment.samples).best.text
        half = segment.samples[: len(segment.samples) // 2]
        yield kind, segment.length_s, final, recognizer.recognize(half, Effort.PARTIAL).best.text


def report_words(
    folder: ModelFolder, sounds: Iterable[tuple[str, Samples]], threshold_dbfs: float, *, is_verbose: bool
) -> None:
    """Print the number of words, by kind of noise."""
    count, audio_s, words, tentative = Counter[str](), 0.0, Counter[str](), 0
    for kind, seconds, final, partial in count_words(folder, sounds, threshold_dbfs):
        count[kind] += 1
        audio_s += seconds
        words[kind] += len(final.split())
        tentative += len(partial.split())
        if is_verbose and final:
            click.echo(f"  {kind}, {seconds:.1f} s: {final}")
    for kind in sorted(count):
        click.echo(f"{kind}: {count[kind]} segments, {words[kind]} words")
    click.echo(
        f"{words.total()} words in {count.total()} segments ({audio_s:.0f} s); {tentative} more words had been shown"
        " tentatively halfway through them"
    )


def report_choice(
    folder: ModelFolder, sounds: Iterable[tuple[str, Samples]], threshold_dbfs: float, speech: list[Samples]
) -> None:
    """Print the confidences of noise and of speech, and the threshold."""
    network, blank = Network(folder), folder.labels.blank_index
    noise = [letter_confidence(network.log_probs(one.samples), blank) for _, one in segments(sounds, threshold_dbfs)]
    with click.progressbar(speech, label="Hearing speech") as bar:
        spoken = [letter_confidence(network.log_probs(samples), blank) for samples in bar]
    for name, found in (("noise", noise), ("speech", spoken)):
        places = ", ".join(f"{np.percentile(found, at):.2f}" for at in (1, 5, 50, 95, 99)) if found else "none"
        click.echo(f"{name}: {len(found)} pieces, letter confidence at 1, 5, 50, 95, 99 %: {places}")
    chosen = float(np.floor(100 * np.percentile(spoken, SPEECH_LOST_PERCENT)) / 100)
    passing = sum(one >= chosen for one in noise)
    lost = sum(one < chosen for one in spoken)
    click.echo(f"--min-letter-confidence {chosen:.2f} lets {passing} noises through and loses {lost} clips of speech")


@click.command()
@click.argument("model", type=click.Path(exists=True, path_type=Path))
@click.option("--minutes", default=60.0, show_default=True)
@click.option("--threshold-dbfs", default=SegmenterSettings.threshold_dbfs, show_default=True, help="As the slider's.")
@click.option("--seed", default=1, show_default=True, help="Choose with one, report with another.")
@click.option("--choose", is_flag=True, help="Find min_letter_confidence on this noise and on dev rows of --corpus.")
@click.option("--corpus", multiple=True, type=click.Path(exists=True, path_type=Path), help="With --choose.")
@click.option("--most-clips", default=50, show_default=True, help="With --choose: speech from each set.")
@click.option("--verbose", is_flag=True, help="Print the words.")
def main(
    model: Path,
    minutes: float,
    threshold_dbfs: float,
    seed: int,
    choose: bool,
    corpus: tuple[Path, ...],
    most_clips: int,
    verbose: bool,
) -> None:
    """Count the words that MODEL hears in silence, hum, hiss, rooms, breath, tones, clicks and knocks."""
    folder = open_model_folder(model)
    with click.progressbar(stretches(60 * minutes, seed), label="Listening", show_pos=True) as sounds:
        if not choose:
            report_words(folder, sounds, threshold_dbfs, is_verbose=verbose)
            return
        sets = choose_sets(corpus, "dev", most_clips, seed)
        if not sets:
            raise click.UsageError("--choose needs dev rows: name a --corpus")
        speech = [read_samples(clip.path) for clips in sets.values() for clip in clips]
        report_choice(folder, sounds, threshold_dbfs, speech)


if __name__ == "__main__":
    main()
