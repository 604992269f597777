"""What the model card beside a model says: README.md with a head, as on Hugging Face."""

from __future__ import annotations

import re
from pathlib import Path


def read_model_card(folder: Path) -> tuple[str, str]:
    """Language and licence from the head of the model card (README.md), or words that say that it is not known."""
    try:
        text = (folder / "README.md").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        text = ""
    head = text.split("---")[1] if text.startswith("---") else ""
    found = {
        key: re.findall(rf"^{key}:[ \t]*\n?[ \t]*-?[ \t]*[\"']?([\w.-]+)", head, re.MULTILINE)
        for key in ("language", "license")
    }
    language = found["language"][0] if found["language"] else "und"
    licence = found["license"][0] if found["license"] else "not stated by its source"
    return language, licence
