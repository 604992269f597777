"""Transcribe one audio or video file, step by step; the window's queue and the command line both use this.

No Qt and no thread of its own: the caller asks for the next step when it likes, and stops by closing the
generator. At most ``SEGMENTS_IN_FLIGHT`` segments wait for the recogniser, or as many as it wants to know of to hear
some together, so memory does not depend on length.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from pathlib import Path

from dictation.audio.media import Media, open_media
from dictation.core.file_segmenter import cut_recording
from dictation.core.records import SAMPLE_RATE_HZ, Recognition, Segment, Utterance
from dictation.core.settings import SegmenterSettings

SEGMENTS_IN_FLIGHT = 4
"""Enough to keep the recogniser busy while the next one is cut; 4 x 30 s are 7.7 MB."""
WAIT_S = 0.05
"""While the recogniser works, a step is yielded this often so that the caller can cancel."""
INAUDIBLE_DBFS = -90.0
"""The last bit of 16-bit audio: below it there is nothing but rounding."""

Recognise = Callable[[Segment], "Future[Recognition]"]
"""Hands a segment to the recogniser; may be called from any thread; the future may be cancelled."""


@dataclass(frozen=True)
class FileStep:
    """How far the work has come.

    Attributes:
        audio_s: Seconds of audio read.
        duration_s: Length as the file states it; None where it does not.
        loudest_dbfs: Highest level so far, -100 (digital silence) to 0.
        segments: Utterances found so far.
        damaged: Damaged places skipped so far.
        utterance: The next finished utterance, if this step brought one; its text may be empty.
    """

    audio_s: float
    duration_s: float | None
    loudest_dbfs: float = -100.0
    segments: int = 0
    damaged: int = 0
    utterance: Utterance | None = None

    @property
    def progress(self) -> float | None:
        """0 to 1, or None while the length is unknown."""
        return None if not self.duration_s else min(1.0, self.audio_s / self.duration_s)


def no_look_ahead() -> int:
    """The wish of a recogniser that takes one segment after the other."""
    return 0


def transcribe_file(
    path: Path, settings: SegmenterSettings, recognise: Recognise, look_ahead: Callable[[], int] = no_look_ahead
) -> Generator[FileStep, None, None]:
    """Transcribe a file; utterances come in order.

    Args:
        path: Anything FFmpeg reads.
        settings: Silence timeout, pre-roll and longest segment; the threshold follows the file (docs/adr/0010).
        recognise: Hands a segment to the recogniser.
        look_ahead: How many segments it wants beyond the one it works on; asked before each.

    Yields:
        A step for every second of audio, for every utterance, and every ``WAIT_S`` while waiting. Closing the
        generator cancels what the recogniser has not begun.

    Raises:
        MediaError: the file cannot be read; what was readable before the damage has been yielded.
        InvalidAudio: likewise, for samples that are not numbers.
        ModelError: from the recogniser.
    """
    with open_media(path) as media:
        yield from _transcribe(media, settings, recognise, look_ahead)


def remark(step: FileStep, text: str) -> str:
    """Say in one line what is odd about a finished file; empty if nothing is."""
    if step.damaged:
        return f"Damaged places in the file were skipped: {step.damaged}."
    if text:
        return ""
    if step.segments:
        return "Sound was found, but no words were recognised in it."
    if step.loudest_dbfs <= INAUDIBLE_DBFS:
        return "The file is silent."
    return f"No speech was found; the loudest sound is {step.loudest_dbfs:.0f} dBFS."


def _transcribe(
    media: Media, settings: SegmenterSettings, recognise: Recognise, look_ahead: Callable[[], int]
) -> Generator[FileStep, None, None]:
    """Interleave reading with waiting so that the recogniser never idles and never has more than a few segments."""
    in_flight: deque[tuple[Segment, Future[Recognition]]] = deque()
    step = FileStep(0.0, media.duration_s)
    fault: Exception | None = None
    cuts = cut_recording(media, settings)
    try:
        while fault is None:
            try:
                cut = next(cuts, None)
            except Exception as error:  # noqa: BLE001  # raised again below, once what was read is recognised
                fault = error
                break
            if cut is None:
                break
            audio_s = cut.end_frame / SAMPLE_RATE_HZ
            step = replace(step, audio_s=audio_s, loudest_dbfs=cut.loudest_dbfs, damaged=media.damaged)
            yield step
            for segment in cut.segments:
                step = replace(step, segments=step.segments + 1)
                yield from _collect(in_flight, step, max(SEGMENTS_IN_FLIGHT - 1, look_ahead()))
                in_flight.append((segment, recognise(segment)))
        yield from _collect(in_flight, step, 0)
    finally:
        for _, future in in_flight:
            future.cancel()
    if fault is not None:
        raise fault


def _collect(in_flight: deque[tuple[Segment, Future[Recognition]]], step: FileStep, at_most: int) -> Iterator[FileStep]:
    """Yield finished utterances in order, waiting until no more than ``at_most`` segments are in flight."""
    while in_flight and (len(in_flight) > at_most or in_flight[0][1].done()):
        segment, future = in_flight[0]
        if not future.done():
            wait([future], timeout=WAIT_S)
            yield step
            continue
        recognition = future.result()
        in_flight.popleft()
        start_s, end_s = segment.start_frame / SAMPLE_RATE_HZ, segment.end_frame / SAMPLE_RATE_HZ
        yield replace(step, utterance=Utterance(segment.segment_id, start_s, end_s, recognition))
