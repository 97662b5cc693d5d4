"""Qt's Fusion style with our palette and one style sheet made from the tokens."""

from __future__ import annotations

from pathlib import Path
from string import Template

from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication

from workstation.window.theme import tokens


def apply(app: QApplication) -> None:
    """Dress the application: style, fonts, palette, sheet. Before the first widget, so that nothing flashes white."""
    app.setStyle("Fusion")
    _fonts(app)
    app.setPalette(_palette())
    names = {name: str(value) for name, value in vars(tokens).items() if name.isupper() and not isinstance(value, dict)}
    icons = (Path(__file__).parents[1] / "icons").as_posix()
    sheet = (Path(__file__).with_name("window.qss")).read_text(encoding="utf-8")
    app.setStyleSheet(Template(sheet).substitute(names, ICONS=icons))


def _fonts(app: QApplication) -> None:
    import render

    # Inter is bundled with `render`, which burns it into pictures: one face on screen and in the record
    for file in sorted((Path(render.__file__).parent / "fonts").glob("Inter-*.ttf")):
        QFontDatabase.addApplicationFont(str(file))
    font = QFont(tokens.FAMILY)
    font.setPixelSize(tokens.BODY)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    font.setFeature(QFont.Tag("tnum"), 1)
    app.setFont(font)


def _palette() -> QPalette:
    role = QPalette.ColorRole
    palette = QPalette()
    for where, value in (
        (role.Window, tokens.WINDOW),
        (role.WindowText, tokens.TEXT),
        (role.Base, tokens.PANEL),
        (role.AlternateBase, tokens.RAISED),
        (role.Text, tokens.TEXT),
        (role.Button, tokens.RAISED),
        (role.ButtonText, tokens.TEXT),
        (role.BrightText, tokens.TITLE),
        (role.Highlight, tokens.SELECTION),
        (role.HighlightedText, tokens.TEXT),
        (role.ToolTipBase, tokens.RAISED),
        (role.ToolTipText, tokens.TEXT),
        (role.PlaceholderText, tokens.QUIET),
        (role.Link, tokens.ACCENT),
        (role.Light, tokens.HOVER),
        (role.Midlight, tokens.HOVER),
        (role.Mid, tokens.LINE),
        (role.Dark, tokens.WINDOW),
        (role.Shadow, tokens.VIEWPORT),
        (role.Accent, tokens.ACCENT),
    ):
        palette.setColor(where, QColor(value))
    for where in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, where, QColor(tokens.DISABLED))
    return palette
