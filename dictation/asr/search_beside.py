"""Searches for words in other processes while this one listens on: for files, whose next segments are at hand.

Python runs one thread at a time, and the search is Python; the network is not. So a thread would not do.
docs/adr/0030 has what it brings.
"""

from __future__ import annotations

import logging
import multiprocessing
import sys
import time
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from pathlib import Path
from typing import TYPE_CHECKING

from dictation.asr.search_process import Found, begin_process, find, say_ready
from dictation.core.errors import DictationError
from dictation.core.records import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from dictation.asr.look_ahead import Heard
    from dictation.asr.model_folder import ModelFolder
    from dictation.asr.ngrams import PersonalFiles
    from dictation.core.records import Samples
    from dictation.core.settings import RecognizerSettings

BEGIN_AFTER = 4
"""Segments with others behind them, before processes are started: each costs half a second of a core."""
IDLE_S = 30.0
"""Then the processes end, since each has 75 MiB of its own, and the segments are counted anew."""
MOST_PROCESSES = 8
KENLM_BINARY = b"mmap lm "
"""How every KenLM binary begins (``util/binary_format``)."""
_POLL_S = 0.02

_log = logging.getLogger(__name__)


def search_processes(cores: int, *, hears_together: bool) -> int:
    """How many processes keep up with the network: on a CPU it takes longer than the search, on a GPU far less."""
    if cores == 1:
        return 0
    return min(MOST_PROCESSES, cores - 1) if hears_together else 1


def are_shareable(model: ModelFolder, personal: PersonalFiles | None) -> bool:
    """Whether the language models lie in memory once for all processes: KenLM maps binaries, but reads texts.

    Not on Windows, where a mapped file could not be replaced, so that ``ngrams`` has it read.
    """
    paths = [path for path in (model.file("language_model"), personal.model_path if personal else None) if path]
    return all(sys.platform != "win32" and _starts_with(path, KENLM_BINARY) for path in paths)


