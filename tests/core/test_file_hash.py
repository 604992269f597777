from __future__ import annotations

from pathlib import Path

import pytest

from dictation.core.file_hash import file_sha256

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
"""The first example of FIPS 180-2."""


def test_the_standards_example(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    assert file_sha256(tmp_path / "abc") == ABC


def test_a_large_file_is_asked_about_between_its_pieces(tmp_path: Path) -> None:
    (tmp_path / "zeros").write_bytes(bytes((1 << 20) + 1))
    asked: list[None] = []
    whole = file_sha256(tmp_path / "zeros", lambda: asked.append(None))
    assert len(asked) == 2
    (tmp_path / "zeros").write_bytes(bytes(1 << 20))
    assert file_sha256(tmp_path / "zeros") != whole


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nothing"):
        file_sha256(tmp_path / "nothing")
