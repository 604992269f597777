"""KenLM's files: ARPA text (also gzipped) and its binary format; checked and copied with their words listed.

ARPA text is stored as a binary, which KenLM maps in milliseconds: it parses a million n-grams in 0.8 s at every start
and lets no other thread of Python run meanwhile. Text that the binary format cannot hold is kept.

The search wants the list of words that a model knows. ARPA states it; a binary file mostly carries it at its end
(``build_binary`` leaves it out only when told so). Heafield 2011, "KenLM: Faster and Smaller Language Model Queries".
"""

from __future__ import annotations

import gzip
import logging
import mmap
import re
import struct
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from dictation.asr.importing.job import ImportJob
from dictation.asr.importing.writing import HashingWriter, copy_file, hashing_writer, write_lines
from dictation.asr.labels import Labels
from dictation.asr.model_folder import ModelFile
from dictation.core.errors import ModelImportFailed
from dictation.core.file_hash import file_sha256
from dictation.language.kenlm_binary import CannotPack, write_binary

BINARY_MAGIC = b"mmap lm http://kheafield.com/code format version"
_GZIP_MAGIC = b"\x1f\x8b"
_ARPA_HEAD = b"\\data\\"
_ARPA_END = b"\\end\\"
_HEAD_BYTES = 4096
_BINARY_COUNTS_AT, _BINARY_HAS_WORDS_AT, _BINARY_ORDER_AT = 108, 100, 88
_BLOCK_BYTES = 1 << 20
_LINES_PER_BLOCK = 10_000
_MARKS = frozenset({"<s>", "</s>", "<unk>", "<UNK>"})
_COPIED_SHARE = 0.25
"""Of the work with ARPA text; the rest is packing it."""
LEAST_SPELLED = 0.5
"""A language model of which the letters can spell less than this share belongs to another language."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LanguageModelFiles:
    """What was written into a model folder, by role, and how many words the model has (None: the file has no list)."""

    files: dict[str, ModelFile]
    word_count: int | None


def is_language_model(path: Path) -> bool:
    """Whether a file begins as KenLM's files do; it may still be damaged."""
    try:
        head = _head(path)
    except (OSError, EOFError, zlib.error):
        return False
    return head.startswith(BINARY_MAGIC) or _ARPA_HEAD in head


def copy_language_model(
    source: Path, unigrams: Path | None, folder: Path, can_spell: Callable[[str], bool], job: ImportJob
) -> LanguageModelFiles:
    """Check a KenLM file, write it and the list of its words into a model folder, and load it once.

    ARPA text becomes a binary unless that cannot hold it.

    Args:
        source: ARPA, gzipped ARPA or a KenLM binary.
        unigrams: A list of its words from the same source, or None to take them from the file.
        folder: Where to write.
        can_spell: Whether the recognition model can write a word: ``by_labels`` or ``by_words``.
        job: Progress and cancelling.

    Raises:
        ModelImportFailed: naming the file that is damaged, of no known kind, or of another alphabet.
    """
    try:
        is_binary = _head(source).startswith(BINARY_MAGIC)
        target = folder / ("language_model.bin" if is_binary else "language_model.arpa")
        if is_binary:
            model, words = copy_file(source, target, job), _words_of_binary(source)
        else:
            model, words = _copy_arpa(source, target, job.part(0.0, _COPIED_SHARE))
        if unigrams is not None:
            words = unigrams.read_text(encoding="utf-8").split() or None
    except UnicodeDecodeError as error:
        raise ModelImportFailed(unigrams or source, "is not encoded in UTF-8") from error
    except (EOFError, zlib.error) as error:
        raise ModelImportFailed(source, f"is a damaged or truncated gzip file ({error})") from error
    except OSError as error:
        raise ModelImportFailed(source, f"cannot be read ({error})") from error
    files = {"language_model": model}
    if words is not None:
        words = [word for word in words if word not in _MARKS]
        _check_alphabet(source, words, can_spell)
        files["unigrams"] = write_lines(words, folder / "unigrams.txt")
        if not is_binary:  # without a list only the text tells the words
            target, files["language_model"] = _pack(target, model, job.part(_COPIED_SHARE, 1.0))
    _load_once(source, target)
    return LanguageModelFiles(files, None if words is None else len(words))


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
    if head.startswith(_GZIP_MAGIC):
        with gzip.open(path) as unzipped:
            head = unzipped.read(_HEAD_BYTES)
    return head


