"""``dictation transcribe``: files to text, without a window."""

from __future__ import annotations

import json
import sys
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dictation.cli.console import Choices, common_options, say_error, say_note
from dictation.core.errors import DictationError

if TYPE_CHECKING:
    from dictation.core.records import Recognition, Samples, Segment, Utterance
    from dictation.core.settings import SegmenterSettings, Settings
    from dictation.runtime.backends import RecognizerLike

_BAR_STEPS = 1000


@dataclass
class _Transcript:
    """What one file gave."""

    path: Path
    model_name: str
    utterances: list[Utterance] = field(default_factory=list)
    audio_s: float = 0.0
    remark: str = ""
    error: DictationError | None = None
    """What ended the work early; the utterances before it are there all the same."""

    @property
    def text(self) -> str:
        """One line per utterance."""
        return "".join(f"{utterance.text}\n" for utterance in self.utterances)

    def as_json(self) -> dict[str, Any]:
        """Everything known; times in seconds from the start of the file, confidence 0 to 1."""
        return {
            "file": click.format_filename(self.path),  # names that are not UTF-8 stay writable
            "model": self.model_name,
            "duration_s": round(self.audio_s, 3),
            "text": self.text.rstrip("\n"),
            "remark": self.remark,
            "error": None if self.error is None else str(self.error),
            "segments": [_segment_as_json(utterance) for utterance in self.utterances],
        }


def _segment_as_json(utterance: Utterance) -> dict[str, Any]:
    return {
        "start_s": round(utterance.start_s, 3),
        "end_s": round(utterance.end_s, 3),
        "text": utterance.text,
        "words": [
            {
                "text": word.text,
                "start_s": round(utterance.start_s + word.start_s, 3),
                "end_s": round(utterance.start_s + word.end_s, 3),
                "confidence": round(word.confidence, 3),
            }
            for word in utterance.recognition.best.words
        ],
    }


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILES...", type=click.Path(path_type=Path))
@click.option(
    "--format", "form", type=click.Choice(["txt", "json"]), default="txt", show_default=True,
    help="Plain text, one line per utterance; or JSON with segments, words, times and confidence.",
)  # fmt: skip
@click.option(
    "--output", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER",
    help="Write one file for each input into this folder instead of standard output.",
)  # fmt: skip
@common_options
@click.pass_context
def transcribe(context: click.Context, files: tuple[Path, ...], form: str, output: Path | None) -> None:
    """Transcribe audio and video files, or all of them in a folder.

    On standard output, JSON is one line for each file. Exit code 1 says that some file failed; the others are done.
    """
    choices = context.ensure_object(Choices)
    settings = choices.read_settings()
    paths, failures = _expand(files)
    write = _Writer(form, output, has_many=len(paths) > 1).write
    if paths:
        with _recogniser(settings, choices.model_path) as recogniser:
            for path in paths:
                transcript = _transcribe_one(path, settings.segmenter, recogniser)
                failures += not _deliver(transcript, write)
    if failures:
        context.exit(1)


def _expand(files: tuple[Path, ...]) -> tuple[list[Path], int]:
    """Replace folders by their media files; return how many folders have none, each with its line said."""
    from dictation.audio.media_files import expand_path

    paths: list[Path] = []
    failures = 0
    for path in files:
        try:
            paths += expand_path(path)
        except DictationError as error:  # noqa: PERF203  # the others are wanted all the same
            failures += 1
            say_error(str(error), error.remedy)
    return paths, failures


@contextmanager
def _recogniser(settings: Settings, model_path: Path | None) -> Iterator[_Recogniser]:
    """Load the model in a thread of its own, which then recognises."""
    from dictation.runtime.backends import real_backends

    pool = ThreadPoolExecutor(1, "recogniser")
    try:
        recognizer = real_backends(model_path).make_recognizer(settings.recognizer)
        report = pool.submit(recognizer.load).result()
        made = _Recogniser(pool, recognizer, report.model_name)
        made.say_news()
        yield made
    finally:
        pool.shutdown(cancel_futures=True)


