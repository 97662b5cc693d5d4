"""Everything drawn over a picture: letters, corner texts, badges, band, scale bar, marks, cube.

Drawn once, here, for the screen and for the record, so that they cannot differ. Each piece of text is a cached
sprite (coverage of the glyphs and of their dark outline), so a picture's overlays cost about a millisecond.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from render.faces import face
from render.view import Labels, Mark, Plane

if TYPE_CHECKING:
    from render.view import Camera, View

Rgb = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]
Spot = tuple[float, float]

TEXT: Colour = (0xD6, 0xDA, 0xDF)
LETTER: Colour = (0xFF, 0xE0, 0x8A)
BADGE: Colour = (0xF2, 0xB2, 0x4A)
MARK: Colour = (0xF7, 0xD1, 0x54)
PROPOSED: Colour = (0xB8, 0xBE, 0xC6)
BAND_GROUND: Colour = (0x5A, 0x3A, 0x06)
_BAR_LENGTHS = (1, 2, 5, 10, 20, 50, 100, 200)  # millimetres
_PANE = 620  # points of width below which a picture is one of several panes
_SMALL = 300  # points of width or height from which lines are dropped
_TINY = 200  # and from which only the place is left of the lower ones: name, letters and badges need the room


@dataclass(frozen=True, eq=False)
class Sprite:
    """Coverage 0..1 of a text (`ink`) and of the outline under it (`halo`), float32 (height, width).

    `edge` pixels around the text box belong to the halo.
    """

    ink: npt.NDArray[np.float32]
    halo: npt.NDArray[np.float32]
    edge: int

    @property
    def width(self) -> int:
        """Without the outline."""
        return int(self.ink.shape[1]) - 2 * self.edge

    @property
    def height(self) -> int:
        """Line height, without the outline."""
        return int(self.ink.shape[0]) - 2 * self.edge


@lru_cache(maxsize=2048)
def sprite(text: str, pixels: int, weight: str = "Regular") -> Sprite:
    """A line of text, `pixels` high in type size; cached."""
    font, text = face(text, weight, pixels)
    edge = max(1, round(pixels / 12)) + 1
    ascent, descent = font.getmetrics()
    width = max(1, int(np.ceil(font.getlength(text))))
    image = Image.new("L", (width + 2 * edge, ascent + descent + 2 * edge), 0)
    ImageDraw.Draw(image).text((edge, edge), text, fill=255, font=font)
    halo = image.filter(ImageFilter.MaxFilter(2 * (edge - 1) + 1)).filter(ImageFilter.BoxBlur(0.6))
    ink = np.asarray(image, dtype=np.float32) / np.float32(255)
    return Sprite(ink, np.maximum(ink, np.asarray(halo, dtype=np.float32) / np.float32(255)), edge)


def _blend(rgb: Rgb, x: int, y: int, cover: npt.NDArray[np.float32], colour: Colour) -> None:
    """Lay a colour over the picture where `cover` says, clipped to the picture."""
    height, width = rgb.shape[:2]
    x0, y0 = max(0, x), max(0, y)
    x1, y1 = min(width, x + cover.shape[1]), min(height, y + cover.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    c = cover[y0 - y : y1 - y, x0 - x : x1 - x, None]
    part = rgb[y0:y1, x0:x1]
    part[:] = (part * (1 - c) + np.array(colour, dtype=np.float32) * c + np.float32(0.5)).astype(np.uint8)


def draw(rgb: Rgb, s: Sprite, x: float, y: float, colour: Colour) -> None:
    """Draw a sprite with its text box's top left corner at (x, y)."""
    left, top = round(x) - s.edge, round(y) - s.edge
    _blend(rgb, left, top, s.halo * np.float32(0.85), (0, 0, 0))
    _blend(rgb, left, top, s.ink, colour)


