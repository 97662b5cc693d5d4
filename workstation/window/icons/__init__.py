"""One icon family (Phosphor, MIT; our own glyphs in its stroke), drawn at the screen's scale in a token's colour."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from workstation.window.theme import tokens

_HERE = Path(__file__).parent


@cache
def _source(name: str) -> str:
    return (_HERE / f"{name}.svg").read_text(encoding="utf-8")


@cache
def pixmap(name: str, colour: str = tokens.TEXT, size: int = tokens.ICON, scale: float = 1.0) -> QPixmap:
    """The glyph as a pixmap of `size` points at `scale` device pixels per point."""
    shape = QSize(round(size * scale), round(size * scale))
    drawn = QPixmap(shape)
    drawn.fill(Qt.GlobalColor.transparent)
    renderer = QSvgRenderer(QByteArray(_source(name).replace("currentColor", colour).encode("utf-8")))
    painter = QPainter(drawn)
    renderer.render(painter, QRectF(0, 0, shape.width(), shape.height()))
    painter.end()
    drawn.setDevicePixelRatio(scale)
    return drawn


@cache
def icon(name: str, colour: str = tokens.TEXT) -> QIcon:
    """The glyph for buttons and menus: sharp from 100 to 300 %, and grey where the act is not to be had."""
    made = QIcon()
    for size in (tokens.ICON, tokens.ICON_LARGE):
        for scale in (1.0, 2.0, 3.0):
            made.addPixmap(pixmap(name, colour, round(size * scale)))
            made.addPixmap(pixmap(name, tokens.DISABLED, round(size * scale)), QIcon.Mode.Disabled)
    return made
