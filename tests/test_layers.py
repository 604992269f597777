"""The layers go one way, and what must not be loaded is not loaded (docs/architecture.md)."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "dictation"
MAY_IMPORT = {
    "core": {"core"},
    "asr": {"core", "asr", "language"},
    "audio": {"core", "audio"},
    "language": {"core", "language"},
    "library": {"core", "asr", "language", "library"},
    "runtime": {"core", "asr", "audio", "language", "library", "runtime"},
    "ui": {"core", "runtime", "ui"},
}
FORBIDDEN = {
    "core": {"PySide6", "torch", "torchaudio", "sounddevice", "soxr", "av", "pyctcdecode", "kenlm"},
    "asr": {"PySide6", "sounddevice", "soxr", "av"},
    "audio": {"PySide6", "torch", "pyctcdecode", "kenlm"},
    "language": {"PySide6", "torch", "pyctcdecode", "sounddevice", "soxr", "av"},
    "library": {"PySide6", "pyctcdecode", "kenlm", "sounddevice", "soxr", "av"},
    "runtime": {"PySide6.QtWidgets", "PySide6.QtGui", "torch", "sounddevice", "av", "pyctcdecode", "kenlm"},
    "ui": {"numpy", "scipy", "torch", "sounddevice", "av"},
}
NETWORK = {
    "socket",
    "ssl",
    "http",
    "urllib",
    "urllib3",
    "ftplib",
    "smtplib",
    "asyncio",
    "requests",
    "PySide6.QtNetwork",
}
NETWORK_CLIENT = PACKAGE / "library" / "download.py"


def _imports(path: Path) -> Iterator[str]:
    """Every module imported anywhere in a file, lazily or not, with ``from x import y`` also as ``x.y``."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _files(layer: str) -> list[Path]:
    return sorted((PACKAGE / layer).rglob("*.py"))


def _is_below(module: str, parents: set[str]) -> bool:
    return any(module == parent or module.startswith(f"{parent}.") for parent in parents)


@pytest.mark.parametrize("layer", MAY_IMPORT)
def test_imports_go_one_way(layer: str) -> None:
    assert _files(layer)
    for path in _files(layer):
        for module in _imports(path):
            parts = module.split(".")
            if parts[0] == "dictation" and len(parts) > 1 and (PACKAGE / parts[1]).is_dir():
                assert parts[1] in MAY_IMPORT[layer], f"{path.relative_to(ROOT)} imports {module}"
            assert parts[:2] not in (["dictation", "app"], ["dictation", "cli"]), f"{path} imports {module}"


@pytest.mark.parametrize("layer", FORBIDDEN)
def test_a_layer_leaves_alone_what_is_not_its_business(layer: str) -> None:
    for path in _files(layer):
        for module in _imports(path):
            assert not _is_below(module, FORBIDDEN[layer]), f"{path.relative_to(ROOT)} imports {module}"


def test_only_the_downloader_can_reach_the_network() -> None:
    for path in set(PACKAGE.rglob("*.py")) - {NETWORK_CLIENT}:
        for module in _imports(path):
            assert not _is_below(module, NETWORK), f"{path.relative_to(ROOT)} imports {module}"


@pytest.mark.parametrize(
    ("layers", "unwanted"),
    [
        (["core"], {"PySide6", "torch", "sounddevice", "av"}),
        (["asr"], {"PySide6", "sounddevice", "av", "onnxruntime"}),
        (["audio"], {"PySide6", "torch", "sounddevice", "av"}),
        (["language"], {"PySide6", "torch", "pyctcdecode", "pypdf", "kenlm"}),
        (["library"], {"PySide6", "torch", "pyctcdecode", "requests", "onnxruntime"}),
        (["runtime"], {"PySide6.QtGui", "PySide6.QtWidgets", "torch", "sounddevice", "av"}),
        (["ui"], {"torch", "sounddevice", "av"}),
    ],
)
def test_what_importing_a_layer_really_loads(layers: list[str], unwanted: set[str]) -> None:
    """Parsing sees our own imports; this sees what they bring along. Lazy imports are not run, which is the point."""
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for layer in layers
        for path in _files(layer)
        if not (layer == "asr" and "torch" in {module.split(".")[0] for module in _imports(path)})
    ]
    code = f"import sys, importlib\nfor name in {modules!r}: importlib.import_module(name)\n" + (
        f"found = sorted({unwanted!r} & set(sys.modules))\nsys.exit(f'loaded: {{found}}' if found else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("folder", ["packaging", "resources", "models"])
def test_data_folders_are_no_packages(folder: str) -> None:
    """``packaging/__init__.py`` would hide the distribution of that name from every tool that needs it."""
    assert not list((ROOT / folder).rglob("__init__.py"))


def test_test_folders_are_no_packages() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))
