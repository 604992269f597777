"""Our reader of SentencePiece models against one that SentencePiece wrote, and against damage."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dictation.asr.importing.sentence_piece import read_pieces
from dictation.core.errors import ModelImportFailed
from tests.support.protobuf import (
    BYTE,
    CONTROL,
    NORMAL,
    UNKNOWN,
    UNUSED,
    USER_DEFINED,
    message,
    piece,
    pieces_model,
    varint,
)

REAL = Path(__file__).resolve().parents[1] / "data" / "pieces.model"
LISTED = """
    <unk> <s> </s> at ▁t ▁th ▁the ▁i ats ▁n in ▁r ine ▁at ▁is ▁nine ▁c ▁e ▁o ▁s ▁eat ▁cats ▁rats ai ea en ic ▁ t a e i n
    s h c o r d m
"""
"""As SentencePiece itself lists them."""


def written(path: Path, content: bytes) -> Path:
    target = path / "pieces.model"
    target.write_bytes(content)
    return target


def test_a_real_model_is_read() -> None:
    assert read_pieces(REAL) == tuple(LISTED.split())


def test_types_count(tmp_path: Path) -> None:
    content = piece("<pad>", CONTROL) + piece("<unk>", UNKNOWN) + piece("▁I", USER_DEFINED) + piece("ß", UNUSED)
    assert read_pieces(written(tmp_path, content)) == ("<pad>", "<unk>", "▁I", "ß")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(
        st.text(st.characters(exclude_characters="<>▁", exclude_categories=["Cs"]), min_size=1, max_size=200)
    )
)
def test_any_texts_are_read(texts: list[str], tmp_path: Path) -> None:
    assert read_pieces(written(tmp_path, pieces_model(["<unk>", *texts]))) == ("<unk>", *texts)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 543), flip=st.integers(0, 255))
def test_damage_is_named_or_harmless(cut: int, flip: int, tmp_path: Path) -> None:
    """Truncated or altered anywhere: an error of ours or a list, never anything else."""
    whole = REAL.read_bytes()
    for content in (whole[:cut], whole[:cut] + bytes([flip]) + whole[cut + 1 :]):
        with contextlib.suppress(ModelImportFailed):
            assert all(read_pieces(written(tmp_path, content)))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "holds no pieces of words"),
        (message(2, b"trainer"), "holds no pieces of words"),
        (REAL.read_bytes()[:301], "is not a whole SentencePiece model"),
        (b"PK\3\4 something else", "is not a whole SentencePiece model"),
        (b"\xff" * 40, "a number does not end"),
        (message(1, b""), "a piece has no text"),
        (varint(1 << 3) + varint(7), "a piece has no text"),
        (piece("<0x41>", BYTE), "'<0x41>', which stands for a byte"),
        (piece("pad", CONTROL), "stands for no text, but is not in angle brackets"),
        (piece("<b>", NORMAL), "is in angle brackets, but is text"),
        (piece("t▁o"), "reaches over the end of a word"),
        (piece("t", 9), "9 is not a valid PieceType"),
        (message(1, message(1, b"\xff")), "can't decode byte"),
    ],
)
def test_what_cannot_be_used_says_why(content: bytes, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(ModelImportFailed) as caught:
        read_pieces(written(tmp_path, content))
    assert complaint in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelImportFailed, match=r"nothing\.model"):
        read_pieces(tmp_path / "nothing.model")
