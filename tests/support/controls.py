"""What a user can operate in a window."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QAbstractSlider, QComboBox, QLineEdit, QScrollBar, QTabBar, QWidget


def interactive(window: QWidget) -> list[QWidget]:
    kinds = (QAbstractButton, QAbstractSlider, QComboBox, QLineEdit, QTabBar)
    found = [widget for widget in window.findChildren(QWidget) if widget.focusPolicy() & Qt.FocusPolicy.TabFocus]
    found += [widget for kind in kinds for widget in window.findChildren(kind)]
    return [widget for widget in found if not isinstance(widget, QScrollBar)]
