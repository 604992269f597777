"""Where personal language models live: a folder each, with ``personal.toml`` and the files it names."""

from __future__ import annotations

import contextlib
import logging
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import platformdirs
import tomli_w

from dictation.core.errors import PersonalModelError, PersonalModelMissing
from dictation.core.personal import PersonalModelChoice

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FORMAT_VERSION = 1
DESCRIPTION_FILE = "personal.toml"
WORDS_FILE = "words.txt"
ARPA_FILE, BINARY_FILE = "model.arpa", "model.bin"

_log = logging.getLogger(__name__)
_TYPES = {"str": str, "int": int, "float": float}


@dataclass(frozen=True)
class PersonalDescription:
    """The content of ``personal.toml``.

    Attributes:
        format_version: ``FORMAT_VERSION``.
        model_file: The KenLM file, ARPA or binary.
        weight: Its share in the mixture with the general model, above 0, at most 1 (no general model).
        letters: The letters its words are spelled with, sorted.
        order: Longest word sequence.
        words: Words of text it was made from.
        vocabulary: Different words.
        new_words: Different words that the general model did not know.
        general_model: Name of the model it was tuned to.
        created: Day, as ISO 8601.
        perplexity_before: Of held-out text with the general model alone; 0 if not measured.
        perplexity_after: With the mixture; 0 if not measured.
    """

    format_version: int
    model_file: str
    weight: float
    letters: str
    order: int
    words: int
    vocabulary: int
    new_words: int
    general_model: str
    created: str
    perplexity_before: float
    perplexity_after: float

    def __post_init__(self) -> None:
        """Validate; ``ValueError`` says what is wrong."""
        if self.format_version != FORMAT_VERSION:
            raise ValueError(f"format_version must be {FORMAT_VERSION}, not {self.format_version}")
        if self.model_file not in {ARPA_FILE, BINARY_FILE}:
            raise ValueError(f"model_file must be {ARPA_FILE} or {BINARY_FILE}")
        if not 0 < self.weight <= 1:
            raise ValueError("weight must lie between 0 and 1")


@dataclass(frozen=True)
class PersonalModel:
    """An installed personal model whose files are there."""

    name: str
    path: Path
    description: PersonalDescription

    @property
    def model_path(self) -> Path:
        """The KenLM file."""
        return self.path / self.description.model_file

    @property
    def words_path(self) -> Path:
        """Its vocabulary, one word per line."""
        return self.path / WORDS_FILE

    def choice(self) -> PersonalModelChoice:
        """The model as a picker shows it."""
        size_bytes = sum(file.stat().st_size for file in self.path.iterdir() if file.is_file())
        about = self.description
        return PersonalModelChoice(
            self.name, str(self.path), about.words, about.new_words, about.weight, about.general_model, about.created,
            size_bytes,
        )  # fmt: skip


def personal_models_folder() -> Path:
    """``language-models`` in the user's data folder; it may not exist yet."""
    return platformdirs.user_data_path("dictation", appauthor=False) / "language-models"


def check_name(name: str) -> None:
    """Accept names that are plain folder names on every system.

    Raises:
        PersonalModelError: for any other.
    """
    if not re.fullmatch(r"\w(?:[\w .-]{0,58}\w)?", name):
        raise PersonalModelError(
            f"{name!r} cannot be the name of a personal language model.",
            "Use up to 60 letters, digits, spaces, dots, hyphens or underscores, the first and last a letter or digit.",
        )


def open_personal_model(name: str, root: Path | None = None) -> PersonalModel:
    """Read an installed model's description.

    Raises:
        PersonalModelMissing: if there is none of that name, or it is damaged; the message says what and why.
        PersonalModelError: if the name could be none.
    """
    check_name(name)
    path = (root or personal_models_folder()) / name
    if not path.is_dir():
        raise PersonalModelMissing(f"There is no personal language model named {name}.")
    try:
        table = tomllib.loads((path / DESCRIPTION_FILE).read_text(encoding="utf-8"))
        model = PersonalModel(name, path, PersonalDescription(**_typed(table)))
    except (OSError, ValueError) as error:  # TOML and Unicode errors are ValueErrors
        raise PersonalModelMissing(f"{DESCRIPTION_FILE} of the personal language model {name} is damaged: {error}.") \
            from error  # fmt: skip
    for file in (model.model_path, model.words_path):
        if not file.is_file():
            raise PersonalModelMissing(f"The personal language model {name} lacks its file {file.name}.")
    return model


def list_personal_models(root: Path | None = None) -> list[PersonalModel]:
    """List the installed models by name; a damaged one is left out with a line in the log."""
    folder = root or personal_models_folder()
    found = []
    for path in sorted(folder.glob(f"*/{DESCRIPTION_FILE}")):
        if path.parent.name.startswith("."):
            continue
        try:
            found.append(open_personal_model(path.parent.name, folder))
        except PersonalModelError as error:
            _log.warning("Personal language model left out: %s", error)
    return found


def remove_personal_model(name: str, root: Path | None = None) -> None:
    """Delete an installed model, damaged or not.

    Raises:
        PersonalModelMissing: if there is none of that name.
        PersonalModelError: if it cannot be deleted.
    """
    check_name(name)
    path = (root or personal_models_folder()) / name
    if not path.is_dir():
        raise PersonalModelMissing(f"There is no personal language model named {name}.")
    try:
        shutil.rmtree(path)
    except OSError as error:
        raise PersonalModelError(f"The personal language model {name} cannot be removed: {error}.") from error


@contextlib.contextmanager
def new_model_folder(name: str, root: Path | None = None) -> Iterator[Path]:
    """Give a hidden folder to fill; when the block ends well it becomes the model, else nothing is left of it.

    An older model of the same name stays until the new one is whole.

    Raises:
        PersonalModelError: if the folder cannot be made or renamed.
    """
    check_name(name)
    folder = root or personal_models_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        hidden = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=folder))
    except OSError as error:
        raise PersonalModelError(f"Nothing can be written to {folder}: {error}.") from error
    try:
        work, old = hidden / "new", hidden / "old"
        work.mkdir()
        yield work
        with contextlib.suppress(FileNotFoundError):
            (folder / name).rename(old)
        try:
            work.rename(folder / name)
        except OSError:
            if old.exists():
                old.rename(folder / name)
            raise
    except OSError as error:
        raise PersonalModelError(f"The personal language model {name} cannot be written: {error}.") from error
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def write_description(folder: Path, description: PersonalDescription) -> None:
    """Write ``personal.toml`` into a folder that is being filled."""
    (folder / DESCRIPTION_FILE).write_text(tomli_w.dumps(asdict(description)), encoding="utf-8")


def _typed(table: dict[str, Any]) -> dict[str, Any]:
    """Check keys and types against ``PersonalDescription``; ``ValueError`` names the first that is wrong."""
    declared = {item.name: _TYPES[str(item.type)] for item in fields(PersonalDescription)}
    if table.keys() != declared.keys():
        odd = sorted(table.keys() ^ declared.keys())
        raise ValueError(f"the key {odd[0]!r} is missing or unknown")
    for name, kind in declared.items():
        if type(table[name]) is not kind:
            raise ValueError(f"{name} must be a {kind.__name__}")
    return table