def shortened(text: str, pixels: int, room: float, weight: str = "Regular") -> str:
    """The text on one line, or as much of it as fits into `room` pixels with an ellipsis at its end."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    font, text = face(text, weight, pixels)
    if font.getlength(text) <= room:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if font.getlength(text[:middle].rstrip() + "…") <= room:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "…" if low else ""


def _hit(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


@dataclass
class Sheet:
    """A picture while it is being written on: its pixels, its scale, and what is taken already."""

    rgb: Rgb
    scale: float = 1.0
    taken: list[tuple[float, float, float, float]] = field(default_factory=list)
    """Boxes (left, top, right, bottom) of what has been drawn; nothing later covers them."""

    @property
    def width(self) -> int:
        return int(self.rgb.shape[1])

    @property
    def height(self) -> int:
        return int(self.rgb.shape[0])

    def px(self, points: float) -> int:
        """Points to pixels."""
        return max(1, round(points * self.scale))

    def place(self, s: Sprite, x: float, y: float, colour: Colour) -> None:
        """Draw a sprite inside the picture and remember where."""
        x = min(max(x, s.edge), max(s.edge, self.width - s.width - s.edge))
        y = min(max(y, s.edge), max(s.edge, self.height - s.height - s.edge))
        draw(self.rgb, s, x, y, colour)
        self.taken.append((x, y, x + s.width, y + s.height))

    def free(self, box: tuple[float, float, float, float]) -> bool:
        """Whether a box lies in the picture and hits nothing."""
        inside = box[0] >= 0 and box[1] >= 0 and box[2] <= self.width and box[3] <= self.height
        return inside and not any(_hit(box, other) for other in self.taken)


def write(
    rgb: Rgb,
    labels: Labels,
    *,
    letters: tuple[str, str, str, str] = ("", "", "", ""),
    mm_per_pixel: float | None = None,
    minimal: bool = False,
    scale: float = 1.0,
    cube: Camera | None = None,
) -> tuple[float, float, float] | None:
    """Write all texts into a picture, in place.

    Parameters
    ----------
    rgb : (height, width, 3) uint8
    letters : (left, right, top, bottom); drawn where `labels.letters` allows
    mm_per_pixel : for the scale bar; None in perspective, where there is none
    minimal : name, ID, letters, badges, band and position only
    scale : device pixels per point
    cube : camera whose orientation cube is drawn in the lower right, or None

    Returns
    -------
    where the cube stands: its middle (x, y) and half its edge in pixels; None without one
    """
    sheet = Sheet(rgb, scale)
    foot = _band(sheet, labels.band)
    if labels.letters:
        _letters(sheet, letters, foot)
    _corners(sheet, labels, foot, minimal=minimal)
    stands = None
    if cube is not None and not minimal and labels.letters:
        stands = _cube(sheet, cube, foot)
    if mm_per_pixel is not None and not minimal:
        _scale_bar(sheet, mm_per_pixel, foot)
    return stands


def _band(sheet: Sheet, text: str) -> float:
    """DRAFT, DEMO, SYNTHETIC across the lower edge; returns the height that it takes."""
    if not text:
        return 0.0
    size = sheet.px(12)
    height = sheet.px(19)
    sheet.rgb[-height:] = (sheet.rgb[-height:] * 0.15 + np.array(BAND_GROUND) * 0.85).astype(np.uint8)
    s = sprite(shortened(text, size, sheet.width - sheet.px(12), "SemiBold"), size, "SemiBold")
    sheet.place(s, (sheet.width - s.width) / 2, sheet.height - height + (height - s.height) / 2, (0xFF, 0xD9, 0x8F))
    sheet.taken.append((0, sheet.height - height, sheet.width, sheet.height))
    return float(height)


def _letters(sheet: Sheet, letters: tuple[str, str, str, str], foot: float) -> None:
    size = sheet.px(16)
    gap = sheet.px(6)
    left, right, top, bottom = (sprite(word, size, "SemiBold") if word else None for word in letters)
    middle = (sheet.height - foot) / 2
    if left:
        sheet.place(left, gap, middle - left.height / 2, LETTER)
    if right:
        sheet.place(right, sheet.width - gap - right.width, middle - right.height / 2, LETTER)
    if top:
        sheet.place(top, (sheet.width - top.width) / 2, gap / 2, LETTER)
    if bottom:
        sheet.place(bottom, (sheet.width - bottom.width) / 2, sheet.height - foot - gap / 2 - bottom.height, LETTER)


def _corners(sheet: Sheet, labels: Labels, foot: float, *, minimal: bool) -> None:
    """Corner texts; the first lines of each corner weigh most, lines that would meet something are left out.

    In the lower corners the first line stands at the very bottom, so the block grows upwards, and badges stand
    above it. Badges, and the first two lines of the upper left corner (name and ID), are always drawn.
    """
    size = sheet.px(12)
    gap = sheet.px(8)
    line = round(size * 1.32)
    small = min(sheet.width, sheet.height) < _SMALL * sheet.scale
    room = sheet.width / 2 - gap - sheet.px(18)  # the middle belongs to the letters
    top_left, top_right, bottom_left, bottom_right = (
        labels.top_left,
        labels.top_right,
        labels.bottom_left,
        labels.bottom_right,
    )
    if minimal:
        top_left, top_right, bottom_left, bottom_right = top_left[:2], (), (), bottom_right[:1]
    elif small:
        tiny = min(sheet.width, sheet.height) < _TINY * sheet.scale
        below = 0 if tiny else 2
        top_left, top_right, bottom_left = top_left[:2], top_right[:below], bottom_left[:below]
        bottom_right = bottom_right[: 1 if tiny else 2]

    def block(lines: tuple[str, ...], *, right: bool, below: bool, keep: int, colour: Colour, start: float) -> float:
        y = start
        for number, text in enumerate(lines):
            words = shortened(text, size, room)
            if not words:
                continue
            s = sprite(words, size)
            x = sheet.width - gap - s.width if right else gap
            top = sheet.height - foot - y - s.height if below else y
            if number >= keep and not sheet.free((x, top, x + s.width, top + s.height)):
                break
            sheet.place(s, x, top, colour)
            y += line
        return y

    block(top_left, right=False, below=False, keep=2, colour=TEXT, start=gap / 2)
    block(top_right, right=True, below=False, keep=0, colour=TEXT, start=gap / 2)
    # badges first: they may not be pushed out by other lines; the texts below them are counted beforehand
    under = min(len(bottom_left), max(0, int((sheet.height * 0.4 - foot) / line)))
    block(bottom_left[:under], right=False, below=True, keep=0, colour=TEXT, start=gap / 2)
    # a badge is never shortened for want of half a picture: where it meets something it goes above it
    _badges(sheet, labels.badges, foot + gap / 2 + under * line, sheet.width - 2 * gap - sheet.px(8), foot)
    block(bottom_right, right=True, below=True, keep=0, colour=TEXT, start=gap / 2)


def _badges(sheet: Sheet, badges: tuple[str, ...], from_bottom: float, room: float, foot: float) -> None:
    size = sheet.px(12)
    pad = sheet.px(4)
    y = from_bottom + sheet.px(4)
    for text in badges:
        s = sprite(shortened(text, size, room, "SemiBold"), size, "SemiBold")
        lowest_of_all = round(sheet.height - foot - s.height - sheet.px(4))
        lowest = round(sheet.height - y - s.height - 2)
        # where something stands already the badge goes above it; where the column is full, to the other side
        sides = (sheet.px(8), sheet.width - sheet.px(8) - s.width - 2 * pad)
        spots = ((x, top) for x in sides for top in range(lowest if x == sides[0] else lowest_of_all, 0, -1))
        left, top = next(
            (spot for spot in spots if sheet.free((spot[0], spot[1], spot[0] + s.width + 2 * pad, spot[1] + s.height))),
            (sides[0], lowest),
        )
        if left == sides[0]:
            y = sheet.height - top - s.height - 2
        box = sheet.rgb[max(0, top - 1) : top + s.height + 1, left : left + s.width + 2 * pad]
        box[:] = (box * 0.3 + np.array((0x1D, 0x15, 0x06)) * 0.7).astype(np.uint8)
        box[:, : max(1, pad // 2)] = BADGE
        sheet.place(s, left + pad, top, BADGE)
        if left == sides[0]:
            y += s.height + sheet.px(5)


def bar_length_mm(width_mm: float, share: float = 0.35) -> int | None:
    """Length of the scale bar: the largest of 1, 2, 5 ... 200 mm within 20 to 35 % of the picture's width.

    `share` is the most of the width that it may take (a quarter in small panes, where texts stand beside it).

    Where none falls into that range (very large or small fields), the largest not above it; None below 1 mm.
    """
    fitting = [n for n in _BAR_LENGTHS if n <= share * width_mm]
    return fitting[-1] if fitting else None


def _scale_bar(sheet: Sheet, mm_per_pixel: float, foot: float) -> None:
    share = 0.25 if sheet.width < _PANE * sheet.scale else 0.35
    length = bar_length_mm(sheet.width * mm_per_pixel, share)
    if length is None:
        return
    wide = length / mm_per_pixel
    s = sprite(f"{length} mm", sheet.px(12), "Medium")
    tall = sheet.px(9)
    gap, beside = sheet.px(4), sheet.px(12)  # a text beside it may not look like a part of it
    left = (sheet.width - wide) / 2
    y = sheet.height - foot - sheet.px(30)
    top_of_all = sheet.height * 0.55

    def box(bottom: float) -> tuple[float, float, float, float]:
        return (
            min(left, (sheet.width - s.width) / 2) - beside,
            bottom - tall - gap - s.height,
            max(left + wide, (sheet.width + s.width) / 2) + beside,
            bottom + gap,
        )

    while not sheet.free(box(y)) and y > top_of_all:
        y -= sheet.px(4)
    if not sheet.free(box(y)):
        return
    bottom = round(y)
    ends = [(round(left + wide * i / 5), 1.0 if i in {0, 5} else 0.55) for i in range(6)]
    thick = sheet.px(1.5)
    for colour, grow in (((0, 0, 0), 1), (TEXT, 0)):
        x0, x1 = ends[0][0], ends[-1][0]
        _fill(sheet.rgb, x0 - grow, bottom - grow, x1 + thick + grow, bottom + thick + grow, colour)
        for x, share in ends:
            _fill(sheet.rgb, x - grow, bottom - round(tall * share) - grow, x + thick + grow, bottom + grow, colour)
    sheet.taken.append(box(y))
    draw(sheet.rgb, s, (sheet.width - s.width) / 2, bottom - tall - gap - s.height, TEXT)


def _fill(rgb: Rgb, x0: int, y0: int, x1: int, y1: int, colour: Colour) -> None:
    rgb[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)] = colour


def _beside(sheet: Sheet, cx: float, cy: float, room: float) -> Spot:
    """The free place nearest to a corner's: a little to the left (letters stand at the edge), else further up."""
    step = sheet.px(4)
    left = [(cx - n * step, cy) for n in range(20)]
    up = [(cx, y) for y in np.arange(cy, room, -step)]
    for x, y in (*left, *up):
        if sheet.free((x - room, y - room, x + room, y + room)):
            return float(x), float(y)
    return cx, cy