class SearchBeside:
    """Begins with the search of segments before they are asked for. Thread: as ``Recognizer``.

    If its processes fail, or cannot be started, it says so in the log and does nothing more.
    """

    def __init__(
        self,
        model: Path,
        personal: PersonalFiles | None,
        make_pool: Callable[[Path, PersonalFiles | None, int], Executor] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make one without processes.

        Args:
            model: The model's folder.
            personal: The personal language model to mix in.
            make_pool: Makes so many processes, ready for ``search_process.find``.
            clock: Monotonic, in seconds.
        """
        self._model = model
        self._personal = personal
        self._make_pool = make_pool or _make_pool
        self._clock = clock
        self._pool: Executor | None = None
        self._started: Future[None] | None = None
        self._size = 0
        self._pending: dict[int, tuple[weakref.ref[Samples], Heard, Future[Found]]] = {}
        self._segments = 0
        self._used_s = 0.0
        self._is_broken = False

    def find(
        self,
        samples: Samples,
        upcoming: Sequence[Samples],
        settings: RecognizerSettings,
        hear: Callable[[Samples], Heard],
        checkpoint: Callable[[], None],
        processes: int,
    ) -> tuple[Heard, Found | None] | None:
        """Have a segment searched, and meanwhile hear those behind it, so that their searches can begin.

        Args:
            samples: The segment.
            upcoming: What will be asked for next, by identity; so many segments are heard as there are processes.
            settings: The user's.
            hear: The network. What it raises for the segment is raised here.
            checkpoint: Called between the stages; may raise to leave.
            processes: How many there shall be.

        Returns:
            What was heard and found; nothing found if the processes failed, and None if there are none.
        """
        self._used_s = self._clock()
        if not self._is_ready(bool(upcoming), processes):
            return None
        try:
            begun = self._pending.pop(id(samples), None)
            heard = begun[1] if begun else hear(samples)
            try:
                found = begun[2] if begun else self._submit(heard, samples, settings)
                self._look_ahead(found, upcoming[:processes], settings, hear, checkpoint)
                return heard, _result(found, checkpoint)
            except _ProcessFailed as error:
                self._give_up(error.__cause__ or error)
                return heard, None
        finally:
            self._used_s = self._clock()

    def has_begun(self, samples: Samples) -> bool:
        """Whether a segment's search has begun."""
        return id(samples) in self._pending

    def forget(self) -> None:
        """Let go of what was searched with other settings."""
        for _, _, found in self._pending.values():
            found.cancel()
        self._pending.clear()

    def tend(self) -> None:
        """End processes that have been idle for long; segments that wait for live speech to end still need them."""
        if not self._pending and self._clock() - self._used_s > IDLE_S:
            self.close()

    def close(self) -> None:
        """End the processes, without waiting for them; idempotent. They would begin again."""
        self.forget()  # the pool would not cancel them: it is asked when nobody refers to it any more
        self._segments = 0
        pool, self._pool, self._started = self._pool, None, None
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)

    def _is_ready(self, has_upcoming: bool, processes: int) -> bool:
        """Whether a process waits for work; starts them when it is worth it."""
        if self._is_broken or not processes:
            return False
        if self._pool is not None and processes != self._size:  # another processor hears now
            self.close()
        if self._started is None:
            self._segments += has_upcoming
            if self._segments >= BEGIN_AFTER:
                self._start(processes)
            return False
        if not self._started.done():
            return False
        error = self._started.exception()
        if error is not None:
            self._give_up(error)
        return error is None

    def _start(self, processes: int) -> None:
        try:
            self._pool, self._size = self._make_pool(self._model, self._personal, processes), processes
            self._started = self._pool.submit(say_ready)
        except (OSError, ImportError, NotImplementedError, BrokenExecutor) as error:  # such as no semaphores here
            self._give_up(error)

    def _submit(self, heard: Heard, samples: Samples, settings: RecognizerSettings) -> Future[Found]:
        """Hand on what was heard."""
        assert self._pool is not None  # noqa: S101  # for the type checker
        try:
            return self._pool.submit(find, heard.log_probs, samples.size / SAMPLE_RATE_HZ, settings)
        except (BrokenExecutor, OSError, RuntimeError) as error:  # processes are started here, too
            raise _ProcessFailed from error

    def _look_ahead(
        self,
        found: Future[Found],
        upcoming: Sequence[Samples],
        settings: RecognizerSettings,
        hear: Callable[[Samples], Heard],
        checkpoint: Callable[[], None],
    ) -> None:
        """Begin with segments that nobody has asked for yet, until the one asked for is found."""
        for piece in upcoming:
            key = id(piece)
            if key in self._pending:
                continue
            if found.done():
                return
            checkpoint()
            try:
                heard = hear(piece)
            except (DictationError, RuntimeError, MemoryError):  # it will fail again when it is its turn
                return
            begun = self._submit(heard, piece, settings)
            self._pending[key] = weakref.ref(piece, self._forgetting(key)), heard, begun

    def _forgetting(self, key: int) -> Callable[[object], object]:
        """For when a segment's audio is gone, because its file was cancelled: its number may be another's then."""
        return lambda _: self._pending.pop(key, None)

    def _give_up(self, error: BaseException) -> None:
        """Leave the search to the recogniser for good."""
        _log.warning("no searches in other processes any more: %s", type(error).__name__)
        self._is_broken = True
        self.close()


def _starts_with(path: Path, start: bytes) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(start)) == start
    except OSError:
        return False


class _ProcessFailed(Exception):
    """A process of the pool, or its start; the cause says how."""


def _result(found: Future[Found], checkpoint: Callable[[], None]) -> Found:
    """Wait, but leave when the checkpoint says so."""
    try:
        while not wait([found], _POLL_S).done:
            checkpoint()
    finally:
        found.cancel()  # does nothing to one that is done
    error = found.exception()
    if error is not None:
        raise _ProcessFailed from error
    return found.result()


def _make_pool(model: Path, personal: PersonalFiles | None, processes: int) -> Executor:
    """Processes that share nothing with this one: a copy of it would have its threads' locks, but not its threads."""
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(processes, context, begin_process, (model, personal))
