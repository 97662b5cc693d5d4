"""Typefaces of burned-in text: Inter, and for scripts that it lacks an installed font that has every letter.

A line is drawn in one face, so that writing from right to left keeps its order. What no face has is never drawn as a
box: `legible` says so beforehand, and the caller finds other words.
"""

from __future__ import annotations

import os
import sys
import unicodedata
from functools import cache, lru_cache
from pathlib import Path

from PIL import ImageFont, features  # noqa: TID253 (as in text: what is drawn with it is loaded with the pictures)

FONTS = Path(__file__).parent / "fonts"
_NOWHERE = "\U0010fffe"  # a code point that no face has: how its missing letter looks
_NAMES = (
    "DejaVuSans.ttf", "NotoSansCJK-Regular.ttc", "NotoSansCJKjp-Regular.otf", "NotoSansCJKsc-Regular.otf",
    "NotoSansArabic-Regular.ttf", "NotoSansHebrew-Regular.ttf", "NotoSansThai-Regular.ttf",
    "NotoSansDevanagari-Regular.ttf", "DroidSansFallbackFull.ttf", "DroidSansFallback.ttf", "wqy-microhei.ttc",
    "wqy-zenhei.ttc", "fonts-japanese-gothic.ttf", "NanumGothic.ttf", "Arial Unicode.ttf", "PingFang.ttc",
    "AppleSDGothicNeo.ttc", "segoeui.ttf", "msyh.ttc", "YuGothM.ttc", "msgothic.ttc", "malgun.ttf", "simsun.ttc",
    "tahoma.ttf", "leelawui.ttf", "Nirmala.ttf", "Nirmala.ttc",
)  # fmt: skip


def _folders() -> tuple[Path, ...]:
    if sys.platform == "win32":
        return (Path(os.environ.get("WINDIR", "C:/Windows")) / "Fonts",)
    if sys.platform == "darwin":
        return (Path("/System/Library/Fonts"), Path("/Library/Fonts"), Path.home() / "Library/Fonts")
    own = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "fonts"
    return (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), own)


@cache
def installed() -> tuple[str, ...]:
    """Faces of other scripts on this machine, in the order in which they are asked; looked for when one is needed."""
    there: dict[str, str] = {}
    for folder in _folders():
        for at, _, files in os.walk(folder):
            for name in files:
                if name in _NAMES and name not in there:
                    there[name] = str(Path(at) / name)
    return tuple(there[name] for name in _NAMES if name in there)


@lru_cache(maxsize=64)
def inter(weight: str, pixels: int) -> ImageFont.FreeTypeFont:
    """The program's own face."""
    # the basic layout is everywhere the same; the other one depends on a library that may be missing
    return ImageFont.truetype(str(FONTS / f"Inter-{weight}.ttf"), pixels, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=64)
def _other(path: str, pixels: int) -> ImageFont.FreeTypeFont:
    layout = ImageFont.Layout.RAQM if features.check("raqm") else ImageFont.Layout.BASIC
    return ImageFont.truetype(path, pixels, layout_engine=layout)


@lru_cache(maxsize=8192)
def _has(path: str, letter: str) -> bool:
    """Whether a face has a letter; "" is Inter."""
    if letter.isspace() or unicodedata.category(letter) in ("Mn", "Cf"):
        return True
    try:
        font = inter("Regular", 24) if not path else ImageFont.truetype(path, 24, layout_engine=ImageFont.Layout.BASIC)
        one, none = font.getmask(letter), font.getmask(_NOWHERE)
    except (OSError, ValueError):
        return False
    return one.size != none.size or bytes(one) != bytes(none)


@lru_cache(maxsize=4096)
def _face(text: str) -> str | None:
    """Path of the face that has every letter of a text, "" for Inter, None where there is none."""
    if text.isascii() or all(_has("", letter) for letter in set(text)):
        return ""
    shaped = any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in text)
    if shaped and not features.check("raqm"):
        return None  # letter by letter from the left it would be another name
    return next((path for path in installed() if all(_has(path, letter) for letter in set(text))), None)


def legible(text: str) -> bool:
    """Whether a face has every letter of a text."""
    return _face(text) is not None


def face(text: str, weight: str, pixels: int) -> tuple[ImageFont.FreeTypeFont, str]:
    """The face for a line, and the line as it is to be drawn: a letter that no face has becomes a question mark."""
    path = _face(text)
    if path is None:
        return inter(weight, pixels), "".join(c if _has("", c) else "?" for c in text)
    return (_other(path, pixels) if path else inter(weight, pixels)), text
