"""The starter model, opened once and loaded once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dictation.asr.model_folder import ModelFolder, open_model_folder
from dictation.asr.recognizer import LoadReport, Recognizer
from dictation.core.settings import RecognizerSettings

STARTER = Path(__file__).resolve().parents[2] / "models" / "starter"


@pytest.fixture(scope="session")
def starter() -> ModelFolder:
    return open_model_folder(STARTER)


@pytest.fixture(scope="session")
def loaded(starter: ModelFolder) -> Iterator[tuple[Recognizer, LoadReport]]:
    recognizer = Recognizer(starter, RecognizerSettings(processor="cpu"))
    yield recognizer, recognizer.load()
    recognizer.close()


@pytest.fixture
def recognizer(loaded: tuple[Recognizer, LoadReport]) -> Recognizer:
    """The starter on the CPU with default settings."""
    loaded[0].configure(RecognizerSettings(processor="cpu"))
    return loaded[0]
