"""The Qt style sheet, filled in from the theme's tokens."""

from __future__ import annotations

from dataclasses import asdict
from string import Template
from typing import TYPE_CHECKING

from dictation.ui.resources import icon_path

if TYPE_CHECKING:
    from dictation.ui.theme import Tokens

_SHEET = Template("""
QToolTip { background: $raised; color: $text; border: 1px solid $border; padding: 4px 8px; }

#stripZone { background: $window; border-bottom: 1px solid $border; }
#statusBar { background: $window; border-top: 1px solid $border; }
#documentHeader { background: $surface; border-bottom: 1px solid $border; }
#sidePanel { background: $window; border-left: 1px solid $border; }
#fileJobs { background: $window; border-top: 1px solid $border; }
#sidePanel QScrollArea, #panelBody, #fileJobs QScrollArea, #jobList { background: transparent; border: none; }

QPushButton, QToolButton {
    background: transparent; color: $text; border: 1px solid transparent; border-radius: 6px;
    padding: 0 8px; min-height: 30px;
}
QToolButton[compact="true"] { padding: 0; min-width: 22px; min-height: 22px; }
QFileDialog QToolButton { padding: 0; min-height: 24px; }
QPushButton:hover, QToolButton:hover { background: $raised; }
QPushButton:pressed, QToolButton:pressed, QToolButton:checked { background: $border; }
QPushButton:focus, QToolButton:focus { border-color: $accent; }
QPushButton:disabled, QToolButton:disabled { color: $control; }
QToolButton::menu-indicator { image: none; }
QPushButton[outlined="true"], QToolButton[outlined="true"] { border-color: $control; }
QPushButton[outlined="true"]:focus, QToolButton[outlined="true"]:focus { border-color: $accent; }
QPushButton[primary="true"] { background: $accent; color: $on_accent; }

QLabel[kind="title"] { font-weight: 600; }
QLabel[kind="muted"] { color: $muted; }
QLabel[kind="section"] { color: $muted; font-weight: 600; }

TranscriptView {
    background: $surface; color: $text; border: none; placeholder-text-color: $muted;
    selection-background-color: $accent; selection-color: $on_accent;
}

#emptyState QLabel { font-size: 15px; }
#stepNumber { color: $accent; border: 2px solid $accent; border-radius: 16px; font-weight: 600; }
#jumpButton { background: $accent; color: $on_accent; border-radius: 16px; padding: 0 16px 0 12px; }
#jumpButton:focus { border-color: $text; }
#toast { background: $text; color: $surface; border-radius: 8px; padding: 8px 16px; }
#banner { background: $raised; border: none; border-left: 4px solid $danger; border-bottom: 1px solid $border; }
#recoveryNotice {
    background: $raised; border: none; border-left: 4px solid $accent; border-bottom: 1px solid $border;
}
#popover { background: $surface; border: 1px solid $border; }

QTabBar { background: transparent; border: none; }
QTabBar::tab {
    background: transparent; color: $muted; border: none; border-bottom: 2px solid transparent;
    padding: 0 12px; height: 46px; min-width: 64px;
}
QTabBar::tab:selected { color: $text; border-bottom-color: $accent; }
QTabBar::tab:hover { color: $text; }
QTabBar::tab:focus { color: $text; background: $raised; }
QTabBar::scroller { width: 32px; }
QTabBar::tear { width: 0; image: none; }
QTabBar QToolButton { background: $surface; padding: 0; min-height: 0; }
QTabBar QToolButton::left-arrow { image: url("$left"); width: 16px; height: 16px; }
QTabBar QToolButton::right-arrow { image: url("$right"); width: 16px; height: 16px; }

QLineEdit {
    background: $surface; color: $text; border: 1px solid $control; border-radius: 6px; padding: 0 8px;
    min-height: 30px; selection-background-color: $accent; selection-color: $on_accent;
}
QLineEdit:focus { border-color: $accent; }
QListWidget { background: $surface; color: $text; border: 1px solid $control; border-radius: 6px; padding: 4px; }
QListWidget:focus { border-color: $accent; }
QListWidget::item { padding: 4px; border-radius: 4px; }
QListWidget::item:hover { background: $raised; }
QListWidget::item:selected { background: $raised; color: $text; border-left: 3px solid $accent; }
QListWidget QLineEdit { min-height: 20px; padding: 0 2px; border-radius: 0; }
#readingText { background: $surface; border: 1px solid $border; border-radius: 6px; padding: 12px; font-size: 16px; }

#modelRow { background: $surface; border: 1px solid $border; border-radius: 6px; }
#modelRow:focus { border-color: $accent; }
#modelScroller, #modelList { background: transparent; border: none; }
#documentDrop { background: $surface; border: 1px dashed $control; border-radius: 6px; }
#documentDrop[target="true"] { border: 2px dashed $accent; }

QCheckBox { spacing: 8px; min-height: 24px; }
QCheckBox::indicator { width: 14px; height: 14px; border: 2px solid $control; border-radius: 3px; }
QCheckBox::indicator:checked { background: $accent; border-color: $accent; image: url("$check"); }
QCheckBox:focus, QCheckBox::indicator:focus { color: $accent; }

QRadioButton { spacing: 8px; min-height: 24px; }
QRadioButton::indicator { width: 12px; height: 12px; border: 2px solid $control; border-radius: 8px; }
QRadioButton::indicator:checked { width: 6px; height: 6px; border: 5px solid $accent; }
QRadioButton::indicator:focus, QRadioButton:focus { color: $accent; }

QComboBox {
    background: $surface; color: $text; border: 1px solid $control; border-radius: 6px; padding: 0 8px;
    min-height: 30px;
}
QComboBox:focus { border-color: $accent; }
QComboBox::drop-down { border: none; width: 24px; }
QComboBox::down-arrow { image: url("$chevron"); width: 16px; height: 16px; }
QComboBox QAbstractItemView {
    background: $surface; color: $text; border: 1px solid $border;
    selection-background-color: $accent; selection-color: $on_accent;
}
QMenu { background: $surface; color: $text; border: 1px solid $border; padding: 4px 0; }
QMenu::item { padding: 6px 24px 6px 16px; }
QMenu::item:selected { background: $raised; }
QMenu::item:disabled { color: $muted; }
QMenu::separator { height: 1px; background: $border; margin: 4px 0; }
QMenu::indicator { width: 16px; height: 16px; margin-left: 8px; }

QProgressBar { background: $raised; border: none; border-radius: 3px; min-height: 6px; max-height: 6px; }
QProgressBar::chunk { background: $accent; border-radius: 3px; }

QScrollBar:vertical { background: transparent; width: 12px; margin: 0; }
QScrollBar::handle:vertical { background: $control; border-radius: 3px; min-height: 32px; margin: 2px 3px; }
QScrollBar::add-line, QScrollBar::sub-line { height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
""")


def style_sheet(tokens: Tokens) -> str:
    """The sheet for one colour scheme."""
    values = {name: str(value) for name, value in asdict(tokens).items()}
    tick = "tick-dark" if tokens.is_dark else "tick-light"  # a style sheet cannot tint a drawing
    pictures = {"chevron": "chevron", "left": "chevron-left", "right": "chevron-right", "check": tick}
    return _SHEET.substitute(values, **{key: icon_path(name).as_posix() for key, name in pictures.items()})
