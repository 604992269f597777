"""Text of Word (ECMA-376, docx) and OpenDocument (ISO 26300, odt) files: a zip archive with one XML file of prose.

defusedxml refuses XML that defines entities, which real documents never do and attacks by expansion need.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING
from zlib import error as zlib_error

from dictation.core.errors import DocumentUnreadable

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MOST_XML_BYTES = 1 << 29
"""As for plain text; the size stated in the archive is the most that is unpacked."""
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""Start of Microsoft's compound files: .doc, and docx with a password."""
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"


@dataclass(frozen=True)
class _Format:
    """Where a format keeps its prose.

    Attributes:
        member: The XML file within the archive.
        paragraphs: Elements that are paragraphs; they may lie within each other (text boxes, notes).
        texts: Elements whose direct text is prose; empty for all within a paragraph.
        spaces: Elements that stand for white space.
        skipped: Elements to pass over: deleted text, comments, second copies.
    """

    member: str
    paragraphs: frozenset[str]
    texts: frozenset[str]
    spaces: frozenset[str]
    skipped: frozenset[str]


_DOCX = _Format(
    "word/document.xml",
    frozenset({f"{_W}p"}),
    frozenset({f"{_W}t"}),
    frozenset({f"{_W}tab", f"{_W}br", f"{_W}cr"}),
    frozenset({f"{_MC}Fallback", f"{_W}del", f"{_W}moveFrom"}),
)
_ODT = _Format(
    "content.xml",
    frozenset({f"{_TEXT}p", f"{_TEXT}h"}),
    frozenset(),
    frozenset({f"{_TEXT}s", f"{_TEXT}tab", f"{_TEXT}line-break"}),
    frozenset({f"{_OFFICE}annotation", f"{_TEXT}tracked-changes", f"{_TEXT}table-of-content"}),
)


def read_docx(path: Path) -> Iterator[str]:
    """Yield the paragraphs of a Word file; raises ``DocumentUnreadable`` while iterating, ``OSError`` likewise."""
    with path.open("rb") as stream:
        if stream.read(len(_OLD_OFFICE)) == _OLD_OFFICE:
            raise DocumentUnreadable(
                f"{path.name} is protected by a password, or an old .doc file.", "Save it as docx without a password."
            )
    return _read(path, _DOCX)


def read_odt(path: Path) -> Iterator[str]:
    """Yield the paragraphs of an OpenDocument text; raises ``DocumentUnreadable`` while iterating, ``OSError`` too."""
    return _read(path, _ODT)


def _read(path: Path, form: _Format) -> Iterator[str]:
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError

    try:
        with zipfile.ZipFile(path) as archive:
            if form is _ODT and b"encryption-data" in archive.read("META-INF/manifest.xml"):
                raise DocumentUnreadable(f"{path.name} is protected by a password.", "Save it without a password.")
            size_bytes = archive.getinfo(form.member).file_size
            if size_bytes > MOST_XML_BYTES:
                raise DocumentUnreadable(f"{path.name} unpacks to {size_bytes >> 20} MiB.", "Split it into parts.")
            with archive.open(form.member) as stream:
                yield from _paragraphs(stream, form)
    except KeyError as error:
        raise DocumentUnreadable(f"{path.name} lacks {error.args[0]}: it is no {path.suffix[1:]} file.") from error
    except DefusedXmlException as error:
        raise DocumentUnreadable(f"{path.name} defines XML entities, which no word processor writes.") from error
    # zipfile raises RuntimeError for an encrypted member and NotImplementedError for an unknown way of packing.
    except (zipfile.BadZipFile, EOFError, ParseError, zlib_error, NotImplementedError, RuntimeError) as error:
        raise DocumentUnreadable(f"{path.name} is damaged: {error}.") from error


def _paragraphs(stream: IO[bytes], form: _Format) -> Iterator[str]:
    """Yield the paragraphs as they end; those within others come first and are then gone from them."""
    from defusedxml.ElementTree import iterparse

    skipping = 0
    for event, element in iterparse(stream, events=("start", "end")):
        if element.tag in form.skipped:
            skipping += 1 if event == "start" else -1
            if event == "end":
                _empty(element)
        elif event == "end" and element.tag in form.paragraphs and not skipping:
            text = " ".join("".join(_texts(element, form)).split())
            _empty(element)
            if text:
                yield text


def _texts(element: Element, form: _Format) -> Iterator[str]:
    """Yield the pieces of prose within an element, in order."""
    if element.tag in form.spaces:
        yield " "
    if element.text and (not form.texts or element.tag in form.texts):
        yield element.text
    for child in element:
        yield from _texts(child, form)
        if child.tail and not form.texts:
            yield child.tail


def _empty(element: Element) -> None:
    """Free what lies within an element; ``clear`` would take the text that follows it too."""
    element.text = None
    for child in list(element):
        element.remove(child)
