from __future__ import annotations

import pytest

from dictation.core.records import GAP_MARK, Gap, LossCause


@pytest.mark.parametrize("cause", list(LossCause))
def test_a_gap_is_found_in_a_kept_text(cause: LossCause) -> None:
    assert GAP_MARK.fullmatch(Gap(0.0, 61.25, cause).text)


@pytest.mark.parametrize("text", ["[1.2 s lost]", "[1.2 s lost: keys]", "1.2 s lost: device", "[x s lost: device]"])
def test_what_only_looks_like_a_gap_is_text(text: str) -> None:
    assert not GAP_MARK.search(text)
