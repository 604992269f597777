"""Which letters a personal model is spelled with, and what it is mixed with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dictation.asr.decoding import LEXICON, DecodingParameters
from dictation.asr.model_folder import ModelFile, ModelFolder, open_model_folder
from dictation.runtime.personal_library import BuildStopped
from dictation.runtime.personal_models import PersonalModels, general_model
from tests.support.phones import LABELS, write_lexicon
from tests.support.tiny_model import make_tiny_model


@pytest.fixture
def folder(tmp_path: Path) -> ModelFolder:
    return open_model_folder(make_tiny_model(tmp_path / "tiny"))


def test_a_model_of_letters_tells_its_own(folder: ModelFolder) -> None:
    general = general_model(folder)
    assert general.alphabet.letters == {"a", "b", "ö"}
    assert (general.name, general.path) == ("tiny", None)


def test_a_model_of_sounds_has_the_letters_of_its_lexicon(folder: ModelFolder) -> None:
    write_lexicon(folder.path)
    lexicon = ModelFile("lexicon.txt", 1, "0" * 64)
    sounds = replace(
        folder, labels=LABELS, decoding=DecodingParameters(LEXICON), files={**folder.files, "lexicon": lexicon}
    )  # fmt: skip
    assert general_model(sounds).alphabet.letters == set("sunotwa")


def test_a_cancelled_build_is_told_as_the_window_knows_it(folder: ModelFolder, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Ab ba. " * 50)
    with pytest.raises(BuildStopped):
        PersonalModels().build((tmp_path / "a.txt",), "mine", str(folder.path), lambda _: None, lambda: True)
    assert PersonalModels().list_models() == ()
