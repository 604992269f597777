"""The models that can be downloaded: ``catalogue.toml`` as records.

What is unknown stays unknown: a size that no source states is None, and the server tells it when asked.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from dictation.asr.labels import Labels
from dictation.asr.network import ARCHITECTURES
from dictation.asr.tables import read_table
from dictation.core.errors import CatalogueError, DictationError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_Entry = TypeVar("_Entry", "CatalogueEntry", "LanguageModelEntry")

FORMAT_VERSION = 1
SHIPPED = Path(__file__).with_name("catalogue.toml")
BLANK = "-"
WORD_SEPARATOR = "|"
_OTHER_ROLES = ("statistics", "pieces")
BYTES_PER_PARAMETER = 4
"""Networks are published, stored and run on the CPU as float32."""


@dataclass(frozen=True)
class CatalogueFile:
    """One file to download.

    Attributes:
        role: ``weights`` or ``language_model``; of a transducer also ``statistics`` (of its features) and ``pieces``
            (of words, its labels).
        url: Where the publisher keeps it.
        size_bytes: As a source states it; None if none does.
        sha256: 64 hexadecimal digits, or None: then the first good download is pinned, see ``pins.py``.
    """

    role: str
    url: str
    size_bytes: int | None = None
    sha256: str | None = None

    @property
    def name(self) -> str:
        """The last part of the address."""
        return self.url.rpartition("/")[2]


@dataclass(frozen=True)
class PublishedRate:
    """A word error rate that others measured.

    Attributes:
        measured_on: The test set.
        language_model: What decoded: ``none``, ``4-gram`` or ``Transformer``; this program has no Transformer.
        percent: Word errors in per cent of the words.
        source: Paper or page.
    """

    measured_on: str
    language_model: str
    percent: float
    source: str


@dataclass(frozen=True)
class LanguageModelEntry:
    """An n-gram model that goes with networks of its language.

    Attributes:
        key: What it is called on the command line.
        name: What the user sees.
        language: BCP 47 tag.
        licence: In words.
        file: ARPA text, compressed, or a KenLM binary that carries its words.
        remark: What to know before; mostly empty.
    """

    key: str
    name: str
    language: str
    licence: str
    file: CatalogueFile
    remark: str = ""


@dataclass(frozen=True)
class CatalogueEntry:
    """A network that can be downloaded, with the language model it is installed with.

    Attributes:
        key: What it is called on the command line and what its folder is named.
        name: What the user sees.
        language: BCP 47 tag.
        licence: Of the weights, in words.
        speech: What it was trained on.
        hardware: On what it keeps up with speech, in words.
        kind: Who published it: ``torchaudio`` is a state dict of a network of ``torchaudio.models``.
        architecture: A key of ``network.ARCHITECTURES``.
        network: Its sizes, as that architecture has them.
        is_audio_normalised: Whether it wants audio with mean 0 and variance 1.
        labels: Its outputs; None if ``other_files`` tell them.
        dropped_outputs: Rows of the published last layer that no label stands for.
        parameters: Their number.
        gflop_per_s: 10⁹ floating-point operations for a second of audio, counted on utterances of 10 s.
        word_error_rates: Published figures; empty where none could be traced to its source.
        weights: The network's file.
        other_files: What else belongs to it, its language model apart.
        language_model: The n-gram model to go with it, or None to search on the sound alone.
    """

    key: str
    name: str
    language: str
    licence: str
    speech: str
    hardware: str
    kind: str
    architecture: str
    network: Any
    is_audio_normalised: bool
    labels: Labels | None
    dropped_outputs: tuple[int, ...]
    parameters: int
    gflop_per_s: float
    word_error_rates: tuple[PublishedRate, ...]
    weights: CatalogueFile
    other_files: tuple[CatalogueFile, ...]
    language_model: LanguageModelEntry | None

    @property
    def files(self) -> tuple[CatalogueFile, ...]:
        """All files to download."""
        return (self.weights, *self.other_files, *([self.language_model.file] if self.language_model else []))

    @property
    def is_transducer(self) -> bool:
        """Whether it hears utterances grow and searches without a language model."""
        return ARCHITECTURES[self.architecture].is_transducer

    @property
    def size_bytes(self) -> int | None:
        """What has to be downloaded, or None as long as only the server knows."""
        sizes = [file.size_bytes for file in self.files]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    @property
    def memory_mb(self) -> int:
        """10⁶ bytes of the network in memory, in float32; the language model comes on top."""
        return round(self.parameters * BYTES_PER_PARAMETER / 1e6)

    def with_language_model(self, language_model: LanguageModelEntry | None) -> CatalogueEntry:
        """The same network with another language model, or without any; ``CatalogueError`` if it can have none."""
        if self.is_transducer and language_model is not None:
            raise CatalogueError(f"{self.name} searches without a language model.", "Leave it out.")
        return replace(self, language_model=language_model)


@dataclass(frozen=True)
class Catalogue:
    """All there is to download."""

    models: tuple[CatalogueEntry, ...]
    language_models: tuple[LanguageModelEntry, ...]

    def model(self, key: str) -> CatalogueEntry:
        """The model of that key; ``CatalogueError`` if there is none."""
        return _by_key(self.models, key, "model")

    def language_model(self, key: str) -> LanguageModelEntry:
        """The language model of that key; ``CatalogueError`` if there is none."""
        return _by_key(self.language_models, key, "language model")


def read_catalogue() -> tuple[CatalogueEntry, ...]:
    """All models that can be downloaded, in the catalogue's order."""
    return shipped_catalogue().models


