"""Turn ARPA text into KenLM's binary format, which KenLM maps into memory instead of parsing it.

KenLM's Python package reads both but writes neither, and it holds Python's lock while it parses: 0.8 s per million
n-grams, in which a window stands still and the sound of a microphone is lost. Here the text is read by Python, line by
line and a few thousand lines at a time, so that other threads get their turn every few milliseconds.

What KenLM itself derives from ARPA text (``lm/search_hashed``, ``lm/blank``) is in the file: the sign of a log10
probability is positive if some longer n-gram ends with this one; a back-off weight of zero is positive if some longer
n-gram starts with this one, else negative. Where an n-gram ends with one that was pruned away, that one is put in with
the probability that backing off gives it, since KenLM looks up n-grams word by word from their end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from dictation.language.kenlm_tables import (
    Columns,
    Keys,
    header,
    slots,
    suffix_keys,
    vocabulary_header,
    word_hashes,
    write_table,
)

LOWEST_ORDER, HIGHEST_ORDER = 2, 6
"""What KenLM's Python package is compiled for."""
MOST_NGRAMS = 40_000_000
"""They take 1.6 to 2.5 GB of memory while the file is made: 38 bytes each in a 4-gram model, 62 in one of pairs alone,
since those of one length are sorted at once."""

_UNKNOWN, _START, _END = b"<unk>", b"<s>", b"</s>"
_UNKNOWN_SPELLINGS = (_UNKNOWN, b"<UNK>")
_UNKNOWN_LOG10_PROB = -100.0
"""KenLM's, where the text lists no unknown word."""
_LINES_PER_BLOCK = 4096
_READ_SHARE = 0.9
"""Of the work; the rest is writing."""

Reals = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]


class CannotPack(ValueError):
    """The ARPA text is malformed, too large or such that this format cannot hold it; says why."""


@dataclass
class _Level:
    """All n-grams of one length.

    Attributes:
        stated: How many the text holds; blanks come on top.
        keys: Ascending; shape (n-grams,). Single words have their identifiers.
        log10_probs: Of the last word after the others; shape (n-grams,).
        log10_backoffs: Shape (n-grams,); not used at the highest order.
    """

    stated: int
    keys: Keys
    log10_probs: Reals
    log10_backoffs: Reals

    def columns(self) -> Columns:
        """What an entry of a middle table consists of."""
        return {"key": self.keys, "prob": self.log10_probs, "backoff": self.log10_backoffs}

    def find(self, keys: Keys) -> Places:
        """Where n-grams are, -1 for those that are not there."""
        if not len(self.keys):
            return np.full(len(keys), -1)
        places = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[places] == keys, places, -1)

    def mark_ends_longer(self, places: Places) -> None:
        """Note that longer n-grams end with these."""
        self.log10_probs[places] = np.abs(self.log10_probs[places])

    def mark_starts_longer(self, places: Places) -> None:
        """Note that longer n-grams start with these, or would."""
        self.log10_backoffs[places[self.log10_backoffs[places] == 0]] = 0.0

    def sort(self) -> None:
        """Bring the n-grams into the order of their keys; raises ``CannotPack`` if two are the same."""
        order = np.argsort(self.keys)
        self.keys = self.keys[order]
        self.log10_probs = self.log10_probs[order]
        self.log10_backoffs = self.log10_backoffs[order]
        if len(self.keys) and (self.keys[0] == 0 or np.any(self.keys[1:] == self.keys[:-1])):
            raise CannotPack("an n-gram is listed twice")


@dataclass
class _Missing:
    """What n-grams of one length want of a shorter length that is not there, with repetitions."""

    blanks: list[Keys] = field(default_factory=list)
    blank_log10_probs: list[Reals] = field(default_factory=list)
    contexts: list[Keys] = field(default_factory=list)


