"""Rob Northen's first packing method, in which games of the nineties kept their files.

Blocks of three tables (lengths of literal runs, distances, lengths of repetitions), each a canonical Huffman code, then
pairs of a literal run and a repetition. Bits come from 16-bit words, lowest first; the literal bytes stand between the
words.
"""

from __future__ import annotations

import struct

SIGNATURE = b"RNC\1"
HEAD = struct.Struct(">4sII2H2B")
LONGEST_CODE = 15

_Codes = dict[tuple[int, int], int]


class _Bits:
    """Reads bits and bytes out of one stream: a word is taken when its first bit is needed."""

    def __init__(self, content: bytes) -> None:
        self._content, self._place = content, 0
        self._bits, self._count = 0, 0

    def take(self, count: int) -> int:
        if count > self._count:
            word = int.from_bytes(self._content[self._place : self._place + 2], "little")
            self._bits |= word << self._count
            self._place, self._count = self._place + 2, self._count + 16
        value = self._bits & ((1 << count) - 1)
        self._bits, self._count = self._bits >> count, self._count - count
        return value

    def take_bytes(self, count: int) -> bytes:
        self._place += count
        return self._content[self._place - count : self._place]

    def take_number(self, codes: _Codes) -> int:
        """A number whose code tells how many bits it has; the highest one is not written."""
        length = code = 0
        while (length, code) not in codes:
            code = code << 1 | self.take(1)
            length += 1
            if length > LONGEST_CODE:
                raise ValueError("The packed file is damaged.")
        bits = codes[length, code]
        return 1 << (bits - 1) | self.take(bits - 1) if bits else 0


def unpack(content: bytes) -> bytes:
    """What was packed.

    Raises:
        ValueError: ``content`` is not packed so, or is damaged.
    """
    signature, size, _, _, _, _, blocks = HEAD.unpack_from(content)
    if signature != SIGNATURE:
        raise ValueError("The file is not packed with Rob Northen's first method.")
    bits = _Bits(content[HEAD.size :])
    bits.take(2)
    result = bytearray()
    for _ in range(blocks):
        literals, distances, repetitions = (_read_codes(bits) for _ in range(3))
        for left in range(bits.take(16), 0, -1):
            result += bits.take_bytes(bits.take_number(literals))
            if left > 1:  # the last run of a block is followed by none
                distance = bits.take_number(distances) + 1
                for _ in range(bits.take_number(repetitions) + 2):
                    result.append(result[-distance])
    if len(result) != size:
        raise ValueError("The packed file is damaged.")
    return bytes(result)


def _read_codes(bits: _Bits) -> _Codes:
    """A table: how long the code of each value is; codes of one length count upwards."""
    lengths = [bits.take(4) for _ in range(bits.take(5))]
    codes, code = {}, 0
    for length in range(1, LONGEST_CODE + 1):
        for value, other in enumerate(lengths):
            if other == length:
                codes[length, code] = value
                code += 1
        code <<= 1
    return codes
