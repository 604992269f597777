"""An hour without speech through the app's segmenter and recogniser: how many words come out? None should.

Counted are the final words of each segment, and those shown while it grew: the recogniser hears it as often as on a
machine that keeps up. On one core that takes about ten minutes.

With --choose, instead: the letter confidence and the gain over silence (``dictation/asr/noise.py``) of that hour's
segments beside those of development clips, and values of ``min_letter_confidence`` and ``min_gain_over_silence`` that
keep the speech and leave out the noise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from acoustics import Network
from corpus import read_samples
from evaluate import choose_sets
from noises import stretches

from dictation.asr.build_decoder import build_decoder
from dictation.asr.decoding import Decoder
from dictation.asr.model_folder import ModelFolder, open_model_folder
from dictation.asr.noise import gain_over_silence, letter_confidence
from dictation.asr.recognizer import Effort, Recognizer
from dictation.core.records import SAMPLE_RATE_HZ, Samples, Segment
from dictation.core.segmenter import (
    SegmentClosed,
    Segmenter,
    SegmentEvent,
    SegmentOpened,
    SegmentPaused,
    SegmentResumed,
)
from dictation.core.settings import RecognizerSettings, SegmenterSettings
from dictation.runtime.segmenter_worker import FIRST_PARTIAL_S, PARTIAL_EVERY_S

BLOCK_FRAMES = 640
"""40 ms, as from the microphone: with the app's times a growing segment is heard every 200 ms."""
SPEECH_LOST_PERCENT = 1.0
"""So much speech may be lost to the letter confidence, and to the gain over silence."""
SPARE_GAIN = 1.0
"""Nats between the noise that gained most and the threshold, for noise not heard yet."""


@dataclass(frozen=True)
class Piece:
    """Something for the recogniser: a whole segment, or what the app would show of one that may still grow."""

    samples: Samples
    effort: Effort
    is_whole: bool

    @property
    def length_s(self) -> float:
        """How long it lasts."""
        return len(self.samples) / SAMPLE_RATE_HZ


class Ear:
    """Cuts sound into the pieces that the app's ``SegmenterWorker`` offers; nothing is skipped for being late."""

    def __init__(self, threshold_dbfs: float) -> None:
        self._segmenter = Segmenter(SegmenterSettings(threshold_dbfs=threshold_dbfs))
        self._due_frame: int | None = None
        self._paused: Segment | None = None

    def hear(self, sound: Samples) -> Iterator[Piece]:
        """Yield the pieces that are due by the end of a sound."""
        for first in range(0, len(sound), BLOCK_FRAMES):
            yield from self._follow(self._segmenter.push(sound[first : first + BLOCK_FRAMES]))
            is_due = self._due_frame is not None and self._segmenter.received_frames >= self._due_frame
            if is_due and self._paused is None and (audio := self._segmenter.open_audio()):
                self._due_frame = self._segmenter.received_frames + round(PARTIAL_EVERY_S * SAMPLE_RATE_HZ)
                yield Piece(audio.samples, Effort.PARTIAL, is_whole=False)

    def finish(self) -> Iterator[Piece]:
        """Yield what the end of the input closes."""
        yield from self._follow(self._segmenter.flush())

    def _follow(self, events: list[SegmentEvent]) -> Iterator[Piece]:
        for event in events:
            if isinstance(event, SegmentClosed):
                yield Piece(event.segment.samples, Effort.FINAL, is_whole=True)
            elif self._paused is not None:  # decoded in advance and shown, but it was not the end
                yield Piece(self._paused.samples, Effort.FINAL, is_whole=False)
            self._paused = event.segment if isinstance(event, SegmentPaused) else None
            if isinstance(event, SegmentOpened):
                self._due_frame = event.onset_frame + round(FIRST_PARTIAL_S * SAMPLE_RATE_HZ)
            elif not isinstance(event, (SegmentPaused, SegmentResumed)):
                self._due_frame = None


def pieces(sounds: Iterable[tuple[str, Samples]], threshold_dbfs: float) -> Iterator[tuple[str, Piece]]:
    """What the app would recognise, with the kind of noise that was playing then."""
    ear, kind = Ear(threshold_dbfs), ""
    for kind, sound in sounds:
        for piece in ear.hear(sound):
            yield kind, piece
    for piece in ear.finish():
        yield kind, piece


def segments(sounds: Iterable[tuple[str, Samples]], threshold_dbfs: float) -> Iterator[tuple[str, Piece]]:
    """What the segmenter takes for speech, each segment once."""
    return ((kind, piece) for kind, piece in pieces(sounds, threshold_dbfs) if piece.is_whole)


