"""The pieces of words in a SentencePiece model file, without its library: only the list is wanted.

Such a file is a protobuf message (https://protobuf.dev/programming-guides/encoding) as sentencepiece_model.proto of
https://github.com/google/sentencepiece describes it: field 1 of ``ModelProto`` repeats, and each is a message of the
piece (field 1, text), its score (field 2) and its type (field 3). Nothing else in it is looked at, and nothing is run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path

from dictation.asr.labels import WORD_START
from dictation.core.errors import ModelImportFailed

_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5
_FIXED = {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}
_MOST_SHIFT = 63
"""A varint has ten bytes at most, of seven bits each."""
_PIECES, _TEXT, _TYPE = 1, 1, 3
_BRACKETED = re.compile("<.*>")


class PieceType(IntEnum):
    """``ModelProto.SentencePiece.Type``."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


def read_pieces(path: Path) -> tuple[str, ...]:
    """List the pieces in the order of a network's outputs; those that stand for no text are in angle brackets.

    Raises:
        ModelImportFailed: if the file is no SentencePiece model, or one whose pieces are not parts of words.
    """
    try:
        pieces = [_piece(field) for number, field in _fields(path.read_bytes()) if number == _PIECES]
    except (OSError, ValueError) as error:
        raise ModelImportFailed(path, f"is not a whole SentencePiece model ({error})") from error
    if not pieces:
        raise ModelImportFailed(path, "holds no pieces of words, as a SentencePiece model does")
    for text, kind in pieces:
        _check(path, text, kind)
    return tuple(text for text, _ in pieces)


def _check(path: Path, text: str, kind: PieceType) -> None:
    """Refuse a piece that this program would read as something else."""
    if kind is PieceType.BYTE:
        raise ModelImportFailed(path, f"holds the piece {text!r}, which stands for a byte: that is not supported")
    is_silent = kind in {PieceType.UNKNOWN, PieceType.CONTROL}
    if is_silent != bool(_BRACKETED.fullmatch(text)):
        what = "stands for no text, but is not in angle brackets" if is_silent else "is in angle brackets, but is text"
        raise ModelImportFailed(path, f"holds the piece {text!r}, which {what}")
    if WORD_START in text[1:]:
        raise ModelImportFailed(path, f"holds the piece {text!r}, which reaches over the end of a word")


def _piece(message: int | bytes) -> tuple[str, PieceType]:
    """Read one piece; ``ValueError`` if it is none."""
    text, kind = "", PieceType.NORMAL
    for number, field in _fields(message) if isinstance(message, bytes) else ():
        if number == _TEXT and isinstance(field, bytes):
            text = field.decode("utf-8")
        elif number == _TYPE and isinstance(field, int):
            kind = PieceType(field)
    if not text:
        raise ValueError("a piece has no text")
    return text, kind


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Go through a message's fields: their numbers, with a number or with bytes; ``ValueError`` if it is damaged."""
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == _VARINT:
            value, place = _varint(message, place)
            yield number, value
            continue
        if wire_type == _BYTES:
            length, place = _varint(message, place)
        elif wire_type in _FIXED:
            length = _FIXED[wire_type]
        else:
            raise ValueError(f"unknown field type {wire_type}")
        if place + length > len(message):
            raise ValueError("it ends in the middle")
        yield number, message[place : place + length]
        place += length


def _varint(message: bytes, place: int) -> tuple[int, int]:
    """Read a number of variable length; returns it and the place behind it."""
    value = shift = 0
    while place < len(message):
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004  # the last byte of a number has no eighth bit
            return value, place
        shift += 7
        if shift > _MOST_SHIFT:
            raise ValueError("a number does not end")
    raise ValueError("it ends in the middle")
