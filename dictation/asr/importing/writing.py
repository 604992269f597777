"""Write a model folder so that it is seen whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import tomli_w

from dictation.asr.decoding import DecodingParameters
from dictation.asr.front_end import FRONT_ENDS, FrontEndParameters
from dictation.asr.importing.job import ImportJob
from dictation.asr.labels import Labels
from dictation.asr.model_folder import DESCRIPTION_FILE, FORMAT_VERSION, ModelFile
from dictation.core.errors import ModelImportFailed

if TYPE_CHECKING:
    from torch import Size, Tensor

_PREFIX = ".importing-"
_STALE_S = 24 * 3600
_BLOCK_BYTES = 1 << 22


@dataclass(frozen=True)
class Description:
    """What ``model.toml`` says of an imported model, its files apart.

    Attributes:
        name: What the user calls it.
        language: BCP 47 tag; ``und`` if the source does not say.
        licence: In words.
        architecture: A key of ``network.ARCHITECTURES``.
        parameters: That architecture's parameters, a dataclass.
        features: The front end.
        labels: The network's outputs.
        decoding: What the model asks of the search.
    """

    name: str
    language: str
    licence: str
    architecture: str
    parameters: Any
    features: FrontEndParameters
    labels: Labels
    decoding: DecodingParameters = field(default_factory=DecodingParameters)


@contextmanager
def staging(models_folder: Path, name: str, needed_bytes: int) -> Iterator[Path]:
    """Give a folder that nobody sees; when the block ends without an error it becomes the model folder ``name``.

    Raises:
        ModelImportFailed: if there is no room, the folder cannot be written, or a model of that name is there.
    """
    target = models_folder / folder_name(name)
    if target.exists():
        raise ModelImportFailed(target, "is already there", "Remove that model first, or rename what you import.")
    with hidden_folder(models_folder, needed_bytes) as hidden:
        (hidden / "model").mkdir()
        yield hidden / "model"
        (hidden / "model").rename(target)


@contextmanager
def hidden_folder(models_folder: Path, needed_bytes: int) -> Iterator[Path]:
    """Give an empty folder inside ``models_folder`` that is gone afterwards.

    Models are looked for one level below ``models_folder``, so nothing two levels below is ever taken for one. What
    a power cut left behind goes after a day.

    Raises:
        ModelImportFailed: if there is no room, or the folder cannot be written.
    """
    try:
        models_folder.mkdir(parents=True, exist_ok=True)
        _remove_stale(models_folder)
        free_bytes = shutil.disk_usage(models_folder).free
        if needed_bytes > free_bytes:
            needs = f"{needed_bytes / 1e6:.0f} MB are needed, {free_bytes / 1e6:.0f} MB are free"
            raise ModelImportFailed(models_folder, needs, "Free some space on that disk and try again.")
        hidden = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=models_folder))
        try:
            yield hidden
        finally:
            shutil.rmtree(hidden, ignore_errors=True)
    except OSError as error:
        raise ModelImportFailed(models_folder, f"importing into it failed ({error})") from error


def folder_name(name: str) -> str:
    """A model's name as a folder's: letters, digits, dots and hyphens, on any system."""
    plain = re.sub(r"[^\w.-]+", "-", name).strip("-.")
    return plain or "model"


def _remove_stale(models_folder: Path) -> None:
    for path in models_folder.glob(f"{_PREFIX}*"):
        with contextlib.suppress(FileNotFoundError):  # another import has just ended
            if time.time() - path.stat().st_mtime > _STALE_S:
                shutil.rmtree(path, ignore_errors=True)


class HashingWriter:
    """A file that is hashed while it is written, with progress by bytes; see ``hashing_writer``."""

    def __init__(self, stream: BinaryIO, name: str, total_bytes: int, job: ImportJob) -> None:
        self._stream = stream
        self._name = name
        self._total_bytes = max(1, total_bytes)
        self._job = job
        self._digest = hashlib.sha256()
        self._size_bytes = 0

    def write(self, data: bytes | memoryview) -> None:
        """Append; raises ``ImportCancelled`` between blocks if the job says so."""
        view = memoryview(data).cast("B")
        for start in range(0, len(view), _BLOCK_BYTES):
            block = view[start : start + _BLOCK_BYTES]
            self._stream.write(block)
            self._digest.update(block)
            self._size_bytes += len(block)
            self._job.checkpoint(self._size_bytes / self._total_bytes)

    def entry(self) -> ModelFile:
        """The file as ``model.toml`` states it, once all is written."""
        return ModelFile(self._name, self._size_bytes, self._digest.hexdigest())


@contextmanager
def hashing_writer(path: Path, total_bytes: int, job: ImportJob) -> Iterator[HashingWriter]:
    """Open a new file for a ``HashingWriter`` that expects ``total_bytes``."""
    with path.open("wb") as stream:
        yield HashingWriter(stream, path.name, total_bytes, job)


def copy_file(source: Path, target: Path, job: ImportJob) -> ModelFile:
    """Copy a file; ``OSError`` says which side failed."""
    with source.open("rb") as stream, hashing_writer(target, source.stat().st_size, job) as writer:
        while block := stream.read(_BLOCK_BYTES):
            writer.write(block)
    return writer.entry()


def write_lines(lines: Iterable[str], target: Path) -> ModelFile:
    """Write a list of words, one per line."""
    data = "".join(f"{line}\n" for line in lines).encode()
    with hashing_writer(target, len(data), ImportJob(lambda _: None, lambda: False)) as writer:
        writer.write(data)
    return writer.entry()


def write_tensors(
    shapes: Mapping[str, Size], read: Callable[[str, Size], Tensor], target: Path, job: ImportJob
) -> ModelFile:
    """Write float32 tensors one after the other in the safetensors format; only one is in memory at a time.

    The format: eight bytes with the header's length (little-endian), the header as JSON, the data
    (https://huggingface.co/docs/safetensors, "Format").
    """
    header: dict[str, Any] = {}
    offset = 0
    for name, shape in shapes.items():
        size_bytes = shape.numel() * 4
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [offset, offset + size_bytes]}
        offset += size_bytes
    encoded = json.dumps(header, separators=(",", ":")).encode()
    encoded += b" " * (-len(encoded) % 8)  # the data starts aligned
    with hashing_writer(target, offset, job) as writer:
        writer.write(len(encoded).to_bytes(8, "little") + encoded)
        for name, shape in shapes.items():
            writer.write(read(name, shape).numpy().data)
    return writer.entry()


def write_description(folder: Path, description: Description, files: Mapping[str, ModelFile]) -> None:
    """Write ``model.toml``; without a known clip for its language, the model has no self-test."""
    kind = next(kind for kind, parameters in FRONT_ENDS.items() if isinstance(description.features, parameters))
    table = {
        "format_version": FORMAT_VERSION,
        "name": description.name,
        "language": description.language,
        "licence": description.licence,
        "architecture": {"kind": description.architecture, **asdict(description.parameters)},
        "features": {"kind": kind, **asdict(description.features)},
        "labels": asdict(description.labels),
        "decoding": asdict(description.decoding),
        "files": {role: asdict(file) for role, file in files.items()},
    }
    (folder / DESCRIPTION_FILE).write_text(tomli_w.dumps(table), encoding="utf-8")
