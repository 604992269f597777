"""Read tensors as others store them, and give them the names and shapes of our own network.

Nothing is executed: PyTorch's pickles are read with ``weights_only=True``, which knows tensors and plain containers.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from dictation.asr.importing.job import ImportJob
from dictation.asr.importing.writing import Description, write_tensors
from dictation.asr.model_folder import ModelFile
from dictation.asr.network import ARCHITECTURES
from dictation.asr.unfilled import unfilled
from dictation.core.errors import ModelImportFailed

SAFETENSORS, PICKLE = "model.safetensors", "pytorch_model.bin"
_POSITION_WEIGHT = "pos_conv_embed.conv.weight"
_NORMALISED = (  # direction and length, as older and newer PyTorch name them
    ("weight_v", "weight_g"),
    ("parametrizations.weight.original1", "parametrizations.weight.original0"),
)


@dataclass(frozen=True)
class StoredTensor:
    """A tensor that is not read yet: the file that holds it, and how to read it."""

    path: Path
    read: Callable[[], Tensor]


TensorStore = Mapping[str, StoredTensor]


def find_tensors(folder: Path) -> TensorStore:
    """Find all tensors of a Hugging Face folder: safetensors, else a PyTorch pickle, in one file or several.

    Raises:
        ModelImportFailed: if there are none, or a file cannot be read without running code.
    """
    for name in (SAFETENSORS, PICKLE):
        index = folder / f"{name}.index.json"
        if (folder / name).is_file():
            return read_tensors(folder / name)
        if index.is_file():
            return _read_shards(index)
    raise ModelImportFailed(folder, f"holds neither {SAFETENSORS} nor {PICKLE}, nor an index of parts of one")


def read_tensors(path: Path) -> TensorStore:
    """List the tensors of one file; safetensors are read one by one later, a pickle at once.

    Raises:
        ModelImportFailed: if it is neither, is damaged, or would have to run code.
    """
    if path.suffix == ".safetensors":
        return dict(_safetensors(path))
    tensors = _unpickle(path)
    return {name: StoredTensor(path, partial(_same, tensor)) for name, tensor in tensors.items()}


def _same(tensor: Tensor) -> Tensor:
    """What is in memory already."""
    return tensor


def _safetensors(path: Path) -> Iterator[tuple[str, StoredTensor]]:
    try:
        stream = safe_open(path, framework="pt")
        names = list(stream.keys())  # type: ignore[no-untyped-call]
    except (SafetensorError, OSError) as error:
        raise ModelImportFailed(path, f"is not a whole safetensors file ({error})") from error
    for name in names:
        yield name, StoredTensor(path, partial(stream.get_tensor, name))


def _unpickle(path: Path) -> dict[str, Tensor]:
    """Read a PyTorch file; anything in it but tensors in plain containers is refused, not run."""
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        why = "holds more than tensors: reading it would run code from the file, so it is refused"
        raise ModelImportFailed(path, why, "Ask for this model as safetensors.") from error
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, IndexError, AttributeError) as error:
        raise ModelImportFailed(path, f"is not a whole PyTorch file ({error})") from error
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        raise ModelImportFailed(path, "does not hold a table of named tensors")
    return {str(name): tensor for name, tensor in content.items()}


def _read_shards(index: Path) -> TensorStore:
    """Join the files that an index names."""
    try:
        placed = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
        files = {name: str(file) for name, file in placed.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelImportFailed(index, "is not a readable index of weights") from error
    store: dict[str, StoredTensor] = {}
    for file in sorted(set(files.values())):
        path = index.parent / file
        if Path(file).name != file or not path.is_file():
            raise ModelImportFailed(path, f"is not there, though {index.name} names it")
        store.update(read_tensors(path))
    for name, file in files.items():
        if name not in store:
            raise ModelImportFailed(index.parent / file, f"lacks the tensor {name!r}, which {index.name} places there")
    return store


class TensorSource:
    """Gives each tensor of our network from a store that names them otherwise.

    Args:
        store: What there is.
        rename: Our name to theirs.
        where: The file or folder to name where a tensor is missing.
        outputs: The rows of the last layer that are kept, or None for all.
    """

    def __init__(
        self, store: TensorStore, rename: Callable[[str], str], where: Path, outputs: tuple[int, ...] | None = None
    ) -> None:
        self._store = store
        self._rename = rename
        self._where = where
        self._outputs = outputs
        self._used: set[str] = set()

    def read(self, name: str, shape: torch.Size) -> Tensor:
        """The tensor by our name, in float32 and contiguous.

        Raises:
            ModelImportFailed: if it is missing, has another shape, or holds no numbers of that kind.
        """
        if name.endswith(_POSITION_WEIGHT):
            tensor = self._position_weight(self._rename(name))
        elif ".attention.in_proj_" in name:
            parts = [self._rename(name.replace("attention.in_proj_", f"{part}_proj.")) for part in "qkv"]
            if self._rename(name) in self._store:
                parts = [self._rename(name)]
            tensor = torch.cat([self._take(part) for part in parts])
        else:
            tensor = self._take(self._rename(name))
        if name.startswith("aux.") and self._outputs is not None and max(self._outputs) < len(tensor):
            tensor = tensor[list(self._outputs)]
        if tensor.shape != shape:
            raise ModelImportFailed(
                self._path(self._rename(name)),
                f"{self._rename(name)!r} has shape {tuple(tensor.shape)}, the configuration asks for {tuple(shape)}",
            )
        if not tensor.isfinite().all():
            raise ModelImportFailed(self._path(self._rename(name)), f"{self._rename(name)!r} holds infinite numbers")
        return tensor.contiguous()

    def refuse_leftovers(self, ignored: frozenset[str]) -> None:
        """Raise ``ModelImportFailed`` if there is a tensor that was not asked for and is not ``ignored``."""
        for name in self._store:
            if name not in self._used and name not in ignored:
                raise ModelImportFailed(
                    self._path(name), f"holds the tensor {name!r}, which such a network does not have"
                )

    def _position_weight(self, name: str) -> Tensor:
        """The convolution's weight, put together if it is stored normalised.

        Salimans and Kingma 2016, "Weight normalization" (arXiv:1602.07868), over each position of the kernel:
        direction v of shape (d, d / groups, k), length g of shape (1, 1, k).
        """
        stem = name.removesuffix("weight")
        for direction, length in _NORMALISED:
            if stem + direction in self._store:
                v, g = self._take(stem + direction), self._take(stem + length)
                weight: Tensor = v * (g / torch.linalg.vector_norm(v, dim=(0, 1), keepdim=True))
                return weight
        return self._take(name)

    def _take(self, name: str) -> Tensor:
        if name not in self._store:
            raise ModelImportFailed(self._where, f"lacks the tensor {name!r}, which its configuration asks for")
        self._used.add(name)
        tensor = self._store[name].read()
        if not tensor.is_floating_point():
            raise ModelImportFailed(
                self._path(name), f"{name!r} is {tensor.dtype}: quantised weights are not supported"
            )
        return tensor.to(torch.float32)

    def _path(self, name: str) -> Path:
        return self._store[name].path if name in self._store else self._where


def network_shapes(description: Description) -> dict[str, torch.Size]:
    """The tensors of our network, without memory for them."""
    architecture = ARCHITECTURES[description.architecture]
    with torch.device("meta"), unfilled():
        network = architecture.build(description.parameters, description.features.width, len(description.labels))
    return {name: tensor.shape for name, tensor in network.state_dict().items()}


def weights_bytes(description: Description) -> int:
    """The size of the weights file, its header apart."""
    return sum(shape.numel() * 4 for shape in network_shapes(description).values())


def convert_weights(source: TensorSource, description: Description, folder: Path, job: ImportJob) -> ModelFile:
    """Write the weights of our network, tensor by tensor."""
    return write_tensors(network_shapes(description), source.read, folder / "weights.safetensors", job)
