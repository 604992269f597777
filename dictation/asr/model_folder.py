"""A model folder: ``model.toml`` and the files it names. The format is described in docs/models.md.

Nothing here imports torch; opening a folder reads ``model.toml`` and the sizes of the files only.
"""

from __future__ import annotations

import hashlib
import logging
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from dictation.asr.labels import Labels
from dictation.asr.network import ARCHITECTURES
from dictation.asr.tables import read_table
from dictation.core.errors import ModelDamaged, ModelMissing
from dictation.core.records import SAMPLE_RATE_HZ
from dictation.core.status import ModelChoice

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FORMAT_VERSION = 1
DESCRIPTION_FILE = "model.toml"
REQUIRED_FILES = ("weights", "self_test_clip")
OPTIONAL_FILES = ("language_model", "unigrams")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FeatureParameters:
    """The front end, see ``features.LogMel``.

    Attributes:
        sample_rate_hz: Must be the app's 16 kHz.
        fft_size: Points of the Fourier transform.
        window_samples: Length of the Hann window.
        hop_samples: Samples per feature frame.
        mel_bins: Bands.
        low_hz: Lower edge of the lowest band.
        high_hz: Upper edge of the highest band.
        log_floor: Added to each band's power before the logarithm.
        deviation_floor: Added to the utterance's standard deviation before the division.
        peak: Audio is scaled to this peak first; 0 leaves it as it is.
        is_scaled: Whether the features are divided by their standard deviation.
    """

    sample_rate_hz: int
    fft_size: int
    window_samples: int
    hop_samples: int
    mel_bins: int
    low_hz: float
    high_hz: float
    log_floor: float
    deviation_floor: float
    peak: float
    is_scaled: bool = True

    def __post_init__(self) -> None:
        """Validate; ``ValueError`` says what is wrong."""
        if self.sample_rate_hz != SAMPLE_RATE_HZ:
            raise ValueError(f"sample_rate_hz must be {SAMPLE_RATE_HZ}")
        for name in ("window_samples", "hop_samples", "mel_bins", "log_floor", "deviation_floor"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive")
        if self.fft_size < self.window_samples:
            raise ValueError("fft_size must not be less than window_samples")
        if not 0 <= self.low_hz < self.high_hz <= self.sample_rate_hz / 2:
            raise ValueError("low_hz and high_hz must lie in order between 0 and half the sample rate")
        if not 0 <= self.peak <= 1:
            raise ValueError("peak must lie between 0 and 1")

    @property
    def shortest_samples(self) -> int:
        """The fewest samples the front end can reflect at its ends."""
        return self.fft_size // 2 + 1


@dataclass(frozen=True)
class DecodingParameters:
    """What a model asks of the search beyond the user's settings.

    Attributes:
        min_letter_confidence: Audio on which the network's letters are less sure than this is taken for noise and
            gives no words, see ``noise.letter_confidence``; 0 switches the rule off.
    """

    min_letter_confidence: float = 0.0

    def __post_init__(self) -> None:
        """Validate; ``ValueError`` says what is wrong."""
        if not 0 <= self.min_letter_confidence < 1:
            raise ValueError("min_letter_confidence must lie between 0 and 1")


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
    self_test_text: str


@dataclass(frozen=True)
class ModelFolder:
    """A model folder whose description is valid and whose files are there with the stated sizes.

    Attributes:
        path: The folder.
        name: What the user calls it.
        language: BCP 47 tag, for example ``en``.
        licence: Of the weights and of the language model, in words.
        self_test_text: What the self-test clip says.
        architecture: A key of ``network.ARCHITECTURES``.
        architecture_parameters: That architecture's parameters.
        features: The front end.
        labels: The network's outputs.
        decoding: What the model asks of the search.
        files: By role: ``weights``, ``self_test_clip`` and perhaps ``language_model``, ``unigrams``.
        word_error_rates: Measured figures; may be empty.
    """

    path: Path
    name: str
    language: str
    licence: str
    self_test_text: str
    architecture: str
    architecture_parameters: object
    features: FeatureParameters
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
    def frame_s(self) -> float:
        """Seconds per output frame."""
        hops = ARCHITECTURES[self.architecture].hops_per_frame
        return hops * self.features.hop_samples / self.features.sample_rate_hz

    def verify(self) -> None:
        """Compare each file's SHA-256 with the stated one.

        It is done at every load rather than cached: the starter's 25 MB take 25 ms.

        Raises:
            ModelDamaged: naming the first file that differs, or that cannot be read.
        """
        for file in self.files.values():
            digest = hashlib.sha256()
            try:
                with (self.path / file.name).open("rb") as stream:
                    while block := stream.read(1 << 20):
                        digest.update(block)
            except OSError as error:
                raise ModelDamaged(f"{file.name} of model {self.name} cannot be read: {error}.") from error
            if digest.hexdigest() != file.sha256:
                found, stated = digest.hexdigest()[:12], file.sha256[:12]
                raise ModelDamaged(
                    f"{file.name} of model {self.name} was altered: its SHA-256 begins {found}, not {stated}."
                )


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
    return ModelFolder(
        path=path,
        name=head.name,
        language=head.language,
        licence=head.licence,
        self_test_text=head.self_test_text,
        architecture=kind,
        architecture_parameters=parameters,
        features=read_table(FeatureParameters, _table(table, "features", where), f"{where} [features]"),
        labels=read_table(Labels, _table(table, "labels", where), f"{where} [labels]"),
        decoding=read_table(DecodingParameters, table.get("decoding", {}), f"{where} [decoding]"),
        files=_read_files(_table(table, "files", where), where),
        word_error_rates=tuple(read_table(WordErrorRate, rate, f"{where} [[word_error_rate]]") for rate in rates),
    )


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
