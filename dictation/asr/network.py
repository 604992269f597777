"""Which network architectures there are, and how one is built and filled with weights.

A model folder names its architecture and gives the parameters; a further model of a known kind therefore needs
no code. Torch is imported only when a network is built.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from dictation.asr.onnx_parameters import OnnxCtcParameters
from dictation.asr.transducer.parameters import EmformerRnntParameters
from dictation.asr.wav2vec2_parameters import Wav2Vec2Parameters, WavLmParameters
from dictation.core.errors import ModelDamaged

if TYPE_CHECKING:
    from torch import nn

HOPS_PER_TANDEM_FRAME = 3
"""30 ms: about twelve phones a second need no finer steps."""


@dataclass(frozen=True, kw_only=True)
class EncoderParameters:
    """Sizes of a Conformer encoder; see ``conformer.py``.

    Attributes:
        width: Features per frame inside the encoder.
        heads: Attention heads; divides ``width``.
        ffn_width: Hidden features of the feed-forward modules.
        layers: Conformer layers.
        kernel_size: Frames seen by the depthwise convolution; odd.
    """

    width: int
    heads: int
    ffn_width: int
    layers: int
    kernel_size: int

    def __post_init__(self) -> None:
        """Validate; ``ValueError`` says what is wrong."""
        for item in fields(self):
            if getattr(self, item.name) < 1:
                raise ValueError(f"{item.name} must be at least 1")
        if self.width % self.heads:
            raise ValueError(f"heads ({self.heads}) must divide width ({self.width})")
        if self.kernel_size % 2 == 0:
            raise ValueError("kernel_size must be odd")


@dataclass(frozen=True, kw_only=True)
class ConvConformerParameters(EncoderParameters):
    """A convolutional front before the encoder.

    Attributes:
        subsampling_channels: Channels of the two strided convolutions.
    """

    subsampling_channels: int


@dataclass(frozen=True, kw_only=True)
class TandemParameters(EncoderParameters):
    """A tied-state Gaussian model before the encoder; see ``tandem.py``.

    Attributes:
        codebooks: Sets of Gaussian densities, one per phone.
        densities: Densities per codebook and stream.
        tied_states: Mixtures over a codebook.
        posteriors: Classes that the tied states are pooled to.
    """

    codebooks: int
    densities: int
    tied_states: int
    posteriors: int


def _build_tandem(parameters: Any, mel_bins: int, label_count: int) -> nn.Module:
    """Import torch and build."""
    from dictation.asr.tandem import TandemConformer

    return TandemConformer(parameters, mel_bins, label_count)


def _build_conv_conformer(parameters: Any, mel_bins: int, label_count: int) -> nn.Module:
    """Import torch and build."""
    from dictation.asr.conformer import ConvConformer

    return ConvConformer(parameters, mel_bins, label_count)


def _build_wav2vec2(parameters: Any, _width: int, label_count: int) -> nn.Module:
    """Import torch and torchaudio (0.2 s more) and build."""
    from dictation.asr.wav2vec2 import Wav2Vec2Ctc

    return Wav2Vec2Ctc(parameters, label_count)


def _build_emformer_rnnt(parameters: Any, width: int, label_count: int) -> nn.Module:
    """Import torch and build."""
    from dictation.asr.transducer.network import EmformerRnnt

    return EmformerRnnt(parameters, width, label_count)


def _build_onnx_ctc(parameters: Any, _width: int, label_count: int) -> nn.Module:
    """Import torch and build; onnxruntime is imported when the network is opened."""
    from dictation.asr.onnx_network import OnnxCtc

    return OnnxCtc(parameters, label_count)


@dataclass(frozen=True)
class FrameGrid:
    """Where a network's output frames lie, counted in hops of the front end.

    Attributes:
        hops_per_frame: From one frame to the next.
        fewest_hops: Needed for one frame.
        first_middle_hops: From the start to the middle of what the first frame sees.
    """

    hops_per_frame: int
    fewest_hops: int = 1
    first_middle_hops: float = 0.0


def _waveform_grid(parameters: Wav2Vec2Parameters) -> FrameGrid:
    """Frames of convolutions without padding."""
    return FrameGrid(parameters.samples_per_frame, parameters.samples_seen, parameters.samples_seen / 2)


def _stacked_grid(parameters: EmformerRnntParameters) -> FrameGrid:
    """Frames of hops that are stacked, not seen through windows."""
    return FrameGrid(parameters.hops_per_frame, parameters.hops_per_frame, parameters.hops_per_frame / 2)


def _onnx_grid(parameters: OnnxCtcParameters) -> FrameGrid:
    """Frames as the importer found them."""
    return FrameGrid(parameters.hops_per_frame, parameters.fewest_hops, parameters.first_middle_hops)


@dataclass(frozen=True)
class Architecture:
    """A kind of network: the record its parameters are read into, and its builder.

    Attributes:
        parameters: A dataclass, read from ``[architecture.parameters]``.
        build: Called with those parameters, the features per hop and the number of labels; returns a module that maps
            features (batch, time, width), or waveforms (batch, time), to logits (batch, frames, labels); a transducer's
            is no such map, see ``transducer/network.py``.
        frames: Called with those parameters; says where the output frames lie.
        is_transducer: Whether its labels depend on those before, so that it needs decoding of its own kind.
        is_program: Whether the file of weights is the network itself, which its module's ``open`` reads and runs on the
            CPU.
    """

    parameters: type[Any]
    build: Callable[[Any, int, int], nn.Module]
    frames: Callable[[Any], FrameGrid]
    is_transducer: bool = False
    is_program: bool = False


ARCHITECTURES: Mapping[str, Architecture] = {
    "conv-conformer": Architecture(ConvConformerParameters, _build_conv_conformer, lambda _: FrameGrid(4)),
    "tandem-conformer": Architecture(TandemParameters, _build_tandem, lambda _: FrameGrid(HOPS_PER_TANDEM_FRAME)),
    "wav2vec2": Architecture(Wav2Vec2Parameters, _build_wav2vec2, _waveform_grid),
    "wavlm": Architecture(WavLmParameters, _build_wav2vec2, _waveform_grid),
    "onnx-ctc": Architecture(OnnxCtcParameters, _build_onnx_ctc, _onnx_grid, is_program=True),
    "emformer-rnnt": Architecture(EmformerRnntParameters, _build_emformer_rnnt, _stacked_grid, is_transducer=True),
}


def load_network(kind: str, parameters: object, width: int, label_count: int, weights: Path) -> nn.Module:
    """Build a network and fill it, in float32 on the CPU and in evaluation mode.

    Raises:
        ModelDamaged: if the file is no safetensors file, or its tensors do not fit the architecture; the first
            tensor that is missing, left over or of the wrong shape is named. Of an ONNX network: if it cannot be run.
        OnnxRuntimeMissing: if it is one, and what runs it is not installed.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from dictation.asr.unfilled import unfilled

    if ARCHITECTURES[kind].is_program:
        program: Any = ARCHITECTURES[kind].build(parameters, width, label_count)
        program.open(weights)
        return cast("nn.Module", program)
    with unfilled():
        network = ARCHITECTURES[kind].build(parameters, width, label_count)
    try:
        tensors = load_file(weights)
    except SafetensorError as error:
        raise ModelDamaged(f"{weights.name} is not a readable safetensors file: {error}.") from error
    wanted = network.state_dict()
    for name, tensor in wanted.items():
        if name not in tensors:
            raise ModelDamaged(f"{weights.name} lacks the tensor {name!r}.")
        if tensors[name].shape != tensor.shape:
            shapes = f"{tuple(tensors[name].shape)}, the architecture wants {tuple(tensor.shape)}"
            raise ModelDamaged(f"{weights.name}: {name!r} has shape {shapes}.")
    for name in tensors:
        if name not in wanted:
            raise ModelDamaged(f"{weights.name} holds the unexpected tensor {name!r}.")
    network.load_state_dict(tensors)  # converts stored float16 to the module's float32
    return network.eval()
