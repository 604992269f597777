"""Text of PDF files, through pypdf."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from dictation.core.errors import DocumentUnreadable
from dictation.language.text import join_wrapped

if TYPE_CHECKING:
    from pypdf import PdfReader

# It warns of every oddity of a file's structure; what counts here is whether text comes out.
logging.getLogger("pypdf").setLevel(logging.ERROR)


def read_pdf(path: Path) -> Iterator[str]:
    """Yield the paragraphs of a PDF, page by page; raises ``DocumentUnreadable`` while iterating."""
    reader = _open(path)
    found = False
    for number in range(_page_count(reader, path)):
        lines = [line.strip() for line in _page_text(reader, number, path).splitlines() if line.strip()]
        for paragraph in join_wrapped(lines, is_layout=True):
            found = True
            yield paragraph
    if not found:
        raise DocumentUnreadable(
            f"{path.name} holds no text; its pages may be scanned pictures.", "Run it through text recognition (OCR)."
        )


def _open(path: Path) -> PdfReader:
    """Open a file, also one that is encrypted with an empty password, as read-only ones are."""
    from pypdf import PdfReader
    from pypdf.errors import DependencyError

    try:
        reader = PdfReader(path)
        is_locked = reader.is_encrypted and not reader.decrypt("")
    except OSError:
        raise
    except DependencyError as error:  # AES needs a package for cryptography, which is not worth its size here
        raise _locked(path) from error
    except Exception as error:  # on damaged files pypdf raises whatever the damage leads to
        raise _damaged(path, error) from error
    if is_locked:
        raise _locked(path)
    return reader


def _page_count(reader: PdfReader, path: Path) -> int:
    try:
        return len(reader.pages)
    except Exception as error:  # as in _open
        raise _damaged(path, error) from error


def _page_text(reader: PdfReader, number: int, path: Path) -> str:
    try:
        return reader.pages[number].extract_text()
    except Exception as error:  # as in _open
        raise _damaged(path, error, number + 1) from error


def _locked(path: Path) -> DocumentUnreadable:
    return DocumentUnreadable(f"{path.name} is encrypted.", "Save it without a password or restrictions.")


def _damaged(path: Path, error: Exception, page: int = 0) -> DocumentUnreadable:
    place = f" on page {page}" if page else ""
    return DocumentUnreadable(f"{path.name} is damaged{place}: {type(error).__name__}: {error}".rstrip(".") + ".")
