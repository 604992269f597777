"""Paragraphs to sentences, and sentences to words in a model's letters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from dictation.language.ngram import RESERVED_WORDS, UNKNOWN

_APOSTROPHES = str.maketrans({"\u2019": "'", "\u02bc": "'", "\u00ad": None})
"""Typographic apostrophes; soft hyphens vanish."""
_DASHES = re.compile(r"[\u2010-\u2015\u2212/\\|]+|--+")
"""Characters between words that are no full stop: dashes of all lengths, slashes, bars."""
_ADDRESS = re.compile(r"@|://|^www\.")
_INITIALS = re.compile(r"(?:\w\.){2,}\w?")
_ABBREVIATIONS = frozenset((
    "approx", "bzw", "ca", "ch", "dept", "dr", "eq", "etc", "evtl", "fig", "figs", "ggf", "inc", "ltd", "mr", "mrs",
    "ms", "nr", "prof", "sec", "st", "str", "usw", "vgl", "vol", "vs",
))  # fmt: skip
_SENTENCE_END = re.compile(r"[.!?\u2026\u3002\u061f\u06d4\u0964]+[\"'\u201d\u2019\u00bb)\]]*\s+")


@dataclass(frozen=True)
class Alphabet:
    """The letters that a recognition model writes, as its labels state them; blank and separator are not among them."""

    letters: frozenset[str]

    def words(self, sentence: str) -> list[str]:
        """Split a sentence into words of these letters; each run of words that will not go becomes one ``<unk>``.

        Numbers in digits are among those: how they are said depends on the language and on what they count, and a
        wrong guess teaches wrong words. Web and mail addresses too. Hyphens separate unless they are letters here.
        Words go in as they stand, else in lower case, case-folded (Unicode: ß becomes ss) or in upper case, else the
        same without accents.
        """
        found: list[str] = []
        for token in unicodedata.normalize("NFC", sentence).translate(_APOSTROPHES).split():
            for word in _token_words(self.letters, token):
                if word != UNKNOWN or found[-1:] != [UNKNOWN]:
                    found.append(word)
        return found


@lru_cache(maxsize=1 << 16)  # texts repeat their words: ten times faster
def _token_words(letters: frozenset[str], token: str) -> tuple[str, ...]:
    """The words of one token between spaces, ``<unk>`` for what will not go."""
    if _ADDRESS.search(token):
        return (UNKNOWN,)
    if _INITIALS.fullmatch(token):
        token = token.replace(".", "")
    spaced = "".join(
        character if character in letters or unicodedata.category(character)[0] in "LMN" else " "
        for character in _DASHES.sub(" ", token)
    )
    pieces = (piece.strip("'-") for piece in spaced.split())
    return tuple(_spell(letters, piece) or UNKNOWN for piece in pieces if piece)


def _spell(letters: frozenset[str], word: str) -> str | None:
    """Bring a word into these letters, or return None if it will not go."""
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", word) if not unicodedata.combining(letter))
    for form in (word, bare):
        for candidate in (form, form.lower(), form.casefold(), form.upper()):
            composed = unicodedata.normalize("NFC", candidate)
            if composed and letters.issuperset(composed) and composed not in RESERVED_WORDS:
                return composed
    return None


def split_sentences(paragraph: str) -> Iterator[str]:
    """Cut a paragraph after full stops, question and exclamation marks of many scripts.

    Not after initials and some common abbreviations, and not before a lower-case letter. What is cut wrongly costs a
    word or two of context, so a short list is enough.
    """
    start = 0
    for end in _SENTENCE_END.finditer(paragraph):
        following = paragraph[end.end() : end.end() + 1]
        before = paragraph[start : end.start()].split()[-1:] or [""]
        word = before[0].lstrip("\"'([\u201c\u2018\u00ab").lower()
        is_abbreviation = end.group().startswith(".") and (word in _ABBREVIATIONS or re.fullmatch(r"[^\W\d_]", word))
        if following.islower() or is_abbreviation:
            continue
        yield paragraph[start : end.end()].strip()
        start = end.end()
    if rest := paragraph[start:].strip():
        yield rest


def join_wrapped(lines: list[str], *, is_layout: bool) -> Iterator[str]:
    """Join lines that a line length broke, and words that a hyphen broke; one text per paragraph.

    Args:
        lines: One block without blank lines.
        is_layout: Lines are those of a printed page, so each long line goes on in the next. Otherwise the block counts
            as wrapped only if all its lines but the last are long: one sentence per line is common in text files.
    """
    longest = max((len(line) for line in lines), default=0)
    is_long = [len(line) >= _LONG_SHARE * longest and longest >= _LEAST_WIDTH for line in lines]
    is_wrapped = is_layout or (longest <= _MOST_WIDTH and all(is_long[:-1]))
    paragraph = ""
    for line, goes_on in zip(lines, is_long, strict=True):
        if re.search(r"[^\W\d_]-$", paragraph) and line[:1].islower():
            paragraph = paragraph[:-1] + line
        else:
            paragraph = f"{paragraph} {line}".strip()
        if not (is_wrapped and goes_on):
            yield paragraph
            paragraph = ""
    if paragraph:
        yield paragraph


_LONG_SHARE = 0.6
_LEAST_WIDTH, _MOST_WIDTH = 40, 120
"""Wrapped text has lines of 60 to 80 characters mostly; a block with longer ones has a paragraph per line."""
