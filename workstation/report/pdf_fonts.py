"""Typefaces of the PDF: Inter, and for Chinese, Japanese and Korean an installed font, embedded.

Where none is installed the file names one of the fonts that PDF readers bring along themselves (reportlab's CID
fonts); some readers show these only with their language packs, hence the preference for embedding.
"""

from __future__ import annotations

import itertools
from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import render

REGULAR, MEDIUM, BOLD = "Inter", "Inter-Medium", "Inter-SemiBold"
_FILES = {REGULAR: "Inter-Regular.ttf", MEDIUM: "Inter-Medium.ttf", BOLD: "Inter-SemiBold.ttf"}
# TrueType fonts with CJK glyphs where systems keep them (reportlab cannot embed the OpenType/CFF ones)
_INSTALLED = (
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
    "/usr/share/fonts/truetype/droid/DroidSansFallback.ttf",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/usr/share/fonts/truetype/fonts-japanese-gothic.ttf",
    "/usr/share/fonts/truetype/nanum/NanumGothic.ttf",
    "/Library/Fonts/Arial Unicode.ttf",
    "/System/Library/Fonts/Supplemental/Arial Unicode.ttf",
    "C:/Windows/Fonts/msyh.ttc",
    "C:/Windows/Fonts/msgothic.ttc",
    "C:/Windows/Fonts/malgun.ttf",
    "C:/Windows/Fonts/simsun.ttc",
)
_JAPANESE, _SIMPLIFIED, _TRADITIONAL, _KOREAN = "HeiseiKakuGo-W5", "STSong-Light", "MSung-Light", "HYGothic-Medium"
# tried in this order for Chinese characters that come without kana or hangul
_BY_CHARACTER_SET = ((_SIMPLIFIED, "gb2312"), (_TRADITIONAL, "big5"), (_JAPANESE, "shift_jis"), (_KOREAN, "euc_kr"))


@cache
def register() -> frozenset[int]:
    """Make the fonts known to reportlab, once; gives the code points that Inter has."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfbase.ttfonts import TTFont

    folder = Path(render.__file__).parent / "fonts"
    glyphs: set[int] = set()
    for name, file in _FILES.items():
        font: Any = TTFont(name, str(folder / file))
        pdfmetrics.registerFont(font)
        glyphs = set(font.face.charToGlyph) if not glyphs else glyphs & set(font.face.charToGlyph)
    pdfmetrics.registerFontFamily(REGULAR, normal=REGULAR, bold=BOLD, italic=REGULAR, boldItalic=BOLD)
    for name in (_JAPANESE, _SIMPLIFIED, _TRADITIONAL, _KOREAN):
        pdfmetrics.registerFont(UnicodeCIDFont(name))
    return frozenset(glyphs)


@cache
def embeddable() -> tuple[tuple[str, frozenset[int]], ...]:
    """Installed CJK fonts that can be embedded, each with its code points; looked for when a text needs one."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFError, TTFont

    found = []
    for number, place in enumerate(_INSTALLED):
        if not Path(place).is_file():
            continue
        try:
            font: Any = TTFont(f"CJK-{number}", place)
        except (TTFError, OSError):
            continue  # damaged, or its makers forbid embedding
        pdfmetrics.registerFont(font)
        found.append((f"CJK-{number}", frozenset(font.face.charToGlyph)))
    return tuple(found)


def _is_cjk(character: str) -> bool:
    code = ord(character)
    return (
        0x3000 <= code <= 0x30FF
        or 0x3400 <= code <= 0x9FFF
        or 0xF900 <= code <= 0xFAFF
        or 0xFF00 <= code <= 0xFFEF
        or 0x1100 <= code <= 0x11FF
        or 0xAC00 <= code <= 0xD7AF
    )


def cjk_font(text: str) -> str:
    """A font that has every CJK character of a text; "" when none of them does."""
    characters = "".join(c for c in text if _is_cjk(c))
    if not characters:
        return ""
    for font, glyphs in embeddable():
        if all(ord(c) in glyphs for c in characters):
            return font
    if any(0x3040 <= ord(c) <= 0x30FF for c in characters):
        order: tuple[tuple[str, str], ...] = ((_JAPANESE, "shift_jis"),)
    elif any(0xAC00 <= ord(c) <= 0xD7AF or 0x1100 <= ord(c) <= 0x11FF for c in characters):
        order = ((_KOREAN, "euc_kr"),)
    else:
        order = _BY_CHARACTER_SET
    for font, character_set in order:
        try:
            characters.encode(character_set)
        except UnicodeEncodeError:
            continue
        return font
    return ""


def runs(text: str) -> list[tuple[str, str]]:
    """A text as (font or "" for Inter, part); a character that no font has is written as its code point."""
    known = register()
    font = cjk_font(text)

    def kind(character: str) -> str:
        if ord(character) in known or character in "\n\t\u00a0":
            return ""
        return font if _is_cjk(character) and font else "?"

    found: list[tuple[str, str]] = []
    for name, group in itertools.groupby(text, kind):
        if name == "?":
            # nothing of a report may vanish: better a code than an empty box
            found.append(("", "".join(f"[U+{ord(c):04X}]" for c in group)))
        else:
            found.append((name, "".join(group)))
    return found


def markup(text: str) -> str:
    """A text for reportlab's paragraphs: escaped, every part in a font that has it."""
    said = []
    for font, part in runs(text):
        clean = escape(part).replace("\n", "<br/>").replace("\t", " ")
        said.append(f'<font name="{font}">{clean}</font>' if font else clean)
    return "".join(said)


def draw(canvas: Any, x: float, y: float, text: str, font: str, size: float, *, right: bool = False) -> float:
    """Draw one line; gives its width in points."""
    from reportlab.pdfbase.pdfmetrics import stringWidth

    parts = [(name or font, part) for name, part in runs(text)]
    width = sum(float(stringWidth(part, name, size)) for name, part in parts)
    at = x - width if right else x
    for name, part in parts:
        canvas.setFont(name, size)
        canvas.drawString(at, y, part)
        at += float(stringWidth(part, name, size))
    return width


def fitted(text: str, font: str, size: float, room: float) -> str:
    """A line cut with an ellipsis to what fits into a width in points."""
    from reportlab.pdfbase.pdfmetrics import stringWidth

    def wide(line: str) -> float:
        return sum(float(stringWidth(part, name or font, size)) for name, part in runs(line))

    if wide(text) <= room:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if wide(text[:middle].rstrip() + "…") <= room else (low, middle - 1)
    return text[:low].rstrip() + "…"
