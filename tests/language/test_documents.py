"""Every kind of document gives its prose, and every kind of damage a sentence that names the file."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dictation.core.errors import DocumentUnreadable
from dictation.language.documents import find_documents, read_document
from tests.support.documents import write_docx, write_odt, write_pdf

WORD = "<w:p><w:r><w:t>{}</w:t></w:r></w:p>"


def read(path: Path) -> list[str]:
    return list(read_document(path))


def refusal(path: Path) -> str:
    with pytest.raises(DocumentUnreadable) as caught:
        read(path)
    assert path.name in str(caught.value)
    assert caught.value.remedy
    return str(caught.value)


def write(path: Path, data: bytes | str) -> Path:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def test_plain_text_in_paragraphs(tmp_path: Path) -> None:
    assert read(write(tmp_path / "a.txt", "\ufeffOne line.\r\n\r\nAnother.\n \nThird")) == [
        "One line.", "Another.", "Third",
    ]  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_unicode_text(tmp_path: Path, encoding: str) -> None:
    assert read(write(tmp_path / "a.TXT", "Grüße, кот".encode(encoding))) == ["Grüße, кот"]


def test_text_in_an_old_encoding_is_refused_and_the_place_named(tmp_path: Path) -> None:
    assert "byte 2" in refusal(write(tmp_path / "old.txt", "Grüße".encode("cp1252")))


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    assert "zero bytes" in refusal(write(tmp_path / "a.txt", b"ab\0c"))


def test_markdown_keeps_its_prose_only(tmp_path: Path) -> None:
    text = """---
title: secret
---
# The *great* heading #

