"""KenLM's binary format of the kind "probing": hash tables as they lie on the disk and in the memory.

KenLM maps such a file and looks n-grams up in it where they lie; it neither parses nor copies. The layout was read from
KenLM's sources (``lm/binary_format``, ``lm/vocab``, ``lm/search_hashed``, ``util/probing_hash_table``; Heafield 2011,
"KenLM: Faster and Smaller Language Model Queries", section 2.1), format version 5, little-endian::

    magic line, test numbers, parameters, the number of n-grams of each length; filled up to 8 bytes
    version and number of words (4 bytes each), table of words: hash, identifier
    for each identifier and one more: log10 probability and back-off weight, as float32
    a table for each middle length: key, log10 probability, back-off weight
    a table for the greatest length: key, log10 probability
    the words in the order of their identifiers, each with a zero byte at its end

Identifier 0 is the unknown word, which the table of words does not hold. A table is an array of slots, half again as
many as it has entries; a slot is empty if its key is 0. An entry lies in the slot ``key modulo slots`` or, if that is
taken, in the next free one, with the first slot after the last.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

Keys = npt.NDArray[np.uint64]
Positions = npt.NDArray[np.int64]
Columns = Mapping[str, npt.NDArray[Any]]

SLOTS_PER_ENTRY = 1.5
"""KenLM's own choice (``probing_multiplier``)."""

_MAGIC = b"mmap lm http://kheafield.com/code format version 5\n\0"
_MAGIC_BYTES = 56
_TEST_NUMBERS = struct.pack("<3f3IQ", 0.0, 1.0, -0.5, 1, 2**32 - 1, 0, 1)
"""KenLM compares them with its own, to find files of machines that store numbers otherwise."""
_PROBING, _SEARCH_VERSION, _VOCABULARY_VERSION = 0, 0, 0

_MURMUR_FACTOR, _MURMUR_SHIFT = np.uint64(0xC6A4A7935BD1E995), np.uint64(47)
_CONTEXT_FACTOR, _WORD_FACTOR = np.uint64(8978948897894561157), np.uint64(17894857484156487943)
_SLOTS_PER_PIECE = 1 << 18
"""Of a table, built and written at once: 4 MB."""


def header(counts: Sequence[int]) -> bytes:
    """The start of a file with so many n-grams of each length from 1, with the words at its end."""
    parameters = struct.pack("<B3xfiB3xI", len(counts), SLOTS_PER_ENTRY, _PROBING, True, _SEARCH_VERSION)
    plain = _MAGIC.ljust(_MAGIC_BYTES, b"\0") + _TEST_NUMBERS + parameters + struct.pack(f"<{len(counts)}Q", *counts)
    return plain + bytes(-len(plain) % 8)


def vocabulary_header(words: int) -> bytes:
    """What stands before the table of words; ``words`` counts the unknown word too."""
    return struct.pack("<2I", _VOCABULARY_VERSION, words)


def slots(entries: int) -> int:
    """The number of slots of a table that is announced to hold so many entries: KenLM's formula, in its float32."""
    return max(entries + 1, int(np.float32(SLOTS_PER_ENTRY) * np.float32(entries)))


def word_hashes(words: Sequence[bytes]) -> Keys:
    """Hash words: MurmurHash64A with seed 0 (Austin Appleby, MurmurHash2, public domain), all words at once.

    Args:
        words: In UTF-8, without zero bytes.

    Returns:
        Shape (words,).
    """
    lengths = np.fromiter(map(len, words), dtype=np.int64, count=len(words))
    filled = b"".join(word.ljust(-(-len(word) // 8) * 8, b"\0") for word in words) + bytes(8)
    blocks = np.frombuffer(filled, dtype="<u8").astype(np.uint64)
    ends = np.cumsum((lengths + 7) // 8)
    starts = np.concatenate(([0], ends[:-1]))
    hashes = lengths.astype(np.uint64) * _MURMUR_FACTOR
    whole = lengths // 8
    remaining = np.flatnonzero(whole > 0)
    place = 0
    while len(remaining):
        mixed = blocks[starts[remaining] + place] * _MURMUR_FACTOR
        mixed = (mixed ^ (mixed >> _MURMUR_SHIFT)) * _MURMUR_FACTOR
        hashes[remaining] = (hashes[remaining] ^ mixed) * _MURMUR_FACTOR
        place += 1
        remaining = remaining[whole[remaining] > place]
    rest = np.flatnonzero(lengths % 8)
    hashes[rest] = (hashes[rest] ^ blocks[starts[rest] + whole[rest]]) * _MURMUR_FACTOR
    hashes = (hashes ^ (hashes >> _MURMUR_SHIFT)) * _MURMUR_FACTOR
    return hashes ^ (hashes >> _MURMUR_SHIFT)


def suffix_keys(ids: Sequence[Keys]) -> list[Keys]:
    """Keys of n-grams and of what is left of them without their first words.

    Args:
        ids: Identifiers of the first words, of the second ones and so on; shape (n-grams,) each.

    Returns:
        By length from 1: keys of the last word, of the last two words and so on; the key of one word is its identifier.
    """
    keys = [ids[-1]]
    for words in reversed(ids[:-1]):
        keys.append((keys[-1] * _CONTEXT_FACTOR) ^ ((words + np.uint64(1)) * _WORD_FACTOR))
    return keys


def write_table(stream: BinaryIO, size: int, columns: Columns, checkpoint: Callable[[], None]) -> None:
    """Write a table; ``checkpoint`` is called between its pieces and may raise to cancel.

    Args:
        stream: Where to.
        size: In slots; more than there are entries.
        columns: What an entry consists of, in order; ``key`` is among them, and no key is 0.
        checkpoint: See above.

    Raises:
        OSError: the stream cannot be written.
    """
    order, positions = place(columns["key"], size)
    entry = np.dtype([(name, column.dtype.newbyteorder("<")) for name, column in columns.items()])
    for start in range(0, size, _SLOTS_PER_PIECE):
        checkpoint()
        end = min(size, start + _SLOTS_PER_PIECE)
        first, last = np.searchsorted(positions, [start, end])
        piece = np.zeros(end - start, dtype=entry)
        for name, column in columns.items():
            piece[name][positions[first:last] - start] = column[order[first:last]]
        stream.write(piece.tobytes())


def place(keys: Keys, size: int) -> tuple[Positions, Positions]:
    """Find the slots of entries in a table, as if they were put in by ascending preferred slot.

    Returns:
        The order of the entries by slot, and their slots, ascending; shape (entries,) each.
    """
    preferred = (keys % np.uint64(size)).astype(np.int64)
    order = np.argsort(preferred, kind="stable")  # the same file on every machine
    numbers = np.arange(len(keys))
    ahead = np.maximum.accumulate(preferred[order] - numbers)  # an entry lies one behind the last, or where it wants
    wrapped = 0
    while True:  # entries beyond the end take the first slots and push others on, some of them beyond the end
        positions = np.maximum(ahead, wrapped) + numbers
        beyond = int(np.count_nonzero(positions >= size))
        if beyond == wrapped:
            break
        wrapped = beyond
    inside = len(keys) - wrapped
    order = np.concatenate((order[inside:], order[:inside]))
    return order, np.concatenate((np.arange(wrapped), positions[:inside]))
