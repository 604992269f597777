"""Documents to paragraphs of text: plain text, Markdown, Word, OpenDocument, PDF."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from dictation.core.errors import DocumentUnreadable
from dictation.language.text import join_wrapped

MOST_TEXT_BYTES = 1 << 29
"""A larger text, unpacked, is taken for a mistake or an attack (512 MB are about 90 million words)."""


def read_document(path: Path) -> Iterator[str]:
    """Yield the paragraphs of a document, lazily; which reader is used depends on the suffix.

    Raises:
        DocumentUnreadable: while iterating, naming the file and why: absent, damaged, protected by a password, not
            text, or of no known kind.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(suffix[1:] for suffix in _READERS)
        raise DocumentUnreadable(f"{path.name} is of no kind that can be read ({known}).")
    try:
        yield from reader(path)
    except OSError as error:
        raise DocumentUnreadable(f"{path.name} cannot be read: {error.strerror or error}.") from error


def find_documents(paths: tuple[Path, ...]) -> list[Path]:
    """List the documents: files as given, folders searched at all depths for known suffixes; none twice.

    What is hidden in a folder, and the lock files that Word leaves beside open documents, are passed over.
    """
    found: dict[Path, None] = {}
    for path in paths:
        found.update(dict.fromkeys(sorted(_documents_in(path)) if path.is_dir() else [path]))
    return list(found)


def _documents_in(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        is_hidden = any(part.startswith((".", "~$")) for part in path.relative_to(folder).parts)
        if path.suffix.lower() in _READERS and not is_hidden and path.is_file():
            yield path


def _read_text(path: Path) -> str:
    """Decode a file that is UTF-8 or UTF-16 with a byte order mark."""
    if path.stat().st_size > MOST_TEXT_BYTES:
        raise DocumentUnreadable(f"{path.name} is larger than {MOST_TEXT_BYTES >> 20} MiB.", "Split it into parts.")
    data = path.read_bytes()
    is_utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentUnreadable(
            f"{path.name} is neither UTF-8 nor UTF-16 text (byte {error.start}).",
            "Save it as UTF-8 text and try again.",
        ) from error
    if "\0" in text:
        raise DocumentUnreadable(f"{path.name} holds zero bytes: it is no text.")
    return text


def _blocks(text: str) -> Iterator[list[str]]:
    """Yield the lines between blank lines."""
    for block in re.split(r"\n\s*\n|\f", text.replace("\r\n", "\n").replace("\r", "\n")):
        if lines := [line.strip() for line in block.splitlines() if line.strip()]:
            yield lines


def _plain(path: Path) -> Iterator[str]:
    for lines in _blocks(_read_text(path)):
        yield from join_wrapped(lines, is_layout=False)


def _markdown(path: Path) -> Iterator[str]:
    """Yield the prose of Markdown: code blocks, front matter, link targets and marks go, table cells stay apart."""
    text = _read_text(path).replace("\r\n", "\n")
    for pattern, replacement in _MARKDOWN_RULES:
        text = pattern.sub(replacement, text)
    yield from map(" ".join, _blocks(text))


def _word(path: Path) -> Iterator[str]:
    from dictation.language.office_documents import read_docx

    return read_docx(path)


def _open_document(path: Path) -> Iterator[str]:
    from dictation.language.office_documents import read_odt

    return read_odt(path)


def _pdf(path: Path) -> Iterator[str]:
    from dictation.language.pdf_documents import read_pdf

    return read_pdf(path)


_MARKDOWN_RULES = tuple(
    (re.compile(pattern, re.MULTILINE | re.DOTALL), replacement)
    for pattern, replacement in (
        (r"\A---\n.*?\n---\n", ""),  # front matter
        (r"^([ \t]*)(```|~~~).*?^[ \t]*\2[^\n]*$", "\n"),  # fenced code
        (r"<!--.*?-->", " "),
        (r"</?[A-Za-z][^<>\n]*>", " "),  # HTML
        (r"!?\[([^\]\n]*)\](?:\([^)\n]*\)|\[[^\]\n]*\])", r"\1"),  # links and images: their text
        (r"^[ \t]*\[[^\]\n]+\]:[^\n]*$", ""),  # link targets
        (r"^(?=[^\n]*---)[ \t|:-]+$", ""),  # rules of tables, horizontal rules
        (r"^[ \t]*#{1,6}[ \t]+([^\n]*?)[ \t]*#*$", r"\n\1\n"),  # headings
        (r"^[ \t]*(?:[-*+]|\d+[.)])[ \t]+", r"\n\n"),  # items of lists are paragraphs
        (r"^[ \t]*>[ \t]?", ""),  # quotations
        (r"[ \t]*\|[ \t]*", "\n\n"),  # cells of tables
        (r"[*`~]+|(?<!\w)_+|_+(?!\w)", ""),  # emphasis and code marks
    )
)

_READERS: dict[str, Callable[[Path], Iterator[str]]] = {
    ".txt": _plain,
    ".md": _markdown,
    ".docx": _word,
    ".odt": _open_document,
    ".pdf": _pdf,
}
