"""SentencePiece models of any content, good or bad, written field by field."""

from __future__ import annotations

from collections.abc import Iterable

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)


def varint(value: int) -> bytes:
    """A number, seven bits in each byte."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])


def message(number: int, content: bytes) -> bytes:
    """A field that holds bytes."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def piece(text: str, kind: int = NORMAL) -> bytes:
    """A piece with its score, a float, and its type, which is left out where it is the default."""
    kind_field = b"" if kind == NORMAL else varint(3 << 3) + varint(kind)
    return message(1, message(1, text.encode()) + varint(2 << 3 | 5) + b"\0\0\x80\xbf" + kind_field)


def pieces_model(pieces: Iterable[str]) -> bytes:
    """A model of normal pieces, those in brackets apart, with something that is not looked at behind it."""
    written = (piece(text, UNKNOWN if text.startswith("<") else NORMAL) for text in pieces)
    return b"".join(written) + message(2, b"trainer") + varint(9 << 3 | 1) + bytes(8)
