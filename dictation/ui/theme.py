"""Colours and the style sheet: two sets of tokens, light and dark, and nothing else decides a colour.

The scheme follows the system (``QStyleHints.colorScheme``). Widgets that paint themselves ask ``current_tokens``
when they paint, and a change of scheme reaches them as an ordinary palette change.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from dictation.ui.style_sheet import style_sheet


@dataclass(frozen=True)
class Tokens:
    """One colour scheme. All text colours reach 4.5:1 on ``window``, ``surface`` and ``raised`` (WCAG 2.1 AA)."""

    is_dark: bool
    window: str
    surface: str
    raised: str
    border: str
    control: str
    text: str
    muted: str
    accent: str
    on_accent: str
    good: str
    warning: str
    danger: str
    level: str
    level_loud: str
    grid: str


LIGHT = Tokens(
    is_dark=False,
    window="#f4f4f1",
    surface="#ffffff",
    raised="#eaeae6",
    border="#d8d8d2",
    control="#85888f",
    text="#1b1d21",
    muted="#565b64",
    accent="#1a5bbf",
    on_accent="#ffffff",
    good="#17703d",
    warning="#835300",
    danger="#b0241b",
    level="#b9c1cd",
    level_loud="#6d97d8",
    grid="#e4e4df",
)
DARK = Tokens(
    is_dark=True,
    window="#16181b",
    surface="#1c1f23",
    raised="#272b30",
    border="#32373d",
    control="#757c86",
    text="#e6e7e9",
    muted="#a4aab3",
    accent="#86b4ff",
    on_accent="#0b1b33",
    good="#6fcf97",
    warning="#e9b44c",
    danger="#ff8a80",
    level="#454d58",
    level_loud="#4a74b4",
    grid="#292d32",
)


def current_tokens() -> Tokens:
    """The tokens to paint with now.

    They follow the application's palette; a widget's own one is no guide, because the style sheet makes parts of
    it transparent.
    """
    window = QGuiApplication.palette().color(QPalette.ColorRole.Window)
    return DARK if window.lightness() < 128 else LIGHT  # noqa: PLR2004 - half way


def colour(tokens: Tokens, role: str) -> QColor:
    """A token by name, for tables that name roles instead of colours."""
    return QColor(getattr(tokens, role))


def palette_of(tokens: Tokens) -> QPalette:
    """The Qt palette made of the tokens."""
    palette = QPalette()
    roles = {
        QPalette.ColorRole.Window: tokens.window,
        QPalette.ColorRole.WindowText: tokens.text,
        QPalette.ColorRole.Base: tokens.surface,
        QPalette.ColorRole.AlternateBase: tokens.raised,
        QPalette.ColorRole.Text: tokens.text,
        QPalette.ColorRole.Button: tokens.raised,
        QPalette.ColorRole.ButtonText: tokens.text,
        QPalette.ColorRole.BrightText: tokens.danger,
        QPalette.ColorRole.PlaceholderText: tokens.muted,
        QPalette.ColorRole.ToolTipBase: tokens.raised,
        QPalette.ColorRole.ToolTipText: tokens.text,
        QPalette.ColorRole.Highlight: tokens.accent,
        QPalette.ColorRole.HighlightedText: tokens.on_accent,
        QPalette.ColorRole.Link: tokens.accent,
        QPalette.ColorRole.Accent: tokens.accent,
        QPalette.ColorRole.Mid: tokens.border,
    }
    for role, value in roles.items():
        palette.setColor(role, QColor(value))
    for role in (QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText, QPalette.ColorRole.WindowText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(tokens.control))
    return palette


class SystemTheme(QObject):
    """Keeps the application in the system's colour scheme for as long as it lives."""

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self._app = app
        app.setStyle("Fusion")
        app.styleHints().colorSchemeChanged.connect(self.apply)
        self.apply(app.styleHints().colorScheme())

    def apply(self, scheme: Qt.ColorScheme) -> None:
        """Switch to ``scheme``; a system that does not say gets the light one."""
        tokens = DARK if scheme == Qt.ColorScheme.Dark else LIGHT
        self._app.setPalette(palette_of(tokens))
        self._app.setStyleSheet(style_sheet(tokens))
