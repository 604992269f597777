"""Settings survive the way to TOML and back, and no file can stop the app."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from dictation.core.settings import SegmenterSettings, Settings, WindowSettings
from dictation.core.settings_toml import FORMAT_VERSION, dump_settings, load_settings

TOML_VALUES = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | st.datetimes() | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def _values_for(default: Any, meta: Any) -> st.SearchStrategy[Any]:
    if "choices" in meta:
        return st.sampled_from(meta["choices"])
    if "low" in meta:
        bounds = (meta["low"], meta["high"])
        return st.integers(*bounds) if isinstance(default, int) else st.floats(*bounds)
    if isinstance(default, tuple):
        return st.lists(st.text()).map(tuple)
    return st.booleans() if isinstance(default, bool) else st.text()


@st.composite
def _settings(draw: st.DrawFn) -> Settings:
    sections = {}
    for section_field in fields(Settings):
        section = section_field.default_factory
        values = {item.name: draw(_values_for(item.default, item.metadata)) for item in fields(section)}
        sections[section_field.name] = section(**values)
    return Settings(**sections)


@given(_settings())
def test_what_is_dumped_loads_equal_and_without_problems(settings: Settings) -> None:
    loaded = load_settings(dump_settings(settings))
    assert loaded.settings == settings
    assert loaded.problems == ()


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode()))
def test_random_bytes_never_raise(data: bytes) -> None:
    assert isinstance(load_settings(data).settings, Settings)


KNOWN_KEYS = [item.name for section in fields(Settings) for item in fields(section.default_factory)]
TABLES = st.dictionaries(st.sampled_from(KNOWN_KEYS) | st.text(max_size=8), TOML_VALUES, max_size=5)
SECTIONS = st.sampled_from([*(item.name for item in fields(Settings)), "format_version", "elsewhere"])


@given(st.dictionaries(SECTIONS, TABLES | TOML_VALUES, max_size=5))
def test_random_toml_never_raises_and_every_default_used_is_reported(document: dict[str, Any]) -> None:
    loaded = load_settings(tomli_w.dumps(document).encode())
    for section_field in fields(Settings):
        table = document.get(section_field.name, {})
        given_keys = table.items() if isinstance(table, dict) else ()
        section = getattr(loaded.settings, section_field.name)
        for key, value in given_keys:
            wanted = tuple(value) if isinstance(value, list) else value
            taken = hasattr(section, key) and getattr(section, key) == wanted
            shown = repr(f"{section_field.name}.{key}")  # unknown keys may hold line breaks, so they are quoted
            assert taken or any(shown in line or key in line for line in loaded.problems)


def test_a_bad_key_keeps_its_default_and_spares_its_neighbours() -> None:
    loaded = load_settings(b"format_version = 1\n[segmenter]\nthreshold_dbfs = 5\ntimeout_ms = 500\n")
    assert loaded.settings.segmenter == SegmenterSettings(timeout_ms=500)
    (problem,) = loaded.problems
    assert "segmenter.threshold_dbfs" in problem
    assert "-46.0" in problem


def test_whole_numbers_serve_where_a_fraction_is_allowed() -> None:
    loaded = load_settings(b"[segmenter]\nthreshold_dbfs = -40\n")
    assert loaded.settings.segmenter.threshold_dbfs == -40.0
    assert isinstance(loaded.settings.segmenter.threshold_dbfs, float)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"[segmenter", "damaged"),
        (b"\xff\xfe\x00", "damaged"),
        (b"a = " + b"[" * 20_000, "damaged"),
        (b"[audio]\nchannel = " + b"1" * 5000, "damaged"),
        (b"segmenter = 3", "segmenter"),
        (b"[segmenter]\nvolume = 3", "segmenter.volume"),
        (b"[theme]\nname = 'x'", "theme"),
        (b"format_version = 2", "newer"),
        (b"format_version = 'one'", "format_version"),
        (b"[recognizer]\nhotwords = ['a', 3]", "recognizer.hotwords"),
        (b"[window]\npanel_open = 1", "window.panel_open"),
    ],
)
def test_each_fault_is_named_in_one_line(data: bytes, word: str) -> None:
    loaded = load_settings(data)
    assert loaded.settings == Settings()
    (problem,) = loaded.problems
    assert word in problem


def test_a_byte_order_mark_is_accepted() -> None:
    assert load_settings(b"\xef\xbb\xbf[window]\nfont_px = 20\n").settings.window.font_px == 20


def test_the_version_is_written() -> None:
    assert dump_settings(Settings()).startswith(f"format_version = {FORMAT_VERSION}\n".encode())


def test_a_name_that_is_not_utf8_does_not_stop_the_dump() -> None:
    settings = Settings(window=WindowSettings(last_folder="/home/\udcff"))
    assert load_settings(dump_settings(settings)).settings.window.last_folder == "/home/?"
