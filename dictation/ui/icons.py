"""The icon set: our own SVG line drawings in resources/icons, tinted to the colour scheme."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QObject, QRectF, Qt
from PySide6.QtGui import QAction, QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QAbstractButton, QWidget

from dictation.ui.resources import icon_path
from dictation.ui.theme import colour, current_tokens

ICON_PX = 20
_RATIOS = (1.0, 1.5, 2.0, 3.0)


@lru_cache(maxsize=64)
def _drawing(name: str) -> str:
    """The SVG text of an icon."""
    return icon_path(name).read_text(encoding="utf-8")


@lru_cache(maxsize=512)
def pixmap(name: str, tint: str, size_px: int = ICON_PX, ratio: float = 1.0) -> QPixmap:
    """An icon as a picture of ``size_px`` logical pixels in the colour ``tint`` ("#rrggbb")."""
    image = QPixmap(round(size_px * ratio), round(size_px * ratio))
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    svg = _drawing(name).replace("currentColor", tint)
    QSvgRenderer(QByteArray(svg.encode())).render(painter, QRectF(image.rect()))
    painter.end()
    image.setDevicePixelRatio(ratio)
    return image


def icon(name: str, tint: QColor, disabled: QColor | None = None, size_px: int = ICON_PX) -> QIcon:
    """An icon that is sharp at every usual display scale."""
    result = QIcon()
    for ratio in _RATIOS:
        result.addPixmap(pixmap(name, tint.name(), size_px, ratio))
        if disabled is not None:
            result.addPixmap(pixmap(name, disabled.name(), size_px, ratio), QIcon.Mode.Disabled)
    return result


def set_icon(target: QAbstractButton | QAction, name: str, role: str = "text") -> None:
    """Give a button or action an icon in the colour of a theme role; ``retint`` keeps it so."""
    if (target.property("iconName"), target.property("iconRole")) != (name, role):
        target.setProperty("iconName", name)
        target.setProperty("iconRole", role)
        _tint(target)


def retint(root: QWidget) -> None:
    """Redraw all icons below ``root`` after a change of colour scheme."""
    for target in root.findChildren(QObject):
        if isinstance(target, QAbstractButton | QAction) and target.property("iconName"):
            _tint(target)


def _tint(target: QAbstractButton | QAction) -> None:
    """Set the icon anew in the colours that hold now."""
    tokens = current_tokens()
    size_px = target.iconSize().width() if isinstance(target, QAbstractButton) else ICON_PX
    tint = colour(tokens, target.property("iconRole"))
    target.setIcon(icon(target.property("iconName"), tint, colour(tokens, "control"), size_px))
