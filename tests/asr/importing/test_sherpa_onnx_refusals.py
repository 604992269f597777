"""ONNX folders that cannot be imported, or not run any more: each says which file and why."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dictation.asr.importing import import_model
from dictation.asr.model_folder import ModelFolder, open_model_folder
from dictation.asr.network import load_network
from dictation.asr.onnx_parameters import OnnxCtcParameters
from dictation.core.errors import ModelDamaged, ModelImportFailed
from tests.support.onnx_models import OnnxSource, write_onnx, write_onnx_folder

ARPA = "\\data\\\nngram 1=1\n"


def bring_in(path: Path, models: Path) -> ModelFolder:
    return import_model(path, models, lambda _: None, lambda: False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_onnx_folder(tmp_path / "nemo-ctc-en", OnnxSource())


def respell(folder: Path, change: Callable[[list[str]], object]) -> None:
    lines = (folder / "tokens.txt").read_text(encoding="utf-8").splitlines()
    change(lines)
    (folder / "tokens.txt").write_text("\n".join(lines), encoding="utf-8")


def restate(folder: Path, **metadata: str | None) -> None:
    source = OnnxSource()
    for key, value in metadata.items():
        source.metadata.pop(key, None)
        if value is not None:
            source.metadata[key] = value
    write_onnx(folder / "model.onnx", source)


def rebuild(folder: Path, change: Callable[[Any], object]) -> None:
    import onnx

    model = onnx.load(folder / "model.onnx")
    change(model)
    onnx.save(model, folder / "model.onnx")


def point_outside(folder: Path, location: str) -> None:
    """Say that the kernel lies somewhere else."""

    def change(model: Any) -> None:
        kernel = next(tensor for tensor in model.graph.initializer if tensor.name == "kernel")
        kernel.ClearField("raw_data")
        kernel.data_location = 1
        kernel.external_data.add(key="location", value=location)

    import onnx

    model = onnx.load(folder / "model.onnx")
    change(model)
    (folder / "model.onnx").write_bytes(model.SerializeToString())


def truncate(path: Path, share: float) -> None:
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])


REFUSED: list[tuple[Callable[[Path], object], str]] = [
    (lambda f: (f / "tokens.txt").unlink(), "tokens.txt: is missing"),
    (lambda f: respell(f, lambda t: t.pop()), "tokens.txt: has no blank token; known are <blk>"),
    (lambda f: respell(f, lambda t: t.pop(3)), "tokens.txt: names no token for output 3 of the network's 14"),
    (lambda f: respell(f, lambda t: t.append("more 14")), "names 15 tokens, but model.onnx states vocab_size = 13"),
    (
        lambda f: (restate(f, vocab_size=None), respell(f, lambda t: t.append("more 14"))),
        "names 15 tokens, but model.onnx has 14 outputs",
    ),
    (lambda f: respell(f, lambda t: t.append("e 14")), "line 15 has the token 'e' for a second time"),
    (lambda f: respell(f, lambda t: t.append("x 13")), "gives '<blk>' and 'x' the same number 13"),
    (lambda f: respell(f, lambda t: t.append("only")), "line 15 is no token with its number: 'only'"),
    (lambda f: respell(f, lambda t: t.__setitem__(4, "h▁ 4")), "symbol 'h▁' is no piece of a word"),
    (
        lambda f: (f / "tokens.txt").write_text("\n".join(f"{chr(97 + n)} {n}" for n in range(13)) + "\n<blk> 13"),
        "no token begins with '▁' and none is a space",
    ),
    (lambda f: (f / "tokens.txt").write_bytes(b"\xff 0\n"), "tokens.txt: cannot be read as UTF-8 text"),
    (lambda f: (f / "model.onnx").write_bytes(b""), "model.onnx: is empty"),
    (lambda f: (f / "model.onnx").write_bytes(b"version https://git-lfs.github.com/spec/v1\n"), "pointer of Git LFS"),
    (lambda f: (f / "model.onnx").write_bytes(b"<html>not found</html>"), "model.onnx: is .*no ONNX file"),
    (lambda f: truncate(f / "model.onnx", 0.5), "model.onnx: is truncated"),
    (lambda f: restate(f, model_type=None), "model.onnx: states no model_type in its metadata"),
    (lambda f: restate(f, model_type="wenet_ctc"), "has the model_type 'wenet_ctc', which is none of those known"),
    (lambda f: restate(f, is_giga_am="1"), "is_giga_am = '1' in its metadata: it reads features of another kind"),
    (lambda f: restate(f, sample_rate="8000"), "sample_rate = '8000' is not supported, only 16000"),
    (lambda f: restate(f, normalize_type="all_features"), "normalize_type = 'all_features' is not supported"),
    (lambda f: restate(f, subsampling_factor="x"), "subsampling_factor = 'x' in its metadata is no number"),
    (lambda f: restate(f, subsampling_factor=None), "subsampling_factor = '' in its metadata is no number"),
    (lambda f: restate(f, subsampling_factor="4"), r"gives 25 frames for 200 hops, not 50 \(every 4 hops\)"),
    (lambda f: restate(f, vocab_size="20"), "names 14 tokens, but model.onnx states vocab_size = 20"),
    (lambda f: rebuild(f, lambda m: m.graph.node[-1].__setattr__("op_type", "Wish")), "no network that onnxruntime"),
    (lambda f: rebuild(f, lambda m: m.graph.input.pop()), r"does not take features and their lengths alone, but audio"),
    (
        lambda f: rebuild(f, lambda m: m.graph.input.append(m.graph.input[1].__class__(name="cache"))),
        "model.onnx: (does not take features|is no network)",
    ),
    (lambda f: point_outside(f, "../secret"), "wants its weights from '../secret', which is no file beside it"),
    (lambda f: point_outside(f, "/etc/passwd"), "wants its weights from '/etc/passwd', which is no file beside it"),
    (lambda f: point_outside(f, "..\\secret"), r"which is no file beside it"),
    (lambda f: point_outside(f, "C:secret"), r"which is no file beside it"),
    (lambda f: point_outside(f, "absent"), "wants its weights from 'absent', which is missing"),
    (lambda f: point_outside(f, "tokens.txt"), "model.onnx: is no network that onnxruntime can run"),
    (
        lambda f: (f / "model.onnx").rename(f / "encoder.onnx") and (f / "joiner.onnx").touch(),
        "holds several networks, none of them named model.onnx: encoder.onnx, joiner.onnx",
    ),
    (
        lambda f: [(f / name).write_text(ARPA) for name in ("a.arpa", "b.arpa")],
        "holds more than one language model: a.arpa, b.arpa",
    ),
]


@pytest.mark.parametrize(("spoil", "words"), REFUSED, ids=[words[:30] for _, words in REFUSED])
def test_what_does_not_fit_is_named(spoil: Callable[[Path], object], words: str, folder: Path, tmp_path: Path) -> None:
    spoil(folder)
    with pytest.raises(ModelImportFailed, match=words):
        bring_in(folder, tmp_path / "models")
    assert not list((tmp_path / "models").glob("*"))


def test_a_network_that_computes_nonsense_is_refused(folder: Path, tmp_path: Path) -> None:
    from onnx import numpy_helper

    def spoil(model: Any) -> None:
        model.graph.initializer[1].CopyFrom(numpy_helper.from_array(np.full((16, 14), np.nan, np.float32), "matrix"))

    rebuild(folder, spoil)
    with pytest.raises(ModelImportFailed, match="computes values that are not finite numbers"):
        bring_in(folder, tmp_path / "models")


def test_a_model_folder_cannot_reach_outside_either(folder: Path, tmp_path: Path) -> None:
    """A folder that was made by hand, with the right SHA-256 of a network that wants a file from elsewhere."""
    made = bring_in(folder, tmp_path / "models")
    (tmp_path / "secret").write_bytes(bytes(16 * 80 * 8 * 4))
    network = made.required_file("weights")
    network.rename(made.path / "model.onnx")
    point_outside(made.path, str(tmp_path / "secret"))
    (made.path / "model.onnx").rename(network)
    with pytest.raises(ModelDamaged, match="which is no file beside it"):
        load_network(made.architecture, made.architecture_parameters, 80, len(made.labels), network)


def test_labels_that_do_not_fit_the_network_are_said_at_load(folder: Path, tmp_path: Path) -> None:
    import torch

    made = bring_in(folder, tmp_path / "models")
    weights = made.required_file("weights")
    wrong = load_network(made.architecture, made.architecture_parameters, 80, 5, weights)
    with pytest.raises(ModelDamaged, match="has 14 outputs, but 5 labels"):
        wrong(torch.zeros(1, 80, 80))


def test_model_toml_with_a_wrong_layout_is_refused(folder: Path, tmp_path: Path) -> None:
    made = bring_in(folder, tmp_path / "models")
    description = made.path / "model.toml"
    description.write_text(description.read_text(encoding="utf-8").replace("mel-time", "mel"), encoding="utf-8")
    with pytest.raises(ModelDamaged, match="layout must be 'mel-time' or 'time-mel', not 'mel'"):
        open_model_folder(made.path)
    for values in (("mel-time", 0, 1, 0.0), ("mel-time", 1, 0, 0.0), ("mel-time", 1, 1, -1.0)):
        with pytest.raises(ValueError, match="must"):
            OnnxCtcParameters(*values)
    with pytest.raises(ValueError, match="silent_outputs must be different whole numbers in order"):
        OnnxCtcParameters("mel-time", 1, 1, 0.0, (2, 1))
