"""Where the files that are not code are."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


@lru_cache(maxsize=1)
def resources_folder() -> Path:
    """Where the resources are: inside an installed package, or beside the package in a checkout."""
    installed = _PACKAGE / "_resources"
    return installed if installed.is_dir() else _PACKAGE.parent / "resources"


def icon_path(name: str) -> Path:
    """The drawing of an icon."""
    return resources_folder() / "icons" / f"{name}.svg"
