"""``dictation transcribe``: files to text, without a window."""

from __future__ import annotations

import json
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
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
@click.option("--force", is_flag=True, help="Overwrite files that are in the folder already.")
@common_options
@click.pass_context
def transcribe(context: click.Context, files: tuple[Path, ...], form: str, output: Path | None, force: bool) -> None:
    """Transcribe audio and video files, or all of them in a folder.

    On standard output, JSON is one line for each file. Exit code 1 says that some file failed; the others are done.
    """
    choices = context.ensure_object(Choices)
    settings = choices.read_settings()
    paths, failures = _expand(files)
    writer = _Writer(form, output, paths, may_overwrite=force)
    if paths:
        with _recogniser(settings, choices.model_path) as recogniser:
            for path in paths:
                transcript = _transcribe_one(path, settings.segmenter, recogniser)
                failures += not _deliver(transcript, writer.write)
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
    recognizer = real_backends(model_path).make_recognizer(settings.recognizer)
    try:
        report = pool.submit(recognizer.load).result()
        made = _Recogniser(pool, recognizer, report.model_name)
        made.say_news()
        yield made
    finally:
        pool.shutdown(cancel_futures=True)
        recognizer.close()


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

    def __init__(self, form: str, folder: Path | None, paths: Sequence[Path], *, may_overwrite: bool) -> None:
        """Name the results; raises ``DictationError`` if one is there already, before the work is begun."""
        self._form = form
        self._has_many = len(paths) > 1
        self._may_overwrite = may_overwrite
        self._targets: dict[Path, list[Path]] = {}
        if folder is not None:
            self._name_targets(paths, folder)

    def write(self, transcript: _Transcript) -> None:
        """Write one transcript; raises ``OSError`` if the folder or the disk does not take it."""
        from dictation.runtime.settings_file import write_atomically

        if self._targets:
            target = self._targets[transcript.path].pop(0)
            if not self._may_overwrite:  # somebody may have put a file there while this one was transcribed
                target = next(name for name in _names_like(target) if not name.exists())
            write_atomically(target, self._render(transcript, indent=2).encode())
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

    def _name_targets(self, paths: Sequence[Path], folder: Path) -> None:
        """Name each result for its source; two sources of one name get numbers, so that neither is lost."""
        taken: set[Path] = set()
        for path in paths:
            wanted = folder / f"{path.stem}.{self._form}"
            target = next(name for name in _names_like(wanted) if name not in taken)
            taken.add(target)
            self._targets.setdefault(path, []).append(target)
        in_the_way = sorted(target for target in taken if target.exists())
        if in_the_way and not self._may_overwrite:
            others = f", and {len(in_the_way) - 1} more of the results," if len(in_the_way) > 1 else ""
            raise DictationError(
                f"{click.format_filename(in_the_way[0])}{others} would be overwritten; nothing was transcribed.",
                "Choose another folder with --output, or overwrite with --force.",
            )


def _names_like(path: Path) -> Iterator[Path]:
    """The name itself, then with a number behind it."""
    yield path
    for number in count(2):
        yield path.with_name(f"{path.stem} ({number}){path.suffix}")
