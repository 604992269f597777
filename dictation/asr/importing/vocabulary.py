"""Turn the vocabulary of a Hugging Face CTC tokenizer into our labels.

Such a vocabulary also holds tokens that are never text: the start and the end of a sentence, the unknown letter. The
network was trained never to write them, or to write them where the text had a letter that it does not know. Their
outputs are left out, so that what remains is one letter per output, a separator and the blank.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dictation.asr.importing.json_file import JsonFile
from dictation.asr.labels import Labels
from dictation.core.errors import ModelImportFailed

VOCABULARY, ADDED, TOKENIZER, SPECIAL = (
    "vocab.json", "added_tokens.json", "tokenizer_config.json", "special_tokens_map.json",
)  # fmt: skip
_SPECIAL_TOKENS: Mapping[str, str] = {
    "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>",
}  # fmt: skip
"""With the tokenizer's defaults, in the order in which it numbers those that the vocabulary lacks."""
BRACKETED = re.compile(r"[<\[].+[>\]]")


@dataclass(frozen=True)
class Vocabulary:
    """Labels, and for each the output of the original network that it stands for."""

    labels: Labels
    outputs: tuple[int, ...]


def read_vocabulary(folder: Path, output_count: int) -> Vocabulary:
    """Read the tokenizer's files of a Hugging Face folder.

    Upper-case letters become lower-case where there is no lower-case letter: so read models that were trained on
    upper-case text, which is a habit of LibriSpeech's and says nothing about the words.

    Raises:
        ModelImportFailed: naming the file and the token that does not fit.
    """
    path = folder / VOCABULARY
    special = _special_tokens(folder)
    tokens = _tokens(folder, special)
    check_numbers(path, tokens, output_count, set(special.values()))
    separator = _separator(folder, tokens)
    silent = set(special.values()) - {special["pad_token"], separator}
    kept = [
        (number, token)
        for token, number in sorted(tokens.items(), key=lambda item: item[1])
        if number < output_count and not _is_silent(token, silent, {special["pad_token"], separator})
    ]
    blank = special["pad_token"]
    letters = [token for _, token in kept if token not in {blank, separator}]
    for letter in letters:
        if len(letter) != 1:
            why = f"the token {letter!r} is not a single letter; phones and pieces of words cannot be spelled out"
            raise ModelImportFailed(path, why)
    spelled = lowered(letters)
    symbols = tuple(spelled.get(token, token) for _, token in kept)
    try:
        return Vocabulary(Labels(symbols, blank, separator), tuple(number for number, _ in kept))
    except ValueError as error:
        raise ModelImportFailed(path, str(error)) from error


def lowered(letters: Iterable[str]) -> dict[str, str]:
    """Lower-case spellings of an alphabet that has upper case only; empty if it has any lower-case letter.

    A letter, or piece of a word, whose lower case has more characters or is there already stays as it is.
    """
    letters = list(letters)
    if any(letter != letter.upper() for letter in letters):
        return {}
    spelled = {letter: letter.lower() for letter in letters if len(letter.lower()) == len(letter)}
    taken = list(spelled.values())
    return {letter: lower for letter, lower in spelled.items() if taken.count(lower) == 1}


def _special_tokens(folder: Path) -> dict[str, str]:
    """The special tokens by role, from whichever file states them."""
    tokenizer, special = JsonFile.read_if_there(folder / TOKENIZER), JsonFile.read_if_there(folder / SPECIAL)
    found = {}
    for role, default in _SPECIAL_TOKENS.items():
        value = tokenizer.values.get(role) or special.values.get(role) or default
        content = value.get("content") if isinstance(value, dict) else value
        if not isinstance(content, str):
            raise ModelImportFailed(folder / TOKENIZER, f"{role!r} must be a text, not {value!r}")
        found[role] = content
    return found


def _tokens(folder: Path, special: Mapping[str, str]) -> dict[str, int]:
    """Every token with its number, special ones included."""
    tokens: dict[str, int] = {}
    for name in (VOCABULARY, ADDED):
        file = JsonFile.read(folder / name) if name == VOCABULARY else JsonFile.read_if_there(folder / name)
        for token, number in file.values.items():
            if isinstance(number, dict):
                languages = ", ".join(list(file.values)[:5])
                raise ModelImportFailed(file.path, f"holds one vocabulary per language ({languages}, ...), not one")
            if type(number) is not int or number < 0:
                raise ModelImportFailed(file.path, f"the number of {token!r} must be a whole number, not {number!r}")
            tokens[token] = number
    decoder: Any = JsonFile.read_if_there(folder / TOKENIZER).values.get("added_tokens_decoder") or {}
    for key, entry in decoder.items():
        if str(key).isdigit() and isinstance(entry, dict) and isinstance(entry.get("content"), str):
            tokens.setdefault(entry["content"], int(key))
    for token in special.values():
        if token not in tokens:
            tokens[token] = max(tokens.values(), default=-1) + 1
    return tokens


def check_numbers(path: Path, tokens: Mapping[str, int], output_count: int, special: set[str]) -> None:
    """Refuse a file unless each output of the network has one token, and each token but the special ones an output."""
    by_number: dict[int, str] = {}
    for token, number in tokens.items():
        if number in by_number:
            raise ModelImportFailed(path, f"gives {by_number[number]!r} and {token!r} the same number {number}")
        by_number[number] = token
        if number >= output_count and token not in special:
            raise ModelImportFailed(path, f"{token!r} has number {number}, but the network has {output_count} outputs")
    nameless = [number for number in range(output_count) if number not in by_number]
    if nameless:
        raise ModelImportFailed(path, f"names no token for output {nameless[0]} of the network's {output_count}")


def _separator(folder: Path, tokens: Mapping[str, int]) -> str:
    """The token between words."""
    wanted = JsonFile.read_if_there(folder / TOKENIZER).values.get("word_delimiter_token") or "|"
    content = wanted.get("content") if isinstance(wanted, dict) else wanted
    for token in (content, " "):
        if isinstance(token, str) and token in tokens:
            return token
    raise ModelImportFailed(folder / VOCABULARY, f"lacks {content!r}, the token between words")


def _is_silent(token: str, silent: set[str], kept: set[str]) -> bool:
    """Whether a token is never text."""
    if token in kept:
        return False
    return token in silent or not token.strip() or BRACKETED.fullmatch(token) is not None
