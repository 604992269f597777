"""Read the JSON files that others' models come with, and say which key is wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dictation.core.errors import ModelImportFailed

_KINDS: Mapping[type, str] = {int: "a whole number", bool: "true or false", str: "a text"}


class JsonFile:
    """A JSON object with the file that it was read from.

    Raises:
        ModelImportFailed: by every method, naming the file and the key.
    """

    def __init__(self, path: Path, values: Mapping[str, Any]) -> None:
        self.path = path
        self.values = values

    @classmethod
    def read(cls, path: Path) -> JsonFile:
        """Read a file that must be there."""
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise ModelImportFailed(path, "is missing") from error
        except OSError as error:
            raise ModelImportFailed(path, f"cannot be read ({error})") from error
        except ValueError as error:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
            raise ModelImportFailed(path, f"is not valid JSON ({error})") from error
        if not isinstance(values, dict):
            raise ModelImportFailed(path, "must hold a JSON object")
        return cls(path, values)

    @classmethod
    def read_if_there(cls, path: Path) -> JsonFile:
        """Read a file that may be absent; it is then empty."""
        return cls.read(path) if path.exists() else cls(path, {})

    def whole_number(self, key: str, default: int | None = None) -> int:
        """A number without a fraction."""
        return int(self._typed(key, int, default))

    def flag(self, key: str, *, default: bool) -> bool:
        """True or false."""
        return bool(self._typed(key, bool, default))

    def text(self, key: str, default: str | None = None) -> str:
        """A text."""
        return str(self._typed(key, str, default))

    def whole_numbers(self, key: str, default: tuple[int, ...]) -> tuple[int, ...]:
        """A list of numbers without a fraction."""
        value = self.values.get(key, default)
        if not isinstance(value, list | tuple) or not all(type(part) is int for part in value):
            raise ModelImportFailed(self.path, f"{key!r} must be a list of whole numbers, not {value!r}")
        return tuple(value)

    def _typed(self, key: str, kind: type, default: object) -> Any:
        value = self.values.get(key, default)
        if value is None:
            raise ModelImportFailed(self.path, f"lacks the key {key!r}")
        if type(value) is not kind:  # a bool is an int to isinstance
            raise ModelImportFailed(self.path, f"{key!r} must be {_KINDS[kind]}, not {value!r}")
        return value
