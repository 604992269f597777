"""The starter model, opened once and loaded once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from dictation.asr.model_folder import ModelFolder, open_model_folder
from dictation.asr.recognizer import LoadReport, Recognizer
from dictation.core.settings import RecognizerSettings

STARTER = Path(__file__).resolve().parents[2] / "models" / "starter"
STARTER_V0 = Path(__file__).resolve().parents[3] / "shared" / "models" / "starter-v0"
DESCRIPTION = Path(__file__).parent / "data" / "starter-v0.toml"


@pytest.fixture(scope="session")
def starter() -> ModelFolder:
    return open_model_folder(STARTER)


@pytest.fixture(scope="session")
def loaded(starter: ModelFolder) -> Iterator[tuple[Recognizer, LoadReport]]:
    recognizer = Recognizer(starter, RecognizerSettings(processor="cpu"))
    yield recognizer, recognizer.load()
    recognizer.close()


@pytest.fixture(scope="session")
def letters(tmp_path_factory: pytest.TempPathFactory) -> ModelFolder:
    """A trained model whose labels are letters: what imported models are like."""
    if not STARTER_V0.exists():
        pytest.skip("needs the shared folder beside the checkout: ../shared/models/starter-v0 is not there")
    folder = tmp_path_factory.mktemp("starter-v0")
    for file in STARTER_V0.iterdir():
        (folder / file.name).symlink_to(file)
    shutil.copyfile(DESCRIPTION, folder / "model.toml")
    return open_model_folder(folder)


@pytest.fixture
def recognizer(loaded: tuple[Recognizer, LoadReport]) -> Recognizer:
    """The starter on the CPU with default settings."""
    loaded[0].configure(RecognizerSettings(processor="cpu"))
    return loaded[0]