def _cube(sheet: Sheet, camera: Camera, foot: float) -> tuple[float, float, float] | None:
    """Orientation cube in the lower right: the faces that the eye sees, lettered."""
    from render.camera import axes
    from render.geometry import letters as name

    half = sheet.px(20)
    if min(sheet.width, sheet.height) < 12 * half:
        return None
    right, down, forward = axes(camera)
    room = half * 1.75
    bottoms = [t[1] for t in sheet.taken if t[2] > sheet.width * 0.7 and t[1] > sheet.height * 0.6]
    cx = sheet.width - room - sheet.px(10)
    cy = min([sheet.height - foot, *bottoms]) - room - sheet.px(6)
    cx, cy = _beside(sheet, cx, cy, room)
    more = 4
    side = int(2 * room) + 2
    image = Image.new("L", (side * more, side * more), 0)
    lines = ImageDraw.Draw(image)
    texts = []
    for axis in range(3):
        for sign in (-1.0, 1.0):
            n = np.zeros(3)
            n[axis] = sign
            facing = -float(n @ forward)
            if facing <= 0.02:
                continue
            u, v = np.roll(np.abs(n), 1), np.roll(np.abs(n), 2)
            corners = [n + a * u + b * v for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
            flat = [((float(p @ right) * half + room) * more, (float(p @ down) * half + room) * more) for p in corners]
            lines.line([*flat, flat[0], flat[1]], fill=255, width=round(1.3 * sheet.scale * more), joint="curve")
            if facing > 0.25:
                texts.append((name(n), float(n @ right) * half, float(n @ down) * half, facing))
    cover = np.asarray(image.resize((side, side), Image.Resampling.BOX), dtype=np.float32) / np.float32(255)
    _blend(sheet.rgb, round(cx - room), round(cy - room), np.minimum(1, cover * 1.2), (0x98, 0xA1, 0xAB))
    for letter, x, y, facing in texts:
        s = sprite(letter, sheet.px(9 + 5 * facing), "SemiBold")
        draw(sheet.rgb, s, cx + x - s.width / 2, cy + y - s.height / 2, LETTER if facing > 0.5 else TEXT)
    sheet.taken.append((cx - room, cy - room, cx + room, cy + room))
    return cx, cy, float(half)


def line(rgb: Rgb, a: Spot, b: Spot, colour: Colour, width: float, *, dashed: bool = False) -> None:
    """A smooth line with a dark halo, between two points in pixels; clipped to the picture."""
    height, breadth = rgb.shape[:2]
    reach = width / 2 + 2
    x0, x1 = int(max(0, min(a[0], b[0]) - reach)), int(min(breadth, max(a[0], b[0]) + reach + 1))
    y0, y1 = int(max(0, min(a[1], b[1]) - reach)), int(min(height, max(a[1], b[1]) + reach + 1))
    if x0 >= x1 or y0 >= y1:
        return
    x, y = np.arange(x0, x1, dtype=np.float32)[None, :], np.arange(y0, y1, dtype=np.float32)[:, None]
    dx, dy = b[0] - a[0], b[1] - a[1]
    length2 = max(dx * dx + dy * dy, 1e-6)
    along = ((x - a[0]) * dx + (y - a[1]) * dy) / length2
    t = np.clip(along, 0, 1)
    away = np.hypot(x - a[0] - t * dx, y - a[1] - t * dy)
    ink = np.clip(width / 2 + 0.5 - away, 0, 1)
    halo = np.clip(width / 2 + 1.5 - away, 0, 1) * 0.7
    if dashed:
        period = 8 * width
        on = ((t * np.sqrt(length2)) % period) < period * 0.6
        ink, halo = ink * on, halo * on
    _blend(rgb, x0, y0, halo.astype(np.float32), (0, 0, 0))
    _blend(rgb, x0, y0, ink.astype(np.float32), colour)


_CLOSED = {"ellipse", "polygon", "diameter", "area"}


def marks(rgb: Rgb, drawn: tuple[tuple[Mark, npt.NDArray[np.float64]], ...], scale: float = 1.0) -> None:
    """Draw measurements, in place.

    Parameters
    ----------
    drawn : each mark with its points in pixels, (N, 2); a point that cannot be shown is NaN
    scale : device pixels per point
    """
    sheet = Sheet(rgb, scale)
    for mark, points in drawn:
        if not len(points) or not np.isfinite(points).all():
            continue
        colour = MARK if mark.accepted else PROPOSED
        _shape(sheet, mark, [(float(x), float(y)) for x, y in points], colour)
    for mark, points in drawn:
        if mark.text and len(points) and np.isfinite(points).all():
            _value(sheet, mark, points)


def _shape(sheet: Sheet, mark: Mark, p: list[Spot], colour: Colour) -> None:
    width = 1.5 * sheet.scale
    dashed = not mark.accepted

    def join(a: Spot, b: Spot) -> None:
        line(sheet.rgb, a, b, colour, width, dashed=dashed)

    if mark.kind == "point" or len(p) == 1:
        x, y = p[0]
        r = 5 * sheet.scale
        line(sheet.rgb, (x - r, y), (x + r, y), colour, width)
        line(sheet.rgb, (x, y - r), (x, y + r), colour, width)
        return
    if mark.kind in {"bidirectional", "cobb"} and len(p) == 4:
        pairs = [(p[0], p[1]), (p[2], p[3])]
    elif mark.kind == "ellipse" and len(p) == 2:
        (x0, y0), (x1, y1) = p
        turn = np.linspace(0, 2 * np.pi, 49)
        ring = [
            ((x0 + x1) / 2 + (x1 - x0) / 2 * float(np.cos(t)), (y0 + y1) / 2 + (y1 - y0) / 2 * float(np.sin(t)))
            for t in turn
        ]
        pairs = list(itertools.pairwise(ring))
    else:
        pairs = list(itertools.pairwise(p))
        if mark.kind in _CLOSED and len(p) > 2:
            pairs.append((p[-1], p[0]))
    for a, b in pairs:
        join(a, b)
    if mark.kind in {"length", "bidirectional"}:
        for a, b in pairs:
            _ends(sheet, a, b, colour, width)


def _ends(sheet: Sheet, a: Spot, b: Spot, colour: Colour, width: float) -> None:
    """Short strokes across the two ends of a length: the end itself is their middle."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = max(float(np.hypot(dx, dy)), 1e-6)
    u = (-dy / length * 4.5 * sheet.scale, dx / length * 4.5 * sheet.scale)
    for x, y in (a, b):
        line(sheet.rgb, (x - u[0], y - u[1]), (x + u[0], y + u[1]), colour, width)


def _value(sheet: Sheet, mark: Mark, points: npt.NDArray[np.float64]) -> None:
    """The printed value beside its mark, where it covers no other value and stays in the picture."""
    size = sheet.px(12)
    s = sprite(shortened(mark.text, size, sheet.width * 0.6, "Medium"), size, "Medium")
    x0, y0 = points.min(axis=0)
    x1, y1 = points.max(axis=0)
    if x1 < 0 or y1 < 0 or x0 >= sheet.width or y0 >= sheet.height:
        return
    gap = sheet.px(8)
    middle = points.mean(axis=0)
    tries = [
        (x1 + gap, middle[1] - s.height / 2),
        (middle[0] - s.width / 2, y1 + gap),
        (x0 - gap - s.width, middle[1] - s.height / 2),
        (middle[0] - s.width / 2, y0 - gap - s.height),
    ]
    for x, y in tries:
        if sheet.free((x - 2, y - 2, x + s.width + 2, y + s.height + 2)):
            sheet.place(s, x, y, MARK if mark.accepted else PROPOSED)
            return
    sheet.place(s, *tries[0], MARK if mark.accepted else PROPOSED)


def marks_in_plane(view: View, plane: Plane, near_mm: float) -> tuple[tuple[Mark, npt.NDArray[np.float64]], ...]:
    """The marks that lie within `near_mm` of a plane, with their points in pixels."""
    from render.planes import corner, normal

    n = normal(plane)
    start = corner(plane, view.size)
    shown = []
    for mark in view.marks:
        d = np.array(mark.points_lps_mm, dtype=np.float64).reshape(-1, 3) - start
        if len(d) and float(np.abs(d @ n).max()) <= near_mm:
            x, y = d @ np.array(plane.right_lps), d @ np.array(plane.down_lps)
            shown.append((mark, np.stack([x, y], axis=1) / plane.mm_per_pixel))
    return tuple(shown)