def write_binary(arpa: Path, target: Path, checkpoint: Callable[[float], None]) -> None:
    """Write an ARPA file's model as a KenLM binary. Thread: any.

    A million n-grams take about three seconds, 40 to 60 MB of memory and 24 MB of disk. The same text gives the same
    bytes. A language model that lists no unknown word gets one with the probability that KenLM would give it.

    Args:
        arpa: The text, not gzipped.
        target: The file to write; whatever goes wrong, it is not there afterwards.
        checkpoint: Called every few thousand n-grams with the share that is done, 0 to 1; may raise to cancel.

    Raises:
        CannotPack: the text is malformed, holds over ``MOST_NGRAMS`` n-grams, or cannot be represented.
        OSError: a file cannot be read or written.
    """
    try:
        size_bytes = max(1, arpa.stat().st_size)
        with arpa.open("rb") as source:
            builder = _Builder(source, lambda: checkpoint(_READ_SHARE * min(1.0, source.tell() / size_bytes)))
            builder.read()
        with target.open("wb") as stream:
            builder.write(stream, lambda: checkpoint(_READ_SHARE))
        checkpoint(1.0)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


class _Builder:
    """Reads one ARPA file and writes it in the other format."""

    def __init__(self, source: BinaryIO, checkpoint: Callable[[], None]) -> None:
        self._source = source
        self._checkpoint = checkpoint
        self._words: list[bytes] = []  # by identifier, from 1
        self._ids: dict[bytes, int] = dict.fromkeys(_UNKNOWN_SPELLINGS, 0)
        self._levels: list[_Level] = []

    def read(self) -> None:
        """Read the whole text."""
        counts = _read_counts(self._source)
        lists_unknown = self._read_words(counts[0])
        for length, count in enumerate(counts[1:], 2):
            self._read_ngrams(length, count, length == len(counts))
        _expect(self._source, b"\\end\\")
        if any(line.strip() for line in self._source):
            raise CannotPack("there is text behind its end")
        if not lists_unknown:  # after the rest, as KenLM does
            self._levels[0].log10_probs[0] = _UNKNOWN_LOG10_PROB
            self._levels[0].log10_backoffs[0] = 0.0

    def write(self, stream: BinaryIO, checkpoint: Callable[[], None]) -> None:
        """Write what was read."""
        hashes = word_hashes(self._words)
        if len(np.unique(hashes)) < len(hashes) or not np.all(hashes):
            raise CannotPack("two words have the same hash")
        words, *middle, longest = self._levels
        stream.write(header([level.stated for level in self._levels]))
        stream.write(vocabulary_header(words.stated))
        numbered: Columns = {"key": hashes, "identifier": np.arange(1, words.stated, dtype=np.uint32)}
        write_table(stream, slots(words.stated), numbered, checkpoint)
        weights = np.zeros((words.stated + 1, 2), dtype="<f4")
        weights[:-1, 0], weights[:-1, 1] = words.log10_probs, words.log10_backoffs
        stream.write(weights.tobytes())
        for level in middle:
            write_table(stream, slots(level.stated), level.columns(), checkpoint)
        without_backoffs: Columns = {"key": longest.keys, "prob": longest.log10_probs}
        write_table(stream, slots(longest.stated), without_backoffs, checkpoint)
        stream.writelines(word + b"\0" for word in [_UNKNOWN, *self._words])

    def _read_words(self, count: int) -> bool:
        """Read the single words; returns whether the unknown word is among them."""
        words: list[bytes] = []
        probs, backoffs = np.empty(count, dtype=np.float32), np.empty(count, dtype=np.float32)
        for place, columns in self._sections(1, count):
            here = slice(place, place + len(columns[1]))
            words += columns[1]
            probs[here], backoffs[here] = _log10_probs(columns[0]), _log10_backoffs(columns[2])
        unknown = [place for place, word in enumerate(words) if word in _UNKNOWN_SPELLINGS]
        self._words = [word for word in words if word not in _UNKNOWN_SPELLINGS]
        self._ids |= zip(self._words, range(1, len(words) + 1), strict=False)
        if len(unknown) > 1 or len(self._ids) != len(self._words) + len(_UNKNOWN_SPELLINGS):
            raise CannotPack("a word is listed twice")
        if any(b"\0" in word for word in words):
            raise CannotPack("a word holds a zero byte")
        if not {_START, _END} <= self._ids.keys():
            raise CannotPack("it does not list the start and the end of a sentence")
        is_known = np.ones(count, dtype=np.bool_)
        is_known[unknown] = False
        nothing = np.zeros(1, dtype=np.float32)
        self._levels.append(
            _Level(
                len(self._words) + 1,
                np.arange(len(self._words) + 1, dtype=np.uint64),
                np.concatenate((probs[unknown] if unknown else nothing, probs[is_known])),
                np.concatenate((backoffs[unknown] if unknown else nothing, backoffs[is_known])),
            )
        )
        return bool(unknown)

    def _read_ngrams(self, length: int, count: int, is_longest: bool) -> None:
        """Read the n-grams of a length above 1 and mark the shorter ones that belong to them."""
        probs, backoffs = np.empty(count, dtype=np.float32), np.zeros(0 if is_longest else count, dtype=np.float32)
        keys = np.empty(count, dtype=np.uint64)
        missing = [_Missing() for _ in range(length)]  # by length of what is missing
        for place, columns in self._sections(length, count):
            here = slice(place, place + len(columns[0]))
            probs[here] = -np.abs(_log10_probs(columns[0]))
            here_backoffs = _log10_backoffs(columns[-1])
            if not is_longest:
                backoffs[here] = here_backoffs
            elif np.any(here_backoffs):
                raise CannotPack("a longest n-gram has a back-off weight")
            ids = [self._identifiers(words) for words in columns[1:-1]]
            endings = suffix_keys(ids)
            keys[here] = endings[-1]
            self._mark(endings[:-1], suffix_keys(ids[:-1]), missing)
        self._insert_blanks(missing)
        level = _Level(count, keys, probs, backoffs if not is_longest else np.zeros(count, dtype=np.float32))
        level.sort()
        self._levels.append(level)

    def _sections(self, length: int, count: int) -> Iterator[tuple[int, Sequence[Sequence[bytes]]]]:
        """Read one section in blocks: the place of its first line, and its columns: probability, words, back-off."""
        _expect(self._source, b"\\%d-grams:" % length)
        for place in range(0, count, _LINES_PER_BLOCK):
            self._checkpoint()
            wanted = min(_LINES_PER_BLOCK, count - place)
            rows = [line.split() for line in islice(self._source, wanted)]
            widths = set(map(len, rows))
            if len(rows) < wanted or not widths <= {length + 1, length + 2}:
                raise CannotPack(f"it is truncated or damaged among its {length}-grams")
            if length + 1 in widths:
                rows = [row if len(row) == length + 2 else [*row, b"0"] for row in rows]
            yield place, list(zip(*rows, strict=True))

    def _identifiers(self, words: Sequence[bytes]) -> Keys:
        """Number words."""
        try:
            return np.fromiter(map(self._ids.__getitem__, words), dtype=np.uint64, count=len(words))
        except KeyError as error:
            raise CannotPack(f"its single words lack {error.args[0]!r}") from error

    def _mark(self, endings: Sequence[Keys], contexts: Sequence[Keys], missing: Sequence[_Missing]) -> None:
        """Mark the endings and contexts of some n-grams, and note those that are missing.

        Args:
            endings: Keys of the n-grams' last word, last two words and so on, without the n-grams themselves.
            contexts: Likewise of the n-grams without their last words.
            missing: By length; added to.
        """
        below = self._levels[-1]
        places = below.find(contexts[-1])
        below.mark_starts_longer(places[places >= 0])
        missing[len(contexts)].contexts.append(contexts[-1][places < 0])
        places = below.find(endings[-1])
        below.mark_ends_longer(places[places >= 0])
        rows = np.flatnonzero(places < 0)
        if len(rows):
            self._note_blanks([keys[rows] for keys in endings], [keys[rows] for keys in contexts], missing)

    def _note_blanks(self, endings: Sequence[Keys], contexts: Sequence[Keys], missing: Sequence[_Missing]) -> None:
        """Back off to each ending that is missing, from the single word on, in KenLM's float32."""
        words, last_words = self._levels[0], endings[0].astype(np.int64)
        words.mark_ends_longer(last_words)
        probs = -np.abs(words.log10_probs[last_words])
        for length in range(2, len(endings) + 1):
            level, below = self._levels[length - 1], self._levels[length - 2]
            places, context_places = level.find(endings[length - 1]), below.find(contexts[length - 2])
            is_there, has_context = places >= 0, context_places >= 0
            level.mark_ends_longer(places[is_there])
            below.mark_starts_longer(context_places[~is_there & has_context])
            probs[has_context] += below.log10_backoffs[context_places[has_context]]
            probs[is_there] = -np.abs(level.log10_probs[places[is_there]])
            missing[length].blanks.append(endings[length - 1][~is_there])
            missing[length].blank_log10_probs.append(np.abs(probs[~is_there]))
            missing[length - 1].contexts.append(contexts[length - 2][~is_there & ~has_context])

    def _insert_blanks(self, missing: Sequence[_Missing]) -> None:
        """Put in what was missing; raises ``CannotPack`` if a context is missing even so, or a table is full."""
        for length, wanted in enumerate(missing[1:], 1):
            level = self._levels[length - 1]
            if wanted.blanks:
                keys, first = np.unique(np.concatenate(wanted.blanks), return_index=True)
                level.keys = np.concatenate((level.keys, keys))
                level.log10_probs = np.concatenate((level.log10_probs, np.concatenate(wanted.blank_log10_probs)[first]))
                level.log10_backoffs = np.concatenate((level.log10_backoffs, np.full(len(keys), -0.0, np.float32)))
                level.sort()
            if len(level.keys) >= slots(level.stated):
                raise CannotPack(f"too many {length}-grams were pruned away whose longer ones are there")
            places = level.find(np.concatenate([np.zeros(0, dtype=np.uint64), *wanted.contexts]))
            if np.any(places < 0):
                raise CannotPack(f"an n-gram of {length + 1} words lacks the one without its last word")
            level.mark_starts_longer(places)


