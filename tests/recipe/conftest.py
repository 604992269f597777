"""The programs of the recipe are no package: tests import them from their folder."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch
from click.testing import CliRunner

RECIPE = Path(__file__).resolve().parents[2] / "models" / "recipe"


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """Import a program of the recipe, and forget it afterwards."""
    known = set(sys.modules)
    monkeypatch.syspath_prepend(str(RECIPE))
    yield importlib.import_module
    for name in set(sys.modules) - known:
        if str(RECIPE) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def english() -> Path:
    """CMU Sphinx's folder of US English in the PocketSphinx wheel: Gaussians in ``en-us``, and the dictionary."""
    spec = importlib.util.find_spec("pocketsphinx")
    if spec is None or spec.origin is None:
        pytest.skip("the recipe's dependencies are not installed: uv sync --group recipe")
    return Path(spec.origin).parent / "model" / "en-us"


@pytest.fixture
def call(load: Callable[[str], ModuleType]) -> Iterator[Callable[..., str]]:
    """Call a command in this process: importing torch for each of them would take most of the time."""
    threads = torch.get_num_threads()

    def call(name: str, *arguments: object) -> str:
        done = CliRunner().invoke(load(name).main, [str(argument) for argument in arguments], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    yield call
    torch.set_num_threads(threads)
