"""Scores that are known already, so that an interrupted evaluation goes on where it was."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any


class KeptScores:
    """A file with a line of JSON for each score: what it belongs to, and its numbers. Thread: any."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
        if lines and not lines[-1].endswith("\n"):  # the program was killed while writing it
            path.write_text("".join(lines[:-1]), encoding="utf-8")
            lines.pop()
        self._known: dict[str, dict[str, Any]] = {kept["key"]: kept["score"] for kept in map(json.loads, lines)}

    def find(self, key: str) -> dict[str, Any] | None:
        """The numbers kept under a key."""
        return self._known.get(key)

    def add(self, key: str, score: dict[str, Any]) -> None:
        """Keep a score before anything else is measured."""
        with self._lock, self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"key": key, "score": score}) + "\n")
