"""Sizes, times, languages and jobs in words."""

from __future__ import annotations

import pytest

from dictation.core.library_status import LibraryJob, LibraryJobState
from dictation.ui.model_words import job_text, language_text, size_text, time_text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "size unknown"), (420_000, "0.4 MB"), (41_000_000, "41 MB"), (1_262_000_000, "1.3 GB"),
     (41_300_000_000, "41 GB")],
)  # fmt: skip
def test_sizes_in_words(value: int | None, text: str) -> None:
    assert size_text(value) == text


@pytest.mark.parametrize(("seconds", "text"), [(34.4, "34 s"), (700.0, "12 min"), (9000.0, "2.5 h")])
def test_times_in_words(seconds: float, text: str) -> None:
    assert time_text(seconds) == text


@pytest.mark.parametrize(
    ("tag", "text"),
    [("en", "English"), ("de-AT", "German"), ("", "Language unknown"), ("und", "Language unknown"), ("x", "x")],
)
def test_languages_in_words(tag: str, text: str) -> None:
    assert language_text(tag) == text


def test_every_state_of_a_job_has_words() -> None:
    for state in LibraryJobState:
        assert job_text(LibraryJob("k", "n", state)).startswith(state.value)
