"""Tells screen readers what has happened where the keyboard focus is not."""

from __future__ import annotations

from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QWidget


def announce(widget: QWidget, text: str) -> None:
    """Have a screen reader say a text once it has finished what it is saying (Qt calls that polite, the default).

    Without one nothing happens. https://doc.qt.io/qt-6/qaccessibleannouncementevent.html
    """
    QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(widget, text))
