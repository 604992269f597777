"""tokens.txt as sherpa-onnx reads it: a token and the number of its output on each line.

Networks that write pieces of words mark those that begin one (``labels.WORD_START``); networks that write letters have
a space among their tokens.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from dictation.asr.importing.vocabulary import BRACKETED, check_numbers, lowered
from dictation.asr.labels import WORD_START, Labels
from dictation.core.errors import ModelImportFailed

TOKENS = "tokens.txt"
BLANKS = ("<blk>", "<blank>", "<eps>")
_LINE = re.compile(r"(?:(.*?)[ \t])?[ \t]*(\d+)[ \t]*")
_DISAMBIGUATION = re.compile(r"#\d+")
"""What k2's graphs tell words of one spelling apart with; no output stands for it."""


@dataclass(frozen=True)
class Tokens:
    """What the file says.

    Attributes:
        labels: Letters, or pieces of words; what is never text is left out.
        silent_outputs: The numbers of what was left out, in order.
    """

    labels: Labels
    silent_outputs: tuple[int, ...]

    @property
    def output_count(self) -> int:
        """How many outputs the network must have."""
        return len(self.labels) + len(self.silent_outputs)


def read_tokens(path: Path) -> Tokens:
    """Read the file; an alphabet of upper-case letters only is written in lower case.

    Raises:
        ModelImportFailed: naming the file and the line or token that does not fit.
    """
    numbers = {token: number for token, number in _read_lines(path).items() if not _DISAMBIGUATION.fullmatch(token)}
    check_numbers(path, numbers, 1 + max(numbers.values(), default=-1), set())
    blank = next((token for token in BLANKS if token in numbers), None)
    if blank is None:
        raise ModelImportFailed(path, f"has no blank token; known are {', '.join(BLANKS)}")
    ordered = sorted(numbers, key=lambda token: numbers[token])
    kept = [token for token in ordered if token == blank or not BRACKETED.fullmatch(token)]
    separator, word_start = _what_tells_words_apart(path, [token for token in kept if token != blank])
    spelled = lowered(token for token in kept if token != blank)
    try:
        labels = Labels(tuple(spelled.get(token, token) for token in kept), blank, separator, word_start)
    except ValueError as error:
        raise ModelImportFailed(path, str(error)) from error
    return Tokens(labels, tuple(numbers[token] for token in ordered if token not in kept))


def _read_lines(path: Path) -> dict[str, int]:
    """Every token with its number; a number alone belongs to the space."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise ModelImportFailed(path, "is missing") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ModelImportFailed(path, f"cannot be read as UTF-8 text ({error})") from error
    numbers: dict[str, int] = {}
    for count, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        found = _LINE.fullmatch(line)
        if found is None:
            raise ModelImportFailed(path, f"line {count} is no token with its number: {line!r}")
        token = found[1] or " "
        if token in numbers:
            raise ModelImportFailed(path, f"line {count} has the token {token!r} for a second time")
        numbers[token] = int(found[2])
    return numbers


def _what_tells_words_apart(path: Path, tokens: list[str]) -> tuple[str, str]:
    """The token between words, or the mark on those that begin one."""
    if any(token.startswith(WORD_START) for token in tokens):
        return "", WORD_START
    for separator in (" ", "|"):
        if separator in tokens:
            return separator, ""
    why = f"no token begins with {WORD_START!r} and none is a space, so words cannot be told apart"
    raise ModelImportFailed(path, why)
