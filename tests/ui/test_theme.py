from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor

from dictation.ui import icons
from dictation.ui.main_window import MainWindow
from dictation.ui.resources import icon_path, resources_folder
from dictation.ui.theme import DARK, LIGHT, SystemTheme, Tokens, current_tokens

TEXTS = ("text", "muted", "accent", "good", "warning", "danger")
GROUNDS = ("window", "surface", "raised")


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.1."""
    parts = [channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
             for channel in QColor(colour).getRgbF()[:3]]  # fmt: skip
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio, WCAG 2.1."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.fixture
def dark(theme: SystemTheme) -> Iterator[None]:
    theme.apply(Qt.ColorScheme.Dark)
    yield
    theme.apply(Qt.ColorScheme.Light)


def test_the_formula_knows_black_on_white() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("ground", GROUNDS)
def test_all_text_reaches_aa(tokens: Tokens, text: str, ground: str) -> None:
    assert contrast(getattr(tokens, text), getattr(tokens, ground)) >= 4.5


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_controls_and_filled_parts_reach_aa(tokens: Tokens) -> None:
    assert contrast(tokens.on_accent, tokens.accent) >= 4.5
    assert contrast(tokens.surface, tokens.text) >= 4.5
    for ground in (tokens.window, tokens.surface):
        assert contrast(tokens.control, ground) >= 3
        assert contrast(tokens.accent, ground) >= 3


def test_dark_follows_the_system_and_icons_are_tinted_anew(window: MainWindow, dark: None) -> None:
    assert current_tokens() is DARK
    image = window.panel_button.icon().pixmap(20, 20).toImage()
    inks = [image.pixelColor(x, y) for x in range(20) for y in range(20) if image.pixelColor(x, y).alpha() > 250]
    # A level or two of rounding, since Qt stores colours multiplied by their opacity.
    assert inks
    assert all(abs(ink.lightness() - QColor(DARK.text).lightness()) <= 2 for ink in inks)
    assert window.grab().toImage().pixelColor(window.width() // 2, 500).lightness() < 80


def test_the_style_sheet_is_filled_in_completely(theme: SystemTheme, qapp: object) -> None:
    assert "$" not in qapp.styleSheet()
    paths = set(re.findall(r'url\("([^"]+)"\)', qapp.styleSheet()))
    names = ("chevron", "chevron-left", "chevron-right", "tick-light")
    assert paths == {icon_path(name).as_posix() for name in names}
    assert all(Path(path).is_file() for path in paths)


@pytest.mark.parametrize("drawing", sorted((resources_folder() / "icons").glob("*.svg")), ids=lambda path: path.stem)
def test_every_icon_draws_something_at_every_scale(drawing: object) -> None:
    for ratio in (1.0, 2.0):
        image = icons.pixmap(drawing.stem, "#123456", 20, ratio).toImage()
        assert image.width() == 20 * ratio
        assert any(image.pixelColor(x, y).alpha() for x in range(image.width()) for y in range(image.height()))


def test_resources_hold_no_package() -> None:
    assert list(resources_folder().rglob("__init__.py")) == []