class _Recogniser:
    """Recognises one segment after the other in its thread, and says what is new about that."""

    def __init__(self, pool: ThreadPoolExecutor, recognizer: RecognizerLike, model_name: str) -> None:
        self.model_name = model_name
        self._pool = pool
        self._recognizer = recognizer
        self._waiting: deque[Samples] = deque()
        self._said = ""

    def look_ahead(self) -> int:
        """How many segments it wants beyond the one it works on."""
        return self._recognizer.look_ahead

    def submit(self, segment: Segment) -> Future[Recognition]:
        """Hand it a segment."""
        self._waiting.append(segment.samples)
        return self._pool.submit(self._recognise, segment.samples)

    def say_news(self) -> None:
        """Say a remark such as that a GPU is full, once."""
        note = self._recognizer.note
        if note and note != self._said:
            say_note(note)
        self._said = note

    def _recognise(self, samples: Samples) -> Recognition:
        while self._waiting.popleft() is not samples:  # those before it were cancelled
            pass
        try:
            return self._recognizer.recognize(samples, upcoming=list(self._waiting))
        finally:
            self.say_news()


def _transcribe_one(path: Path, settings: SegmenterSettings, recogniser: _Recogniser) -> _Transcript:
    """Transcribe one file behind a progress bar."""
    from dictation.runtime.file_transcription import FileStep, remark, transcribe_file

    transcript = _Transcript(path, recogniser.model_name)
    step = FileStep(0.0, None)
    with click.progressbar(length=_BAR_STEPS, label=path.name, file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        try:
            for step in transcribe_file(path, settings, recogniser.submit, recogniser.look_ahead):
                bar.update(round(_BAR_STEPS * (step.progress or 0.0)) - bar.pos)
                if step.utterance is not None and step.utterance.text:
                    transcript.utterances.append(step.utterance)
        except DictationError as error:
            transcript.error = error
        else:
            transcript.remark = remark(step, transcript.text)
    transcript.audio_s = step.audio_s
    return transcript


def _deliver(transcript: _Transcript, write: Callable[[_Transcript], None]) -> bool:
    """Write what there is and say what is odd about it; return whether all went well."""
    error = transcript.error
    if error is None or transcript.utterances:
        try:
            write(transcript)
        except OSError as failure:
            error = error or DictationError(f"{transcript.path.name}: its text could not be written: {failure}.")
    if transcript.remark:
        say_note(f"{transcript.path.name}: {transcript.remark}")
    if error is not None:
        say_error(str(error), error.remedy)
    return error is None


class _Writer:
    """Puts transcripts on standard output or into a folder."""

    def __init__(self, form: str, folder: Path | None, *, has_many: bool) -> None:
        self._form = form
        self._folder = folder
        self._has_many = has_many
        self._written: set[Path] = set()

    def write(self, transcript: _Transcript) -> None:
        """Write one transcript; raises ``OSError`` if the folder or the disk does not take it."""
        from dictation.runtime.settings_file import write_atomically

        if self._folder is not None:
            write_atomically(self._target(transcript.path, self._folder), self._render(transcript, indent=2).encode())
            return
        if self._has_many and self._form == "txt":
            click.echo(f"{click.format_filename(transcript.path)}:")
        click.echo(self._render(transcript, indent=None), nl=False)
        if self._has_many and self._form == "txt":
            click.echo()

    def _render(self, transcript: _Transcript, indent: int | None) -> str:
        if self._form == "txt":
            return transcript.text
        return json.dumps(transcript.as_json(), ensure_ascii=False, indent=indent) + "\n"

    def _target(self, path: Path, folder: Path) -> Path:
        """Name the result for its source; two sources of one name get a number, so that neither is lost."""
        target, number = folder / f"{path.stem}.{self._form}", 2
        while target in self._written:
            target, number = folder / f"{path.stem} ({number}).{self._form}", number + 1
        self._written.add(target)
        return target
