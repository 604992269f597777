"""What an ONNX file says of itself, against the onnx package's own writing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dictation.asr.onnx_file import leaves_folder, read_onnx_file


@pytest.mark.parametrize("location", ["", ".", "..", "../a", "a/b", "/a", "a\\b", "C:a", "a\0b"])
def test_what_is_no_plain_name_leaves_the_folder(location: str) -> None:
    assert leaves_folder(location)
    assert not leaves_folder("model.weights")


@settings(max_examples=200, deadline=None)
@given(st.binary(min_size=1, max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.onnx"
    path.write_bytes(data)
    try:
        read_onnx_file(path)
    except ValueError as error:
        assert "is" in str(error)  # noqa: PT017 - a phrase about the file


def test_external_files_are_found_wherever_they_are_named(tmp_path: Path) -> None:
    """In a branch of a condition and in a function, too; the onnx package's own reader is the reference."""
    import onnx
    from onnx import TensorProto, helper

    def tensor(location: str) -> onnx.TensorProto:
        made = TensorProto(name=location, data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
        made.external_data.add(key="location", value=location)
        made.external_data.add(key="offset", value="0")
        return made

    branch = helper.make_graph([], "branch", [], [], [tensor("branch.bin")])
    nodes = [
        helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch),
        helper.make_node("Constant", [], ["z"], value=tensor("constant.bin")),
    ]
    model = helper.make_model(helper.make_graph(nodes, "main", [], [], [tensor("main.bin")]))
    function = helper.make_function(
        "f", "F", [], ["z"], [helper.make_node("Constant", [], ["z"], value=tensor("function.bin"))], []
    )
    model.functions.append(function)
    sparse = model.graph.sparse_initializer.add()
    sparse.values.CopyFrom(tensor("sparse.bin"))
    model.metadata_props.add(key="größe", value="x")
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    found = read_onnx_file(path)
    assert found.external == {"main.bin", "branch.bin", "constant.bin", "function.bin", "sparse.bin"}
    assert found.metadata == {"größe": "x"}


def test_onnxruntime_cannot_report_what_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """From 1.29 on its builds send events to Microsoft unless told not to; ours has no part that could."""
    from dictation.asr.onnx_network import import_onnxruntime

    monkeypatch.delenv("ORT_DISABLE_TELEMETRY", raising=False)
    package = Path(import_onnxruntime().__file__).parent
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
    libraries = [path for path in (package / "capi").iterdir() if path.suffix in {".so", ".pyd", ".dll", ".dylib"}]
    assert libraries
    assert not [path.name for path in libraries if b"events.data.microsoft.com" in path.read_bytes()]


def test_one_module_alone_imports_onnxruntime() -> None:
    package = Path(__file__).resolve().parents[2] / "dictation"
    users = [path.name for path in package.rglob("*.py") if "import onnxruntime\n" in path.read_text(encoding="utf-8")]
    assert users == ["onnx_network.py"]
