from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest
import tomli_w

from dictation.core.errors import PersonalModelError, PersonalModelMissing
from dictation.language.store import (
    PersonalDescription,
    list_personal_models,
    new_model_folder,
    open_personal_model,
    personal_models_folder,
    remove_personal_model,
    write_description,
)

ABOUT = PersonalDescription(1, "model.arpa", 0.4, "abc", 3, 1000, 100, 10, "starter", "2026-11-21", 200.0, 100.0)


def install(root: Path, name: str = "mine", about: PersonalDescription = ABOUT) -> Path:
    with new_model_folder(name, root) as folder:
        (folder / about.model_file).write_text("ngrams")
        (folder / "words.txt").write_text("a\n")
        write_description(folder, about)
    return root / name


def test_what_is_installed_is_found(tmp_path: Path) -> None:
    install(tmp_path, "b")
    install(tmp_path, "a")
    (model, other) = list_personal_models(tmp_path)
    assert (model.name, other.name) == ("a", "b")
    assert model.description == ABOUT
    assert model.model_path.read_text() == "ngrams"
    choice = model.choice()
    assert (choice.name, choice.new_words, choice.general_model) == ("a", 10, "starter")
    assert choice.size_bytes == sum(path.stat().st_size for path in (tmp_path / "a").iterdir())
    assert list_personal_models(tmp_path / "absent") == []


def test_the_usual_place_is_the_users_data_folder(tmp_path: Path) -> None:
    assert personal_models_folder().name == "language-models"
    assert personal_models_folder().is_relative_to(tmp_path)  # the tests' own


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "a/b", "a\\b", "a:b", "x" * 61, "end.", "end ", "a\nb"])
def test_names_that_are_no_folder_names(name: str, tmp_path: Path) -> None:
    with pytest.raises(PersonalModelError, match="cannot be the name"), new_model_folder(name, tmp_path):
        pass
    for function in (open_personal_model, remove_personal_model):
        with pytest.raises(PersonalModelError, match="cannot be the name"):
            function(name, tmp_path)


@pytest.mark.parametrize("name", ["a", "Ärzte 2.0", "my_words-2"])
def test_names_that_are(name: str, tmp_path: Path) -> None:
    install(tmp_path, name)
    assert open_personal_model(name, tmp_path).name == name


def interrupt_half_way(root: Path) -> None:
    with new_model_folder("mine", root) as folder:
        (folder / "model.arpa").write_text("half")
        assert [model.name for model in list_personal_models(root)] == ["mine"]
        raise KeyboardInterrupt


def test_what_fails_leaves_the_old_model_and_nothing_else(tmp_path: Path) -> None:
    install(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        interrupt_half_way(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    assert open_personal_model("mine", tmp_path).model_path.read_text() == "ngrams"


def test_a_new_model_replaces_the_old(tmp_path: Path) -> None:
    install(tmp_path)
    with new_model_folder("mine", tmp_path) as folder:
        for name in ("model.bin", "words.txt"):
            (folder / name).write_text("new")
        write_description(folder, PersonalDescription(**{**asdict(ABOUT), "model_file": "model.bin"}))
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    assert open_personal_model("mine", tmp_path).model_path.read_text() == "new"


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PersonalModelError, match="Nothing can be written"), new_model_folder("a", tmp_path / "file"):
        pass


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"weight": "much"}, "weight must be a float"),
        ({"weight": 0.0}, "between 0 and 1"),
        ({"order": True}, "order must be a int"),
        ({"format_version": 2}, "format_version must be 1"),
        ({"model_file": "../../passwords"}, "model_file must be"),
        ({"letters": None}, "'letters' is missing"),
        ({"extra": 1}, "'extra' is missing or unknown"),
    ],
)
def test_a_damaged_description_is_named(change: dict[str, object], said: str, tmp_path: Path) -> None:
    path = install(tmp_path)
    table = {key: value for key, value in {**asdict(ABOUT), **change}.items() if value is not None}
    (path / "personal.toml").write_text(tomli_w.dumps(table))
    with pytest.raises(PersonalModelMissing, match=said):
        open_personal_model("mine", tmp_path)
    assert list_personal_models(tmp_path) == []


@pytest.mark.parametrize("data", [b"\xff", b"a = ", None])
def test_an_unreadable_description(data: bytes | None, tmp_path: Path) -> None:
    path = install(tmp_path) / "personal.toml"
    path.unlink() if data is None else path.write_bytes(data)
    with pytest.raises(PersonalModelMissing, match="damaged"):
        open_personal_model("mine", tmp_path)


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    (install(tmp_path) / "words.txt").unlink()
    with pytest.raises(PersonalModelMissing, match=r"lacks its file words\.txt"):
        open_personal_model("mine", tmp_path)


def test_removing(tmp_path: Path) -> None:
    (install(tmp_path) / "personal.toml").write_text("damaged")
    remove_personal_model("mine", tmp_path)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(PersonalModelMissing, match="no personal language model named mine"):
        remove_personal_model("mine", tmp_path)
    with pytest.raises(PersonalModelMissing, match="no personal language model named mine"):
        open_personal_model("mine", tmp_path)
