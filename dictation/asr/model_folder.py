"""A model folder: ``model.toml`` and the files it names. The format is described in docs/models.md.

Nothing here imports torch; opening a folder reads ``model.toml`` and the sizes of the files only.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from dictation.asr.decoding import LEXICON, TRANSDUCER, DecodingParameters
from dictation.asr.front_end import FRONT_ENDS, FrontEndParameters
from dictation.asr.labels import Labels
from dictation.asr.network import ARCHITECTURES, FrameGrid
from dictation.asr.tables import read_table
from dictation.asr.transducer.parameters import GlobalMelParameters
from dictation.core.errors import ModelDamaged, ModelMissing
from dictation.core.file_hash import file_sha256
from dictation.core.status import ModelChoice

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FORMAT_VERSION = 1
DESCRIPTION_FILE = "model.toml"
REQUIRED_FILES = ("weights",)
OPTIONAL_FILES = (
    "self_test_clip", "language_model", "unigrams", "lexicon", "letter_sounds", "external_weights", "licences",
)  # fmt: skip

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelFile:
    """One file of the folder with its stated size and SHA-256 (hexadecimal)."""

    name: str
    size_bytes: int
    sha256: str

    def __post_init__(self) -> None:
        """Validate; ``ValueError`` says what is wrong."""
        if not self.name or Path(self.name).name != self.name or self.name in {".", ".."}:
            raise ValueError(f"name {self.name!r} must be a plain file name")
        if not re.fullmatch("[0-9a-f]{64}", self.sha256):
            raise ValueError("sha256 must be 64 lower-case hexadecimal digits")


@dataclass(frozen=True)
class WordErrorRate:
    """A measured figure: which recordings, with what settings, and the word error rate in per cent."""

    measured_on: str
    conditions: str
    greedy_percent: float
    with_lm_percent: float


@dataclass(frozen=True)
class _Head:
    """The keys of model.toml outside any table."""

    format_version: int
    name: str
    language: str
    licence: str
    self_test_text: str = ""


@dataclass(frozen=True)
class ModelFolder:
    """A model folder whose description is valid and whose files are there with the stated sizes.

    Attributes:
        path: The folder.
        name: What the user calls it.
        language: BCP 47 tag, for example ``en``.
        licence: Of the weights and of the language model, in words.
        self_test_text: What the self-test clip says; empty if there is none.
        architecture: A key of ``network.ARCHITECTURES``.
        architecture_parameters: That architecture's parameters.
        features: The front end; one of ``front_end.FRONT_ENDS``.
        labels: The network's outputs.
        decoding: What the model asks of the search.
        files: By role: ``weights`` and perhaps some of ``OPTIONAL_FILES``.
        word_error_rates: Measured figures; may be empty.
    """

    path: Path
    name: str
    language: str
    licence: str
    self_test_text: str
    architecture: str
    architecture_parameters: object
    features: FrontEndParameters
    labels: Labels
    decoding: DecodingParameters
    files: Mapping[str, ModelFile]
    word_error_rates: tuple[WordErrorRate, ...]

    def choice(self) -> ModelChoice:
        """The folder as the picker shows it."""
        size_bytes = sum(file.size_bytes for file in self.files.values())
        return ModelChoice(self.name, str(self.path), self.language, self.licence, size_bytes)

    def file(self, role: str) -> Path | None:
        """Path of the file in that role, or None if the model has none."""
        return self.path / self.files[role].name if role in self.files else None

    def required_file(self, role: str) -> Path:
        """Path of the file in one of ``REQUIRED_FILES``."""
        return self.path / self.files[role].name

    @property
    def frames(self) -> FrameGrid:
        """Where the network's output frames lie."""
        return ARCHITECTURES[self.architecture].frames(self.architecture_parameters)

    @property
    def is_for_cpu_only(self) -> bool:
        """Whether the network is run on no GPU."""
        kind = ARCHITECTURES[self.architecture]
        return kind.is_program or kind.is_transducer

    @property
    def shortest_samples(self) -> int:
        """The fewest samples that give one output frame."""
        return max(self.features.shortest_samples, self.frames.fewest_hops * self.features.hop_samples)

    @property
    def hop_s(self) -> float:
        """Seconds from one hop of the front end to the next."""
        return self.features.hop_samples / self.features.sample_rate_hz

    @property
    def frame_s(self) -> float:
        """Seconds from one output frame to the next."""
        return self.frames.hops_per_frame * self.hop_s

    @property
    def first_frame_s(self) -> float:
        """Where the middle of the first output frame lies, in seconds."""
        return self.frames.first_middle_hops * self.hop_s

    def verify(self) -> None:
        """Compare each file's SHA-256 with the stated one.

        It is done at every load rather than cached: the starter's 25 MB take 25 ms.

        Raises:
            ModelDamaged: naming the first file that differs, or that cannot be read.
        """
        for file in self.files.values():
            try:
                found = file_sha256(self.path / file.name)
            except OSError as error:
                raise ModelDamaged(f"{file.name} of model {self.name} cannot be read: {error}.") from error
            if found != file.sha256:
                begins = f"its SHA-256 begins {found[:12]}, not {file.sha256[:12]}"
                raise ModelDamaged(f"{file.name} of model {self.name} was altered: {begins}.")


