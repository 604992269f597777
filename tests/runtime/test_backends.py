"""Which model is loaded: the given one, the chosen one, or the first that is found."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dictation.core.errors import ModelDamaged, ModelMissing
from dictation.core.settings import RecognizerSettings
from dictation.runtime.backends import real_backends

STARTER = Path(__file__).resolve().parents[2] / "models" / "starter"


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Another whole model folder: the starter's files under another name."""
    folder = tmp_path / "other"
    folder.mkdir()
    for file in STARTER.iterdir():
        (folder / file.name).symlink_to(file)
    description = folder / "model.toml"
    description.unlink()
    text = (STARTER / "model.toml").read_text(encoding="utf-8")
    name = next(line for line in text.splitlines() if line.startswith("name"))
    description.write_text(text.replace(name, 'name = "other"', 1), encoding="utf-8")
    return folder


def folder_of(backends: object, model_path: str = "") -> str:
    return backends.make_recognizer(RecognizerSettings(model_path=model_path))._folder.path.name


def test_the_first_model_found_is_used_if_none_is_chosen() -> None:
    assert folder_of(real_backends()) == "starter"


def test_a_chosen_model_is_used_and_one_that_is_gone_gives_way(other: Path) -> None:
    assert folder_of(real_backends(), str(other)) == "other"
    shutil.rmtree(other)
    assert folder_of(real_backends(), str(other)) == "starter"


def test_the_given_model_stands_for_the_remembered_one_until_another_is_chosen(other: Path) -> None:
    """``--model`` used to be forgotten at the first change of a recogniser setting."""
    backends = real_backends(other, remembered=str(STARTER))
    assert folder_of(backends, str(STARTER)) == "other"
    assert folder_of(real_backends(STARTER, remembered=""), str(other)) == "other"


def test_a_given_folder_that_is_no_model_is_an_error_and_not_replaced(tmp_path: Path) -> None:
    with pytest.raises((ModelMissing, ModelDamaged)):
        folder_of(real_backends(tmp_path / "nothing", remembered=""))
