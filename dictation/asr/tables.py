"""Read TOML tables into frozen dataclasses strictly: a wrong key is named, never ignored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar

from dictation.core.errors import ModelDamaged

Record = TypeVar("Record")

_KINDS: Mapping[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "str": (str,), "bool": (bool,)}
_NAMES = {"int": "a whole number", "float": "a number", "str": "a text", "bool": "true or false"}

_LISTS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "tuple[str, ...]": ((str,), "texts"),
    "tuple[int, ...]": ((int,), "whole numbers"),
    "tuple[float, ...]": ((int, float), "numbers"),
}


def read_table(record: type[Record], table: object, where: str) -> Record:
    """Build ``record`` from a TOML table.

    Args:
        record: A dataclass whose fields are annotated ``int``, ``float``, ``str``, ``bool``, ``tuple[str, ...]``,
            ``tuple[int, ...]`` or ``tuple[float, ...]``; its ``__post_init__`` may raise ``ValueError`` for values out
            of range.
        table: What TOML held at that place.
        where: The place in words, for example ``model.toml [features]``; it starts each error.

    Raises:
        ModelDamaged: naming the first missing, unknown or wrongly typed key.
    """
    if not isinstance(table, Mapping):
        raise ModelDamaged(f"{where} must be a table.")
    declared = {item.name: item for item in fields(record)}  # type: ignore[arg-type]
    for key in table:
        if key not in declared:
            raise ModelDamaged(f"{where} has the unknown key {key!r}.")
    values: dict[str, Any] = {}
    for name, item in declared.items():
        if name in table:
            values[name] = _typed(table[name], str(item.type), f"{where} {name}")
        elif item.default is MISSING:
            raise ModelDamaged(f"{where} lacks the key {name!r}.")
    try:
        return record(**values)
    except ValueError as error:
        raise ModelDamaged(f"{where}: {error}.") from error


def _typed(value: object, kind: str, where: str) -> Any:
    """Return the value as the annotated type, or say what it should have been."""
    if kind in _LISTS:
        parts, name = _LISTS[kind]
        if not isinstance(value, list) or not all(type(item) in parts for item in value):  # a bool is no number here
            raise ModelDamaged(f"{where} must be a list of {name}, not {value!r}.")
        return tuple(value)
    is_stray_bool = isinstance(value, bool) and kind != "bool"
    if is_stray_bool or not isinstance(value, _KINDS[kind]):
        raise ModelDamaged(f"{where} must be {_NAMES[kind]}, not {value!r}.")
    return float(value) if kind == "float" else value  # type: ignore[arg-type]