def open_model_folder(path: Path) -> ModelFolder:
    """Read and validate ``model.toml``, and check that its files are there with the stated sizes.

    Raises:
        ModelMissing: if there is no folder or no ``model.toml`` in it.
        ModelDamaged: naming the key or file that is wrong, and why.
    """
    description = path / DESCRIPTION_FILE
    if not description.is_file():
        raise ModelMissing(f"There is no model in {path}: {DESCRIPTION_FILE} is missing.")
    try:
        table = tomllib.loads(description.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ModelDamaged(f"{description} is not valid TOML: {error}.") from error
    except OSError as error:
        raise ModelDamaged(f"{description} cannot be read: {error}.") from error
    folder = _read_description(path, table, f"{description}")
    _check_sizes(folder)
    return folder


def find_models(extra: Path | None = None) -> list[ModelFolder]:
    """Find every usable model: ``extra`` first, then ``models/`` beside the program, then the user's data folder.

    A damaged folder among others is left out with a line in the log. No model at all gives an empty list.

    Raises:
        ModelMissing, ModelDamaged: if ``extra`` is unusable; the user asked for that one.
        ModelDamaged: if a damaged folder is all there is; to say "no model" would mislead.
    """
    found = [open_model_folder(extra)] if extra is not None else []
    problem: ModelDamaged | None = None
    for description in _descriptions():
        if extra is not None and description.parent.resolve() == extra.resolve():
            continue
        try:
            found.append(open_model_folder(description.parent))
        except ModelDamaged as error:
            _log.warning("Model left out: %s", error)
            problem = problem or error
    if problem is not None and not found:
        raise problem
    return found


def model_roots() -> tuple[Path, ...]:
    """The folders that are searched for model folders, first one first."""
    beside_program = Path(__file__).resolve().parents[2] / "models"
    return beside_program, platformdirs.user_data_path("dictation", appauthor=False) / "models"


def _descriptions() -> list[Path]:
    """Every model.toml one level below the roots, in a stable order."""
    return [path for root in model_roots() for path in sorted(root.glob(f"*/{DESCRIPTION_FILE}"))]


def _read_description(path: Path, table: Mapping[str, Any], where: str) -> ModelFolder:
    """Turn the parsed TOML into records, strictly."""
    if table.get("format_version") != FORMAT_VERSION:
        version = table.get("format_version")
        raise ModelDamaged(f"{where}: format_version must be {FORMAT_VERSION}, not {version!r}.")
    tables = {"architecture", "features", "labels", "decoding", "files", "word_error_rate"}
    head = read_table(_Head, {key: value for key, value in table.items() if key not in tables}, where)
    kind, parameters = _read_architecture(_table(table, "architecture", where), where)
    rates = table.get("word_error_rate", [])
    if not isinstance(rates, list):
        raise ModelDamaged(f"{where} word_error_rate must be a list of tables.")
    labels = read_table(Labels, _table(table, "labels", where), f"{where} [labels]")
    decoding = read_table(DecodingParameters, table.get("decoding", {}), f"{where} [decoding]")
    files = _read_files(_table(table, "files", where), where)
    _check_self_test(head, files, where)
    features = _read_features(_table(table, "features", where), f"{where} [features]")
    _check_transducer(kind, decoding, features, labels, files, where)
    _check_decoding(decoding, labels, files, where)
    return ModelFolder(
        path=path,
        name=head.name,
        language=head.language,
        licence=head.licence,
        self_test_text=head.self_test_text,
        architecture=kind,
        architecture_parameters=parameters,
        features=features,
        labels=labels,
        decoding=decoding,
        files=files,
        word_error_rates=tuple(read_table(WordErrorRate, rate, f"{where} [[word_error_rate]]") for rate in rates),
    )


def _check_decoding(decoding: DecodingParameters, labels: Labels, files: Mapping[str, ModelFile], where: str) -> None:
    """Refuse a description that lacks what its kind of decoding needs."""
    if decoding.kind == LEXICON:
        if "lexicon" not in files:
            raise ModelDamaged(f"{where} [decoding] kind is {LEXICON!r}, but the table [files.lexicon] is missing.")
        for name in ("word_separator", "word_start"):
            if getattr(labels, name):
                raise ModelDamaged(f"{where} [labels] {name} must be empty, as [decoding] kind is {LEXICON!r}.")
    elif not labels.word_separator and not labels.word_start:
        raise ModelDamaged(f"{where} [labels] word_separator is empty, but [decoding] kind is {decoding.kind!r}.")


def _check_transducer(
    architecture: str,
    decoding: DecodingParameters,
    features: FrontEndParameters,
    labels: Labels,
    files: Mapping[str, ModelFile],
    where: str,
) -> None:
    """Refuse a description in which a transducer is combined with what belongs to CTC, or the other way round."""
    is_transducer = ARCHITECTURES[architecture].is_transducer
    if is_transducer != (decoding.kind == TRANSDUCER):
        raise ModelDamaged(
            f"{where} [architecture] kind {architecture!r} and [decoding] kind {decoding.kind!r} exclude each other."
        )
    if is_transducer != isinstance(features, GlobalMelParameters):
        raise ModelDamaged(f"{where} [features] are of a kind that [architecture] kind {architecture!r} cannot read.")
    if not is_transducer:
        return
    if not labels.word_start:
        raise ModelDamaged(f"{where} [labels] word_start is empty, but [decoding] kind is {TRANSDUCER!r}.")
    for role in ("language_model", "unigrams", "lexicon", "letter_sounds"):
        if role in files:
            raise ModelDamaged(f"{where} has the table [files.{role}], which a transducer has no use for.")


def _check_self_test(head: _Head, files: Mapping[str, ModelFile], where: str) -> None:
    """A clip without its text is as useless as a text without its clip."""
    if bool(head.self_test_text) != ("self_test_clip" in files):
        raise ModelDamaged(f"{where}: self_test_text and [files.self_test_clip] go together, but one is missing.")


def _table(table: Mapping[str, Any], name: str, where: str) -> Mapping[str, Any]:
    """Return a required table."""
    value = table.get(name)
    if not isinstance(value, Mapping):
        raise ModelDamaged(f"{where} lacks the table [{name}].")
    return value


def _read_architecture(table: Mapping[str, Any], where: str) -> tuple[str, object]:
    """Read the kind and that kind's parameters."""
    kind = table.get("kind")
    if not isinstance(kind, str) or kind not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise ModelDamaged(
            f"{where} [architecture] kind {kind!r} is unknown to this version (known: {known}).",
            "Use a newer version of this program, or another model.",
        )
    parameters = {key: value for key, value in table.items() if key != "kind"}
    return kind, read_table(ARCHITECTURES[kind].parameters, parameters, f"{where} [architecture]")


def _read_features(table: Mapping[str, Any], where: str) -> FrontEndParameters:
    """Read the kind, log-mel if none is given, and that kind's parameters."""
    kind = table.get("kind", "log-mel")
    if not isinstance(kind, str) or kind not in FRONT_ENDS:
        raise ModelDamaged(
            f"{where} kind {kind!r} is unknown to this version (known: {', '.join(FRONT_ENDS)}).",
            "Use a newer version of this program, or another model.",
        )
    parameters: FrontEndParameters = read_table(
        FRONT_ENDS[kind], {key: value for key, value in table.items() if key != "kind"}, where
    )
    return parameters


def _read_files(table: Mapping[str, Any], where: str) -> dict[str, ModelFile]:
    """Read the files by role."""
    for role in REQUIRED_FILES:
        if role not in table:
            raise ModelDamaged(f"{where} lacks the table [files.{role}].")
    for role in table:
        if role not in REQUIRED_FILES + OPTIONAL_FILES:
            raise ModelDamaged(f"{where} has the unknown table [files.{role}].")
    return {role: read_table(ModelFile, entry, f"{where} [files.{role}]") for role, entry in table.items()}


def _check_sizes(folder: ModelFolder) -> None:
    """Find absent and truncated files without reading them."""
    for file in folder.files.values():
        path = folder.path / file.name
        if not path.is_file():
            raise ModelDamaged(f"Model {folder.name} lacks its file {file.name}.")
        size_bytes = path.stat().st_size
        if size_bytes != file.size_bytes:
            raise ModelDamaged(
                f"{file.name} of model {folder.name} has {size_bytes} bytes instead of {file.size_bytes}."
            )
