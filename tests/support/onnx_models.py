"""Small random CTC networks in ONNX files, as NeMo and icefall export theirs for sherpa-onnx."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

MEL_BINS = 80
PIECES = ("<unk>", "▁", "▁the", "▁t", "h", "e", "▁cat", "s", "a", "t", "▁on", "o", "n", "<blk>")
"""NeMo's order: the blank is the last."""
ICEFALL = ("<blk>", "<sos/eos>", "<unk>", "▁", "▁THE", "▁T", "H", "E", "▁CAT", "S", "A", "T", "▁ON", "O", "N")
NEMO_METADATA = {
    "vocab_size": str(len(PIECES) - 1), "normalize_type": "per_feature", "subsampling_factor": "8",
    "model_type": "EncDecCTCModelBPE", "version": "1", "model_author": "NeMo",
}  # fmt: skip
ICEFALL_METADATA = {"model_type": "zipformer2_ctc", "version": "1", "model_author": "k2-fsa"}


@dataclass
class OnnxSource:
    """What a folder is written from.

    Attributes:
        tokens: One per output.
        metadata: As exported.
        is_nemo: NeMo's layout and frames; else icefall's.
        external: Where the weights lie, if not in the file itself.
        seed: Of the weights.
    """

    tokens: tuple[str, ...] = PIECES
    metadata: dict[str, str] = field(default_factory=lambda: dict(NEMO_METADATA))
    is_nemo: bool = True
    external: str = ""
    seed: int = 0

    @classmethod
    def icefall(cls) -> OnnxSource:
        """A Zipformer's outside."""
        return cls(tokens=ICEFALL, metadata=dict(ICEFALL_METADATA), is_nemo=False)

    @property
    def kernel(self) -> np.ndarray:
        """Of the convolution, (16, mel, hops seen)."""
        random = np.random.default_rng(self.seed)
        return random.normal(0, 0.1, (16, MEL_BINS, 8 if self.is_nemo else 9)).astype(np.float32)

    @property
    def matrix(self) -> np.ndarray:
        """To the outputs, (16, outputs); large, so that each frame has one clear label."""
        random = np.random.default_rng(self.seed + 1)
        return random.normal(0, 12.0, (16, len(self.tokens))).astype(np.float32)

    @property
    def stride(self) -> int:
        """Hops per frame."""
        return 8 if self.is_nemo else 4

    def logits(self, features: np.ndarray) -> np.ndarray:
        """The same calculation in torch; features (t, mel) to log-probabilities (n, outputs)."""
        import torch
        from torch.nn import functional

        sound = torch.from_numpy(features).T[None]
        padding = (len(features) + 7) // 8 * 8 - len(features) if self.is_nemo else 0
        x = functional.conv1d(functional.pad(sound, (0, padding)), torch.from_numpy(self.kernel), stride=self.stride)
        scores: np.ndarray = (x[0].T.tanh() @ torch.from_numpy(self.matrix)).log_softmax(dim=-1).numpy()
        return scores


def write_onnx_folder(path: Path, source: OnnxSource, name: str = "model.onnx", *, is_int8: bool = False) -> Path:
    """Write network and tokens; returns the folder."""
    path.mkdir(parents=True, exist_ok=True)
    write_onnx(path / name, source, is_int8=is_int8)
    lines = [f"{token} {number}" for number, token in enumerate(source.tokens)]
    (path / "tokens.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_onnx(path: Path, source: OnnxSource, *, is_int8: bool = False) -> None:
    """Write the network alone."""
    import onnx

    model = _build(source)
    for key, value in source.metadata.items():
        model.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(model)
    if source.external:
        onnx.save(model, path, save_as_external_data=True, location=source.external, size_threshold=0)
        return
    onnx.save(model, path)
    if is_int8:
        from dictation.asr.onnx_network import import_onnxruntime

        import_onnxruntime()  # with its reports switched off
        from onnxruntime.quantization import QuantType, quantize_dynamic

        quantize_dynamic(path, path, op_types_to_quantize=["MatMul"], weight_type=QuantType.QInt8)


def _build(source: OnnxSource) -> object:
    """Convolution over time, tanh, linear layer, log-softmax."""
    from onnx import TensorProto, helper, numpy_helper

    sound = ["N", MEL_BINS, "T"] if source.is_nemo else ["N", "T", MEL_BINS]
    names = ("audio_signal", "length", "logprobs") if source.is_nemo else ("x", "x_lens", "log_probs")
    inputs = [
        helper.make_tensor_value_info(names[0], TensorProto.FLOAT, sound),
        helper.make_tensor_value_info(names[1], TensorProto.INT64, ["N"]),
    ]
    outputs = [helper.make_tensor_value_info(names[2], TensorProto.FLOAT, ["N", "S", len(source.tokens)])]
    constants = {"kernel": source.kernel, "matrix": source.matrix}
    node = helper.make_node
    if source.is_nemo:  # filled up with zeros to whole frames
        constants.update({"eight": np.array([8]), "minus": np.array([-1]), "zeros": np.zeros(5, np.int64)})
        nodes = [
            node("Shape", [names[0]], ["hops"], start=2, end=3),
            node("Mul", ["hops", "minus"], ["negative"]),
            node("Mod", ["negative", "eight"], ["missing"]),
            node("Concat", ["zeros", "missing"], ["padding"], axis=0),
            node("Pad", [names[0], "padding"], ["sound"]),
        ]
    else:
        constants.update({"nine": np.array([9]), "four": np.array([4]), "one": np.array([1])})
        nodes = [
            node("Transpose", [names[0]], ["sound"], perm=[0, 2, 1]),
            node("Sub", [names[1], "nine"], ["later"]),
            node("Div", ["later", "four"], ["last"]),
            node("Add", ["last", "one"], ["log_probs_len"]),
        ]
        outputs.append(helper.make_tensor_value_info("log_probs_len", TensorProto.INT64, ["N"]))
    nodes += [
        node("Conv", ["sound", "kernel"], ["seen"], strides=[source.stride]),
        node("Transpose", ["seen"], ["frames"], perm=[0, 2, 1]),
        node("Tanh", ["frames"], ["squeezed"]),
        node("MatMul", ["squeezed", "matrix"], ["logits"]),
        node("LogSoftmax", ["logits"], [names[2]], axis=-1),
    ]
    tensors = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "ctc", inputs, outputs, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
