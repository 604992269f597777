"""CTC networks in ONNX files, run by onnxruntime on the CPU. The only file that imports onnxruntime, an optional extra.

The network takes features (batch, mel, time) or (batch, time, mel) and their lengths in hops, and gives the outputs'
scores (batch, frames, outputs): so NeMo and icefall export theirs for sherpa-onnx.

From version 1.29 on, onnxruntime's builds report to Microsoft what they run; older ones for Windows hand such events to
the system. pyproject.toml asks for an older version, and both are switched off here, should another be installed.

Shapes: b batch, t hops, m mel bins, n output frames.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from dictation.asr.onnx_file import OnnxFile, leaves_folder, read_onnx_file
from dictation.core.errors import ModelDamaged, OnnxRuntimeMissing

if TYPE_CHECKING:
    from dictation.asr.onnx_parameters import OnnxCtcParameters

_NO_REPORTS = "ORT_DISABLE_TELEMETRY"
"""With this in the environment nothing is sent, stored or looked up (onnxruntime's Privacy.md)."""
_ERRORS_ONLY = 3
_NUMBER, _LENGTH = "tensor(float)", "tensor(int64)"
_DIMENSIONS = 3
_FULL = ("Failed to allocate memory", "bad_alloc", "bad allocation")
"""How onnxruntime words that there is no memory left."""


class OnnxCtc(nn.Module):
    """Maps features to the scores of the labels, logits or log-probabilities, like the networks in torch.

    It has no parameters of its own and computes on the CPU wherever it is put. Thread: whichever one, but only one at a
    time.
    """

    def __init__(self, parameters: OnnxCtcParameters, label_count: int) -> None:
        super().__init__()
        self._label_count = label_count
        self._is_mel_first = parameters.layout == "mel-time"
        self._silent = parameters.silent_outputs
        self._session: Any = None

    def open(self, path: Path) -> None:
        """Load the file, with as many threads as torch has; takes seconds for a large one.

        Raises:
            OnnxRuntimeMissing: if onnxruntime is not installed.
            ModelDamaged: if the file is no ONNX network, wants other inputs than features and their lengths, or wants
                files outside its folder.
        """
        onnxruntime = import_onnxruntime()
        read_checked(path)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.inter_op_num_threads = 1
        options.enable_mem_pattern = False  # one would be kept for each length ever heard
        options.log_severity_level = _ERRORS_ONLY
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads leave the CPU to others
        try:
            session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has fifteen classes of errors without a common base
            raise ModelDamaged(f"{path.name} is no network that onnxruntime can run: {_words(error)}.") from error
        inputs, output = session.get_inputs(), session.get_outputs()[0]
        if [one.type for one in inputs] != [_NUMBER, _LENGTH] or len(inputs[0].shape) != _DIMENSIONS:
            found = ", ".join(f"{one.name}: {one.type} {one.shape}" for one in inputs)
            raise ModelDamaged(f"{path.name} does not take features and their lengths alone, but {found}.")
        if output.type != _NUMBER or len(output.shape) not in {0, _DIMENSIONS}:
            raise ModelDamaged(f"{path.name} does not give scores per frame, but {output.type} {output.shape}.")
        self._session = session

    @property
    def mel_bins(self) -> int | None:
        """Features per hop that an opened network wants; None if the file leaves that open."""
        size = self._session.get_inputs()[0].shape[1 if self._is_mel_first else 2]
        return size if isinstance(size, int) else None

    def forward(self, features: Tensor) -> Tensor:
        """Map features (b, t, m) of equal length to scores (b, n, labels).

        Raises:
            ModelDamaged: if there is another number of outputs than of labels.
            MemoryError: if there is no memory left.
            RuntimeError: if the network cannot compute these.
        """
        scores = self.scores(features)
        outputs = scores.shape[2]
        if outputs != self._label_count + len(self._silent):
            raise ModelDamaged(f"The network has {outputs} outputs, but {self._label_count} labels.")
        return scores[:, :, [output for output in range(outputs) if output not in self._silent]]

    def scores(self, features: Tensor) -> Tensor:
        """Map features (b, t, m) to the scores of all outputs (b, n, outputs); raises as ``forward`` does."""
        batch, hops, _ = features.shape
        given = features.transpose(1, 2) if self._is_mel_first else features
        (sound, lengths), output = self._session.get_inputs(), self._session.get_outputs()[0]
        feeds = {
            sound.name: given.float().contiguous().numpy(),
            lengths.name: torch.full((batch,), hops, dtype=torch.int64).numpy(),
        }
        try:
            (scores,) = self._session.run([output.name], feeds)
        except Exception as error:  # as above
            if any(mark in str(error) for mark in _FULL):
                raise MemoryError(_words(error)) from error
            raise RuntimeError(f"the ONNX network failed: {_words(error)}") from error
        return torch.from_numpy(scores)


def read_checked(path: Path) -> OnnxFile:
    """Read what the file says of itself.

    Raises:
        ModelDamaged: if it is no ONNX file, or wants files outside its folder.
    """
    try:
        found = read_onnx_file(path)
    except (ValueError, OSError) as error:
        raise ModelDamaged(f"{path.name} {error}.") from error
    for location in sorted(found.external):
        if leaves_folder(location):
            raise ModelDamaged(f"{path.name} wants its weights from {location!r}, which is no file beside it.")
        if not (path.parent / location).is_file():
            raise ModelDamaged(f"{path.name} wants its weights from {location!r}, which is missing.")
    return found


def import_onnxruntime() -> Any:
    """Import it with its reports switched off, before its first import; raises ``OnnxRuntimeMissing``."""
    os.environ[_NO_REPORTS] = "1"
    try:
        import onnxruntime
    except ImportError as error:
        raise OnnxRuntimeMissing("ONNX networks need onnxruntime, which is not installed.") from error
    onnxruntime.disable_telemetry_events()
    return onnxruntime


def _words(error: Exception) -> str:
    """Its last sentence that is about the file, on one line, without a full stop."""
    return " ".join(str(error).split())[-300:].rstrip(".")