@cache
def shipped_catalogue() -> Catalogue:
    """The catalogue that came with the program; read once."""
    return load_catalogue(SHIPPED)


def load_catalogue(path: Path) -> Catalogue:
    """Read a catalogue file.

    Raises:
        CatalogueError: if it cannot be read, naming the key that is wrong.
    """
    try:
        return _catalogue(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, DictationError) as error:
        raise CatalogueError(f"The catalogue {path} cannot be used: {error}", "Use the one of this program.") from error


def _catalogue(table: Mapping[str, Any]) -> Catalogue:
    """Build all entries."""
    if table.get("format_version") != FORMAT_VERSION:
        raise ValueError(f"format_version must be {FORMAT_VERSION}, not {table.get('format_version')!r}")
    networks = {name: _network(entry, f"[network.{name}]") for name, entry in table.get("network", {}).items()}
    language_models = tuple(_language_model(entry) for entry in table.get("language_model", []))
    models = tuple(_model(entry, networks, language_models) for entry in table.get("model", []))
    return Catalogue(models, language_models)


@dataclass(frozen=True)
class _FileTable:
    """A file as the catalogue writes it; its table's name is the role."""

    url: str
    size_bytes: int = 0
    sha256: str = ""


@dataclass(frozen=True)
class _ModelTable:
    """The plain keys of a ``[[model]]``."""

    key: str
    name: str
    language: str
    licence: str
    speech: str
    hardware: str
    parameters: int
    gflop_per_s: float
    is_audio_normalised: bool = False
    dropped_outputs: tuple[int, ...] = ()
    kind: str = "torchaudio"


@dataclass(frozen=True)
class _LanguageModelTable:
    """The plain keys of a ``[[language_model]]``."""

    key: str
    name: str
    language: str
    licence: str
    remark: str = ""


def _network(table: Mapping[str, Any], where: str) -> tuple[str, Any]:
    """Read an architecture, wav2vec 2.0 if none is named, and its sizes."""
    kind = table.get("kind", "wav2vec2")
    if kind not in ARCHITECTURES:
        raise ValueError(f"{where}: kind {kind!r} is unknown")
    sizes = {key: value for key, value in table.items() if key != "kind"}
    return kind, read_table(ARCHITECTURES[kind].parameters, sizes, where)


def _model(
    table: Mapping[str, Any],
    networks: Mapping[str, tuple[str, Any]],
    language_models: tuple[LanguageModelEntry, ...],
) -> CatalogueEntry:
    """Build one model entry."""
    apart = {"network", "labels", "weights", "language_model", "word_error_rate", *_OTHER_ROLES}
    where = f"model {table.get('key')}"
    plain = read_table(_ModelTable, {key: value for key, value in table.items() if key not in apart}, where)
    if table.get("network") not in networks:
        raise ValueError(f"{where}: network {table.get('network')!r} is not described")
    key = table.get("language_model")
    architecture, network = networks[table["network"]]
    is_transducer = ARCHITECTURES[architecture].is_transducer
    return CatalogueEntry(
        **vars(plain),
        architecture=architecture,
        network=network,
        labels=None if is_transducer else Labels(tuple(table.get("labels", "")), BLANK, WORD_SEPARATOR),
        weights=_file("weights", table.get("weights"), where),
        other_files=tuple(_file(role, table.get(role), where) for role in _OTHER_ROLES if is_transducer),
        word_error_rates=tuple(read_table(PublishedRate, rate, where) for rate in table.get("word_error_rate", [])),
        language_model=_by_key(language_models, key, "language model") if key else None,
    )


def _language_model(table: Mapping[str, Any]) -> LanguageModelEntry:
    """Build one language-model entry."""
    where = f"language model {table.get('key')}"
    plain = read_table(_LanguageModelTable, {key: value for key, value in table.items() if key != "file"}, where)
    return LanguageModelEntry(**vars(plain), file=_file("language_model", table.get("file"), where))


def _file(role: str, table: object, where: str) -> CatalogueFile:
    """Build one file entry."""
    file = read_table(_FileTable, table, f"{where} [{role}]")
    return CatalogueFile(role, file.url, file.size_bytes or None, file.sha256 or None)


def _by_key(entries: tuple[_Entry, ...], key: str, what: str) -> _Entry:
    """Find an entry by its key."""
    for entry in entries:
        if entry.key == key:
            return entry
    raise CatalogueError(f"The catalogue has no {what} called {key!r}.")