Some **bold** text with `code`, a [link](https://x.org/y) and ![a picture](p.png).
See [this][ref] <b>now</b>. <!-- never -->

```python
def never(): ...
```

- first item
- second_item with snake_case
1. third

> quoted words

| left | right |
|------|:-----:|
| a b  | c d   |

---

[ref]: https://x.org
"""
    found = read(write(tmp_path / "a.md", text))
    assert found == [
        "The great heading", "Some bold text with code, a link and a picture. See this  now .",
        "first item", "second_item with snake_case", "third", "quoted words", "left", "right", "a b", "c d",
    ]  # fmt: skip


def test_long_rules_in_markdown_take_no_time(tmp_path: Path) -> None:
    """A pattern that tries every way to split the dashes would never end."""
    assert read(write(tmp_path / "a.md", f"{'-' * 5000} end\n\n{'-' * 5000}\n\n|{':---|' * 900}\n")) == [
        f"{'-' * 5000} end",
    ]  # fmt: skip


def test_word_files(tmp_path: Path) -> None:
    body = (
        WORD.format("First ")
        + "<w:p><w:r><w:t>sec</w:t></w:r><w:r><w:t>ond</w:t><w:tab/><w:t>tab</w:t><w:br/><w:t>line</w:t></w:r></w:p>"
        + "<w:p><w:del><w:r><w:delText>gone</w:delText><w:t>gone</w:t></w:r></w:del><w:r><w:t>kept</w:t></w:r></w:p>"
        + f"<w:p><w:r><mc:AlternateContent><mc:Choice>{WORD.format('box')}</mc:Choice>"
        + f"<mc:Fallback>{WORD.format('box')}</mc:Fallback></mc:AlternateContent><w:t>outside</w:t></w:r></w:p><w:p/>"
        + "<w:p><w:r><w:instrText>PAGEREF</w:instrText></w:r></w:p>"
    )
    found = read(write_docx(tmp_path / "a.docx", body))
    assert found == ["First", "second tab line", "kept", "box", "outside"]


def test_open_document_texts(tmp_path: Path) -> None:
    body = (
        "<text:tracked-changes><text:p>gone</text:p></text:tracked-changes><text:h>Title</text:h>"
        "<text:p>One<text:s/>two <text:span>three</text:span> four<text:note><text:note-body><text:p>a note</text:p>"
        "</text:note-body></text:note> five<office:annotation><text:p>comment</text:p></office:annotation> six</text:p>"
    )
    assert read(write_odt(tmp_path / "a.odt", body)) == ["Title", "a note", "One two three four five six"]


def test_pdf_pages_with_broken_lines(tmp_path: Path) -> None:
    pages = [
        ["Heading", "The first line of a paragraph that goes on to the next and is long", "enough to show the hyphen-"
         " of this page in an exam-", "ple."],
        ["Second page."],
    ]  # fmt: skip
    assert read(write_pdf(tmp_path / "a.pdf", pages)) == [
        "Heading",
        "The first line of a paragraph that goes on to the next and is long enough to show the hyphen- of this page in "
        "an example.",
        "Second page.",
    ]


def test_an_unknown_kind_and_an_absent_file(tmp_path: Path) -> None:
    assert "txt, md, docx, odt, pdf" in refusal(write(tmp_path / "a.xls", "x"))
    assert "No such file" in refusal(tmp_path / "absent.txt")


def test_documents_behind_a_password(tmp_path: Path) -> None:
    from pypdf import PdfReader, PdfWriter

    assert "password" in refusal(write(tmp_path / "a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)))
    assert "password" in refusal(write_odt(tmp_path / "a.odt", "", "<manifest:encryption-data/>"))
    plain = write_pdf(tmp_path / "plain.pdf", [["Words"]])
    for name, password in (("locked.pdf", "secret"), ("read-only.pdf", "")):
        writer = PdfWriter(PdfReader(plain))
        writer.encrypt(password, "owner", algorithm="RC4-128")
        writer.write(tmp_path / name)
    assert "encrypted" in refusal(tmp_path / "locked.pdf")
    assert read(tmp_path / "read-only.pdf") == ["Words"]


def test_damaged_archives(tmp_path: Path) -> None:
    whole = write_docx(tmp_path / "whole.docx", WORD.format("x" * 3000)).read_bytes()
    assert "damaged" in refusal(write(tmp_path / "cut.docx", whole[:-40]))
    assert "damaged" in refusal(write(tmp_path / "bits.docx", whole[:60] + b"\xff\x00\xff" + whole[63:]))
    assert "damaged" in refusal(write(tmp_path / "no.odt", "no archive"))
    assert "damaged" in refusal(write_docx(tmp_path / "xml.docx", "<w:p>"))
    with zipfile.ZipFile(tmp_path / "other.docx", "w") as archive:
        archive.writestr("other", "x")
    assert "word/document.xml" in refusal(tmp_path / "other.docx")


def test_entity_bombs_are_refused(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'
    assert "entities" in refusal(write_docx(tmp_path / "bomb.docx", WORD.format("&b;"), bomb))


def test_an_archive_that_unpacks_to_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dictation.language.office_documents.MOST_XML_BYTES", 1000)
    assert "unpacks" in refusal(write_docx(tmp_path / "big.docx", WORD.format("x" * 1000)))


def test_a_pdf_of_pictures(tmp_path: Path) -> None:
    assert "no text" in refusal(write_pdf(tmp_path / "scan.pdf", [[], []]))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from([".txt", ".md", ".docx", ".odt", ".pdf"]),
    place=st.floats(0, 1),
    change=st.one_of(st.just(b""), st.binary(max_size=9)),
)
def test_damage_is_never_a_crash(tmp_path: Path, kind: str, place: float, change: bytes) -> None:
    """A cut (empty change) or overwritten bytes anywhere: text or a clear refusal, no other error."""
    make: dict[str, Callable[[Path], Path]] = {
        ".docx": lambda path: write_docx(path, WORD.format("Some words")),
        ".odt": lambda path: write_odt(path, "<text:p>Some words</text:p>"),
        ".pdf": lambda path: write_pdf(path, [["Some words"], ["More"]]),
    }
    path = make.get(kind, lambda path: write(path, "Some *words*"))(tmp_path / f"a{kind}")
    data = path.read_bytes()
    cut = int(place * len(data))
    path.write_bytes(data[:cut] + change + data[cut + len(change) :] if change else data[:cut])
    try:
        assert all(isinstance(paragraph, str) for paragraph in read_document(path))
    except DocumentUnreadable as error:
        assert path.name in str(error)  # noqa: PT017 - either outcome is fine


def test_folders_are_searched_and_nothing_is_read_twice(tmp_path: Path) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    first, second = write(tmp_path / "in" / "b.txt", "b"), write(tmp_path / "in" / "deep" / "a.MD", "a")
    (tmp_path / "in" / ".hidden").mkdir()
    for name in ("c.png", "~$b.docx", ".d.txt", ".hidden/e.txt"):
        write(tmp_path / "in" / name, "c")
    other = tmp_path / "named.xyz"
    assert find_documents((tmp_path / "in", first, other)) == [first, second, other]