def report_words(
    folder: ModelFolder, sounds: Iterable[tuple[str, Samples]], threshold_dbfs: float, *, is_verbose: bool
) -> None:
    """Print the number of words, by kind of noise."""
    recognizer = Recognizer(folder, RecognizerSettings(processor="cpu"))
    recognizer.load()
    played_s, count, words = Counter[str](), Counter[str](), Counter[str]()
    audio_s, looks, shown, tentative = 0.0, 0, 0, 0

    def played() -> Iterator[tuple[str, Samples]]:
        for kind, sound in sounds:
            played_s[kind] += len(sound) / SAMPLE_RATE_HZ
            yield kind, sound

    for kind, piece in pieces(played(), threshold_dbfs):
        text = recognizer.recognize(piece.samples, piece.effort).best.text
        if piece.is_whole:
            count[kind] += 1
            audio_s += piece.length_s
            words[kind] += len(text.split())
        else:
            looks += 1
            shown += bool(text)
            tentative += len(text.split())
        if is_verbose and text:
            click.echo(f"  {kind}, {piece.length_s:.1f} s{'' if piece.is_whole else ', tentatively'}: {text}")
    for kind in sorted(played_s):
        click.echo(f"{kind}: {played_s[kind]:.0f} s, {count[kind]} segments, {words[kind]} words")
    click.echo(
        f"{words.total()} words in {count.total()} segments ({audio_s:.0f} s); {tentative} words shown tentatively, in"
        f" {shown} of {looks} texts of segments that were growing"
    )


def measure(folder: ModelFolder, network: Network, decoder: Decoder, samples: Samples) -> tuple[float, float]:
    """Letter confidence and gain over silence of one piece."""
    log_probs, blank = network.log_probs(samples), folder.labels.blank_index
    scored = folder.decoding.shift_blank(log_probs, blank)
    best = decoder.decode(scored, len(samples) / SAMPLE_RATE_HZ, RecognizerSettings.beam_width, 1)[0]
    return letter_confidence(log_probs, blank), gain_over_silence(best.score, scored, blank) if best.words else 0.0


def report_choice(
    folder: ModelFolder, sounds: Iterable[tuple[str, Samples]], threshold_dbfs: float, clips: list[Path]
) -> None:
    """Print confidences and gains of noise and of speech, and thresholds between them."""
    network = Network(folder)
    decoder, _ = build_decoder(folder, None)
    decoder.configure(folder.decoding.adapt(RecognizerSettings()))
    found = [
        measure(folder, network, decoder, one.samples) for _, one in pieces(sounds, threshold_dbfs) if one.is_whole
    ]
    noise = np.array(found).reshape(-1, 2)
    with click.progressbar(clips, label="Hearing speech") as bar:
        speech = np.array([measure(folder, network, decoder, read_samples(clip)) for clip in bar])
    for name, values in (("noise", noise), ("speech", speech)):
        for column, what in enumerate(("letter confidence", "gain over silence")):
            places = ", ".join(f"{np.percentile(values[:, column], at):.2f}" for at in (0, 1, 5, 50, 95, 99, 100))
            click.echo(f"{name}: {len(values)} pieces, {what} at 0, 1, 5, 50, 95, 99, 100 %: {places}")
    confidence = float(np.floor(100 * np.percentile(speech[:, 0], SPEECH_LOST_PERCENT)) / 100)
    passing = noise[noise[:, 0] >= confidence, 1]
    most = float(np.percentile(speech[speech[:, 0] >= confidence, 1], SPEECH_LOST_PERCENT))
    gain = max(0.0, min(most, float(passing.max(initial=0.0)) + SPARE_GAIN))
    gain = float(np.floor(10 * gain) / 10)
    lost = int(((speech[:, 0] < confidence) | (speech[:, 1] < gain)).sum())
    click.echo(
        f"--min-letter-confidence {confidence:.2f} --min-gain-over-silence {gain:.1f} lets {(passing >= gain).sum()} of"
        f" {len(noise)} noises through and loses {lost} of {len(speech)} clips of speech"
    )


@click.command()
@click.argument("model", type=click.Path(exists=True, path_type=Path))
@click.option("--minutes", default=60.0, show_default=True)
@click.option("--threshold-dbfs", default=SegmenterSettings.threshold_dbfs, show_default=True, help="As the slider's.")
@click.option("--seed", default=1, show_default=True, help="Choose with one, report with another.")
@click.option("--choose", is_flag=True, help="Find thresholds on this noise and dev rows of --corpus.")
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
        report_choice(folder, sounds, threshold_dbfs, [clip.path for clips in sets.values() for clip in clips])


if __name__ == "__main__":
    main()
