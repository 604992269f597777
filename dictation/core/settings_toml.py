"""Settings as a TOML file's bytes and back. Loading never raises: what is wrong is listed, defaults stand in.

The file has ``format_version`` at the top and one table per section. A later format gets one pure function per
step, ``dict -> dict``, run before the sections are read; version 1 is the first, so there is none yet.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import Field, asdict, dataclass, fields
from typing import Any, cast

import tomli_w

from dictation.core.errors import SettingsError
from dictation.core.settings import Settings

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FORMAT_VERSION = 1
_VERSION_KEY = "format_version"


@dataclass(frozen=True)
class LoadedSettings:
    """What a file gave: complete settings, and one line for each thing in it that could not be used."""

    settings: Settings
    problems: tuple[str, ...] = ()


def dump_settings(settings: Settings) -> bytes:
    """Write all settings as UTF-8 TOML; ``load_settings`` of the result gives an equal value.

    Lone surrogates (a folder name that is not UTF-8) cannot be written in TOML and become question marks.
    """
    document = {_VERSION_KEY: FORMAT_VERSION, **asdict(settings)}
    return tomli_w.dumps(document).encode("utf-8", errors="replace")


def load_settings(data: bytes) -> LoadedSettings:
    """Read settings from a file's bytes.

    A bad or unknown key keeps its default and adds a line to ``problems``; so does a file that is not TOML at
    all. Never raises.
    """
    try:
        document = tomllib.loads(data.decode("utf-8-sig"))
    # RecursionError: deeply nested arrays. ValueError covers decoding, TOML syntax and integers of over 4300 digits.
    except (ValueError, RecursionError) as error:
        return LoadedSettings(Settings(), (f"The settings file is damaged, defaults are used: {error}",))
    problems: list[str] = []
    _check_version(document.pop(_VERSION_KEY, FORMAT_VERSION), problems)
    sections = {item.name: _load_section(item, document.pop(item.name, {}), problems) for item in fields(Settings)}
    problems += [f"Unknown section or key {name!r} in the settings was ignored." for name in document]
    return LoadedSettings(Settings(**sections), tuple(problems))


def _check_version(version: object, problems: list[str]) -> None:
    """Note a file from a newer program; what it shares with this one is still read."""
    if type(version) is not int or version < 1:
        problems.append(f"{_VERSION_KEY} in the settings is not a version number: {version!r}.")
    elif version > FORMAT_VERSION:
        problems.append(f"The settings come from a newer version of the program (format {version}).")


def _load_section(section_field: Field[Any], table: object, problems: list[str]) -> Any:
    """Build one section from its table, key by key, so that one bad key does not cost the others."""
    factory = cast("Callable[..., Any]", section_field.default_factory)  # each section's own class
    if not isinstance(table, dict):
        problems.append(f"{section_field.name} in the settings is not a section; defaults are used.")
        return factory()
    defaults = {item.name: item.default for item in fields(factory())}
    accepted: dict[str, Any] = {}
    for key, value in table.items():
        if key not in defaults:
            problems.append(f"Unknown key {f'{section_field.name}.{key}'!r} in the settings was ignored.")
            continue
        wanted = _as_type_of(defaults[key], value)
        problem = _refusal(factory, key, wanted)
        if problem is None:
            accepted[key] = wanted
        else:
            problems.append(f"{problem} The default {defaults[key]!r} is used.")
    return factory(**accepted)


def _refusal(section: Callable[..., Any], key: str, value: object) -> str | None:
    """Let the section itself judge one value: its complaint, or None."""
    try:
        section(**{key: value})
    except SettingsError as error:
        return str(error)
    return None


def _as_type_of(default: object, value: object) -> object:
    """TOML has arrays where settings have tuples, and people write 3 where a setting is 3.0."""
    if isinstance(default, tuple) and isinstance(value, list):
        return tuple(value)
    if isinstance(default, float) and type(value) is int and abs(value) < 2**53:
        return float(value)
    return value