def _read_counts(source: BinaryIO) -> list[int]:
    """Read the head: how many n-grams of each length follow."""
    for line in source:
        if line.strip() and not line.startswith(b"#"):
            break
    else:
        line = b""
    if line.strip() != b"\\data\\":
        raise CannotPack("it does not start as ARPA text does")
    counts: list[int] = []
    for line in source:
        if not line.strip():
            break
        found = re.fullmatch(rb"ngram (\d+)=\s*(\d+)\s*", line)
        if found is None or int(found[1]) != len(counts) + 1:
            raise CannotPack("its head is damaged")
        counts.append(int(found[2]))
    if not LOWEST_ORDER <= len(counts) <= HIGHEST_ORDER:
        raise CannotPack(f"its order is {len(counts)}, not {LOWEST_ORDER} to {HIGHEST_ORDER}")
    if sum(counts) > MOST_NGRAMS:
        raise CannotPack(f"it has {sum(counts)} n-grams, more than {MOST_NGRAMS}")
    return counts


def _expect(source: BinaryIO, wanted: bytes) -> None:
    """Read empty lines and then this one."""
    line = next((line.strip() for line in source if line.strip()), b"")
    if line != wanted:
        raise CannotPack(f"it lacks the line {wanted.decode()}")


def _log10_probs(texts: Sequence[bytes]) -> Reals:
    """Read probabilities."""
    probs = _numbers(texts)
    if np.any(probs > 0):
        raise CannotPack("a probability is above 1")
    return probs


def _log10_backoffs(texts: Sequence[bytes]) -> Reals:
    """Read back-off weights; zeros are negative, which means: not known yet to start a longer n-gram."""
    backoffs = _numbers(texts)
    backoffs[backoffs == 0] = -0.0
    return backoffs


def _numbers(texts: Sequence[bytes]) -> Reals:
    try:
        exact = np.fromiter(map(float, texts), dtype=np.float64, count=len(texts))
    except ValueError as error:
        raise CannotPack(f"something stands where a number belongs: {error}") from error
    if np.any(np.abs(exact) > np.finfo(np.float32).max) or np.any(np.isnan(exact)):
        raise CannotPack("a number is not finite")
    return exact.astype(np.float32)
