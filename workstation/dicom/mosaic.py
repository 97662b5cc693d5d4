"""Scanner mosaics: one stored picture that holds the slices of a volume as tiles. DICOM page 1.3."""

from __future__ import annotations

import math
import struct
from dataclasses import replace

import numpy as np

from workstation.base.findings import Finding
from workstation.dicom import tags as el
from workstation.dicom.fields import Fields, private
from workstation.dicom.header import Header
from workstation.dicom.images import Image, image_of, six, triple
from workstation.dicom.words import finding

_MOST_TILES = 1024
_TILES = 0x0A  # (0019,xx0A), NumberOfImagesInMosaic


OF_TILES = frozenset((el.IMAGE_TYPE, private(el.SIEMENS_MR, _TILES)))
"""Elements by which `is_tiled` tells; private ones as `fields.folded` gives them."""


def is_tiled(header: Fields) -> bool:
    """Whether a file's picture holds several slices."""
    return is_mosaic(header) or is_vframe(header)


def is_mosaic(header: Fields) -> bool:
    """Whether a file is a Siemens mosaic, by the token of its image type or the number of its tiles (0019,xx0A)."""
    if "MOSAIC" in (w.upper() for w in header.words(el.IMAGE_TYPE)):
        return True
    tiles = header.private_numbers(*el.SIEMENS_MR, _TILES, "H")
    return bool(tiles) and tiles[0] > 1


def is_vframe(header: Fields) -> bool:
    """Whether a file is a United Imaging picture of tiles."""
    return "VFRAME" in (w.upper() for w in header.words(el.IMAGE_TYPE))


def tiles_of(header: Header) -> tuple[list[Image], list[Finding]]:
    """The tiles of a mosaic as images in space; a finding where the maker's header does not tell them."""
    try:
        images = _vframe(header) if is_vframe(header) else _siemens(header)
    except (ValueError, KeyError, struct.error, IndexError):
        images = None
    if not images:
        return [], [finding("mosaic_undecoded", files=1)]
    return images, []


def _siemens(header: Header) -> list[Image] | None:
    """Tiles in rows from the top left; the file's position is that of the whole picture's corner."""
    found = header.private(*el.SIEMENS_CSA, 0x10)
    if found is None:
        return None
    csa = read_csa(header.long(_tag_of(header, el.SIEMENS_CSA[0], el.SIEMENS_CSA[1], 0x10)))
    count = int(csa["NumberOfImagesInMosaic"][0])
    normal = np.array([float(v) for v in csa["SliceNormalVector"][:3]])
    whole = image_of(header)
    if whole.position is None or whole.orientation is None or whole.spacing is None or not 1 <= count <= _MOST_TILES:
        return None
    across = math.ceil(math.sqrt(count))
    rows, columns = whole.rows // across, whole.columns // across
    if rows < 1 or columns < 1 or normal.shape != (3,) or abs(float(np.linalg.norm(normal)) - 1) > 0.01:
        return None
    gap = whole.stated_spacing
    if gap is None or gap <= 0:
        return None
    r, c = np.array(whole.orientation[:3]), np.array(whole.orientation[3:])
    if abs(abs(float(np.cross(r, c) @ normal)) - 1) > 0.01:
        return None
    row_mm, column_mm = whole.spacing
    corner = (
        np.array(whole.position) + r * column_mm * (whole.columns - columns) / 2 + c * row_mm * (whole.rows - rows) / 2
    )
    return [_tile(whole, k, corner + k * gap * normal, rows, columns) for k in range(count)]


def _vframe(header: Header) -> list[Image] | None:
    """United Imaging: the place of every tile stands in a private sequence (0065,1051)."""
    items = header.private_items(*el.UIH, 0x51)
    if not items:
        return None
    whole = image_of(header)
    if whole.spacing is None:
        return None
    count = len(items)
    if not 2 <= count <= _MOST_TILES:
        return None
    across, rows, columns = _layout(whole.rows, whole.columns, count)
    if across * columns > whole.columns or math.ceil(count / across) * rows > whole.rows:
        return None
    out = []
    for k, item in enumerate(items):
        position, orientation = triple(item.numbers(el.IPP)), six(item.numbers(el.IOP)) or whole.orientation
        if position is None or orientation is None:
            return None
        tile = _tile(whole, k, np.array(position), rows, columns)
        tile.orientation = orientation
        out.append(tile)
    return out


def _layout(rows: int, columns: int, count: int) -> tuple[int, int, int]:
    """(tiles in a row, rows, columns of a tile): square tiles that fill the picture."""
    for side in range(min(rows, columns), 0, -1):
        if rows % side == 0 and columns % side == 0:
            across, down = columns // side, rows // side
            if across * down >= count > across * (down - 1):
                return across, side, side
    raise ValueError("no layout fits")


def _tile(whole: Image, k: int, position: np.ndarray, rows: int, columns: int) -> Image:
    keys = dict(whole.keys)
    keys["file"] = float(whole.instance or 0)
    return replace(
        whole,
        frame=k,
        position=(float(position[0]), float(position[1]), float(position[2])),
        rows=rows,
        columns=columns,
        tile=(rows, columns),
        keys=keys,
        extra=dict(whole.extra),
    )


def _tag_of(header: Header, group: int, creator: str, low: int) -> int:
    """Full tag of a private element."""
    for block in range(0x10, 0x100):
        if header.text((group << 16) | block).casefold() == creator.casefold():
            tag = (group << 16) | (block << 8) | low
            if tag in header.tags:
                return tag
    raise KeyError(low)


def read_csa(data: bytes) -> dict[str, list[str]]:
    """Elements of a Siemens CSA header (the SV10 form), those with values.

    Raises
    ------
    ValueError, struct.error
        If it is none, or broken.
    """
    if data[:4] != b"SV10":
        raise ValueError("no CSA header")
    count = struct.unpack_from("<I", data, 8)[0]
    if not 1 <= count <= 1024:
        raise ValueError("an absurd CSA header")
    at = 16
    length_of = struct.Struct("<4i").unpack_from
    out: dict[str, list[str]] = {}
    for _ in range(count):
        name = data[at : at + 64].split(b"\0")[0].decode("latin-1")
        items = struct.unpack_from("<i", data, at + 76)[0]
        at += 84
        if not 0 <= items <= 4096:
            raise ValueError("an absurd CSA header")
        values = []
        for _ in range(items):
            length = length_of(data, at)[1]
            at += 16
            if length < 0 or at + length > len(data):
                raise ValueError("a CSA header that ends early")
            if not length:  # most of them
                continue
            text = data[at : at + length].split(b"\0")[0].decode("latin-1").strip()
            if text:
                values.append(text)
            at += (length + 3) // 4 * 4
        if values:
            out[name] = values
    return out
