"""``dictation listen``: live text in the terminal, from the microphone or from a file played in its place."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from dictation.cli.console import Choices, common_options, say_error, say_note
from dictation.core.status import BROKEN_INPUT, InputState, ModelState, SessionState

if TYPE_CHECKING:
    from dictation.core.errors import DictationError
    from dictation.core.records import Gap, Tentative, Utterance
    from dictation.core.settings import RecoverySettings
    from dictation.core.status import InputStatus, ModelStatus
    from dictation.runtime.backends import Backends
    from dictation.runtime.session import Session
    from dictation.runtime.sound_journal import SoundJournal

_CLEAR_LINE = "\r\x1b[K"


@click.command()
@click.option(
    "--file", "clip", type=click.Path(path_type=Path), metavar="CLIP",
    help="Play this audio or video file in the place of the microphone, at its own speed.",
)  # fmt: skip
@common_options
@click.pass_context
def listen(context: click.Context, clip: Path | None) -> None:
    """Show words while you speak, until Ctrl+C; final lines go to standard output.

    Speech lies on the disk until its line is written: what a crash takes, "dictation recover" brings back.
    """
    from PySide6.QtCore import QCoreApplication

    from dictation.runtime.session import Session

    choices = context.ensure_object(Choices)
    settings = choices.read_settings()
    backends = _backends(choices.model_path, clip)
    application = QCoreApplication.instance() or QCoreApplication(sys.argv[:1])
    with _kept_until_written(settings.recovery, is_live=clip is None) as journal:
        listener = _Listener(Session(settings, backends, journal), ends_with_input=clip is not None)
        if journal is not None:
            listener.release_written(journal)
        listener.session.stopped.connect(application.quit)
        before = signal.signal(signal.SIGINT, listener.interrupt)
        try:
            listener.start()
            application.exec()
        finally:
            signal.signal(signal.SIGINT, before)
    context.exit(listener.exit_code)


@contextmanager
def _kept_until_written(settings: RecoverySettings, *, is_live: bool) -> Iterator[SoundJournal | None]:
    """Keep live speech on the disk until it has words, and say at both ends what has none; a clip needs no keeping."""
    from dictation.runtime.kept_sounds import usual_root, waiting_s
    from dictation.runtime.sound_journal import SoundJournal

    if not is_live:
        yield None
        return
    root = usual_root()
    before_s = waiting_s(root)
    if before_s:
        say_note(f"{before_s:.1f} s of speech from an earlier run have no words yet: dictation recover")
    journal = SoundJournal(root, settings)
    try:
        yield journal
    finally:
        journal.close()
        if left_s := max(0.0, waiting_s(root) - before_s):
            say_note(f"{left_s:.1f} s of speech have no words yet: dictation recover")


def _backends(model_path: Path | None, clip: Path | None) -> Backends:
    """The real ones, with the clip as the only input if there is one; a clip that cannot be read raises here."""
    from dictation.audio.media import open_media
    from dictation.audio.wave_source import WaveSource
    from dictation.runtime.backends import real_backends

    backends = real_backends(model_path)
    if clip is None:
        return backends
    with open_media(clip):
        pass
    return replace(backends, make_source=lambda _settings: WaveSource(clip), refresh_inputs=lambda: None)


class _Listener:
    """Writes what a session says, and ends it. Thread: the one of the event loop."""

    def __init__(self, session: Session, *, ends_with_input: bool) -> None:
        self.session = session
        self.exit_code = 0
        self._ends_with_input = ends_with_input
        self._is_ending = False
        self._is_terminal = sys.stdout.isatty()
        self._announced = ""
        session.input_changed.connect(self._on_input_changed)
        session.model_changed.connect(self._on_model_changed)
        session.tentative_changed.connect(self._on_tentative_changed)
        session.utterance_ready.connect(self._on_utterance_ready)
        session.gap_found.connect(self._on_gap_found)
        session.failed.connect(self._on_failed)
        session.state_changed.connect(self._on_state_changed)

    def release_written(self, journal: SoundJournal) -> None:
        """Let the sound of each utterance go when its line has been written: no draft holds the words here."""
        from dictation.runtime.kept_sounds import usual_root
        from dictation.runtime.sound_release import SoundRelease

        self._release = SoundRelease(usual_root(), journal)
        self._release.text_is_kept = False
        self.session.utterance_ready.connect(self._release.note_utterance)  # behind the slot that writes the line
        journal.failed.connect(self.session.failed)  # the journal tells it in the segmenter's thread

    def start(self) -> None:
        """Open the input and record at once; audio waits for the model."""
        self.session.open()
        self.session.record()

    def interrupt(self, _signal: int, _frame: FrameType | None) -> None:
        """Ctrl+C: finish what was said; the second time, leave at once."""
        if self._is_ending:
            self.session.close()
        self._end()

    def _end(self) -> None:
        self._is_ending = True
        self.session.stop()
        self._on_state_changed(self.session.state)

    def _on_state_changed(self, state: SessionState) -> None:
        """After the last words, close."""
        if self._is_ending and state not in (SessionState.DRAINING, SessionState.LOADING):
            self.session.close()

    def _on_input_changed(self, status: InputStatus) -> None:
        if status.state in BROKEN_INPUT and self._ends_with_input:
            self._end()
        elif status.state is InputState.DELIVERING and status.device_name != self._announced:
            self._announced = status.device_name
            say_note(f"listening to {status.device_name}; Ctrl+C ends")
        elif status.message and not self._is_ending:
            say_error(status.message, status.remedy)

    def _on_model_changed(self, status: ModelStatus) -> None:
        if status.state in (ModelState.MISSING, ModelState.FAILED):
            say_error(status.note, status.remedy)
            self.exit_code = 1
            self.session.close()
        elif status.state is ModelState.READY:
            say_note(f"model {status.name} on {status.device}")
            if status.note:
                say_note(status.note)

    def _on_tentative_changed(self, tentative: Tentative | None) -> None:
        """Redraw the open utterance on one line, its end if it is longer than the terminal is wide."""
        if self._is_terminal:
            text = "" if tentative is None else f"{tentative.stable_text} {tentative.tail_text}".strip()
            width = shutil.get_terminal_size().columns - 1
            shown = text if len(text) <= width else f"…{text[1 - width :]}"
            click.echo(_CLEAR_LINE + click.style(shown, dim=True), nl=False)

    def _on_utterance_ready(self, utterance: Utterance) -> None:
        if utterance.text:
            self._write_line(utterance.text)

    def _on_gap_found(self, gap: Gap) -> None:
        self._write_line(gap.text)

    def _on_failed(self, error: DictationError) -> None:
        say_error(str(error), error.remedy)

    def _write_line(self, text: str) -> None:
        click.echo((_CLEAR_LINE if self._is_terminal else "") + text)