def _copy_arpa(source: Path, target: Path, job: ImportJob) -> tuple[ModelFile, list[str]]:
    """Copy ARPA text, unzipped, and return its words."""
    size_bytes = max(1, source.stat().st_size)
    silent = ImportJob(lambda _: None, job.is_cancelled)  # its own size is unknown while it is gzipped
    with source.open("rb") as raw, hashing_writer(target, 1, silent) as writer:
        stream: BinaryIO = raw
        if raw.peek(2).startswith(_GZIP_MAGIC):
            stream = cast("BinaryIO", gzip.GzipFile(fileobj=raw))
        copying = _CopyingReader(stream, writer)
        words = _arpa_words(source, copying)
        copying.flush()
        tail = b""
        while block := stream.read(_BLOCK_BYTES):
            writer.write(block)
            tail = (tail + block)[-_HEAD_BYTES:]
            job.checkpoint(raw.tell() / size_bytes)
    if not tail.rstrip().endswith(_ARPA_END):
        raise ModelImportFailed(source, f"is truncated: it does not end with {_ARPA_END.decode()}")
    return writer.entry(), words


def _pack(arpa: Path, entry: ModelFile, job: ImportJob) -> tuple[Path, ModelFile]:
    """Put a binary into the place of ARPA text; returns what is there then, the text if it cannot be packed."""
    target = arpa.with_suffix(".bin")
    try:
        write_binary(arpa, target, job.checkpoint)
    except (CannotPack, OSError) as error:  # a full disk among others: the text is there and will do
        _log.info("The language model stays ARPA text: %s", error)
        return arpa, entry
    arpa.unlink()
    sha256 = file_sha256(target, lambda: job.checkpoint(1.0))
    return target, ModelFile(target.name, target.stat().st_size, sha256)


class _CopyingReader:
    """Reads a stream line by line and writes in blocks what it read."""

    def __init__(self, stream: BinaryIO, writer: HashingWriter) -> None:
        self._stream = stream
        self._writer = writer
        self._pending: list[bytes] = []

    def line(self) -> bytes:
        """The next line, empty at the end."""
        line = self._stream.readline()
        self._pending.append(line)
        if len(self._pending) == _LINES_PER_BLOCK:
            self.flush()
        return line

    def flush(self) -> None:
        """Write what was read."""
        self._writer.write(b"".join(self._pending))
        self._pending.clear()


def _arpa_words(source: Path, lines: _CopyingReader) -> list[str]:
    """Read the head and the list of single words, whose number the head states."""
    stated = None
    while not (line := lines.line()).startswith(b"\\1-grams:"):
        if found := re.match(rb"ngram 1\s*=\s*(\d+)", line):
            stated = int(found[1])
        if not line:
            break
    if not stated:
        raise ModelImportFailed(source, "is no ARPA file: its head does not say how many words there are")
    words: list[str] = []
    for number in range(stated):
        fields = lines.line().split()
        if len(fields) not in {2, 3}:
            why = f"is truncated or damaged: its head states {stated} words, but only {number} follow"
            raise ModelImportFailed(source, why)
        words.append(fields[1].decode("utf-8"))
    return words


def _words_of_binary(source: Path) -> list[str] | None:
    """The list of words at the end of a binary file, or None if it was built without."""
    with source.open("rb") as stream:
        head = stream.read(_BINARY_COUNTS_AT + 8)
        if len(head) < _BINARY_COUNTS_AT + 8 or not head[_BINARY_HAS_WORDS_AT]:
            return None
        (count,) = struct.unpack_from("<Q", head, _BINARY_COUNTS_AT)
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            start = content.rfind(b"<unk>\0")
            words = content[start:].split(b"\0")[:-1] if start >= 0 else []
    if len(words) != count:
        raise ModelImportFailed(source, f"is truncated or damaged: it states {count} words, but {len(words)} follow")
    return [word.decode("utf-8") for word in words]


def by_labels(labels: Labels) -> Callable[[str], bool]:
    """Whether a word can be spelled with a network's letters or pieces."""
    return lambda word: labels.spellable(word) is not None


def by_words(known: Iterable[str]) -> Callable[[str], bool]:
    """Whether a word can be spelled with the letters of other words, whatever their case."""
    letters = frozenset("".join(known).casefold())
    return lambda word: letters.issuperset(word.casefold())


def _check_alphabet(source: Path, words: Iterable[str], can_spell: Callable[[str], bool]) -> None:
    """Refuse a model whose words cannot be spelled."""
    words = list(words)
    spelled = sum(map(can_spell, words))
    if spelled < LEAST_SPELLED * len(words):
        why = f"belongs to another alphabet: this model's letters spell {spelled} of its {len(words)} words"
        raise ModelImportFailed(source, why)


def _load_once(source: Path, copy: Path) -> None:
    """Prove that KenLM can read it."""
    import kenlm

    config = kenlm.Config()
    config.show_progress = False
    config.arpa_complain = kenlm.ARPALoadComplain.NONE
    try:
        kenlm.Model(str(copy), config)
    except (OSError, RuntimeError) as error:
        raise ModelImportFailed(source, f"is not a language model that KenLM can read ({error})") from error
