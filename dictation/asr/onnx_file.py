"""What an ONNX file says of itself, read without running or loading it.

The file is a Protocol Buffers message (onnx.proto, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto); only its
metadata and the names of other files that it wants are looked for, so a file of any size is read within milliseconds.
An untrusted file could name any path of the machine as its weights: who opens it asks here first.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_LFS_POINTER = b"version https://git-lfs"
_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5
_WIRE_BITS, _VARINT_BITS, _LONGEST_VARINT = 3, 7, 10
_KEY, _VALUE = 1, 2

_INSIDE: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 14: "metadata", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "external"},
}
"""Which message stands in which field, as far as metadata and tensors lie below."""


@dataclass(frozen=True)
class OnnxFile:
    """What was found.

    Attributes:
        metadata: ``metadata_props``.
        external: The files that tensors lie in, as the file names them: relative to its own folder, unchecked.
    """

    metadata: Mapping[str, str]
    external: frozenset[str]


def read_onnx_file(path: Path) -> OnnxFile:
    """Read metadata and external files.

    Raises:
        ValueError: saying, as a phrase that follows the file's name, why it is no ONNX file.
        OSError: if it cannot be read.
    """
    with path.open("rb") as stream:
        if stream.read(len(_LFS_POINTER)) == _LFS_POINTER:
            raise ValueError("is a pointer of Git LFS, not the file itself ('git lfs pull' fetches that)")
        if not stream.seek(0, 2):
            raise ValueError("is empty")
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _walk(data)


def leaves_folder(location: str) -> bool:
    """Whether an external file is anything but a plain name beside the ONNX file."""
    return location in {"", ".", ".."} or any(mark in location for mark in "/\\:\0")


def _walk(data: mmap.mmap) -> OnnxFile:
    """Go through all messages that lead to metadata or tensors."""
    metadata: dict[str, str] = {}
    external: set[str] = set()
    waiting = [("model", 0, len(data))]
    while waiting:
        message, start, end = waiting.pop()
        if message in {"metadata", "external"}:
            key, value = _entry(data, start, end)
            if message == "metadata":
                metadata[key] = value
            elif key == "location":
                external.add(value)
            continue
        for field, inner_start, inner_end in _fields(data, start, end):
            if field in _INSIDE[message]:
                waiting.append((_INSIDE[message][field], inner_start, inner_end))
    return OnnxFile(metadata, frozenset(external))


def _entry(data: mmap.mmap, start: int, end: int) -> tuple[str, str]:
    """A pair of texts."""
    parts = {_KEY: b"", _VALUE: b""}
    parts.update({field: data[inner:inner_end] for field, inner, inner_end in _fields(data, start, end)})
    try:
        return parts[_KEY].decode(), parts[_VALUE].decode()
    except UnicodeDecodeError as error:
        raise ValueError("is no ONNX file, or a damaged one (a text in it is not UTF-8)") from error


def _fields(data: mmap.mmap, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The fields of a message that hold bytes: number, first byte and end."""
    place = start
    while place < end:
        tag, place = _number(data, place, end)
        wire = tag & ((1 << _WIRE_BITS) - 1)
        if wire == _VARINT:
            _, place = _number(data, place, end)
            continue
        if wire not in {_EIGHT_BYTES, _BYTES, _FOUR_BYTES}:
            raise ValueError("is no ONNX file, or a damaged one")
        size_bytes = {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}.get(wire, 0)
        if wire == _BYTES:
            size_bytes, place = _number(data, place, end)
        if place + size_bytes > end:
            raise ValueError("is truncated, or no ONNX file")
        if wire == _BYTES:
            yield tag >> _WIRE_BITS, place, place + size_bytes
        place += size_bytes


def _number(data: mmap.mmap, place: int, end: int) -> tuple[int, int]:
    """A number in the variable-length encoding, and the place behind it."""
    value = 0
    for index in range(_LONGEST_VARINT):
        if place + index >= end:
            break
        byte = data[place + index]
        value |= (byte & 0x7F) << (_VARINT_BITS * index)
        if byte < 0x80:  # noqa: PLR2004 - the encoding's mark of a last byte
            return value, place + index + 1
    raise ValueError("is truncated, or no ONNX file")
