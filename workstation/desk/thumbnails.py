"""Thumbnails: one small grey picture for each series, without letters, in files whose names say nothing."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from workstation.base.atomic import make_folder, write_bytes
from workstation.base.errors import RenderDeskError
from workstation.dicom.middle import middle_slice

if TYPE_CHECKING:
    from workstation.desk.place import Place
    from workstation.dicom.found import SeriesFound

SIDE = 128
"""Pixels of the longer side."""
_SOFT_TISSUE = (-160.0, 240.0)


def thumbnail_name(place: Place, series_uid: str) -> str:
    """File name of a series' thumbnail: a digest that starts from this installation's own identifier."""
    return hashlib.sha256(f"{place.installation}\n{series_uid}".encode()).hexdigest()[:24] + ".png"


def thumbnail_path(place: Place, series_uid: str) -> Path:
    """Where the thumbnail of a series lies, if there is one."""
    return place.home / "thumbnails" / thumbnail_name(place, series_uid)


def thumbnail_places(place: Place, study_uid: str) -> list[str]:
    """Thumbnails of a study that there are, relative to the home."""
    paths = (thumbnail_path(place, uid) for uid in place.library.series_of(study_uid))
    return [p.relative_to(place.home).as_posix() for p in paths if p.is_file()]


def make_thumbnail(place: Place, series: SeriesFound) -> None:
    """Make the thumbnail of a series of slices, once; other series (captures, reports, scans of paper) have none."""
    path = thumbnail_path(place, series.series_uid)
    if path.is_file() or not series.volumes:
        return
    found = max(series.volumes, key=lambda v: v.geometry.shape[0])
    values = middle_slice(found)
    if values is None:
        return
    _, down, across = found.geometry.spacing_mm
    png = thumbnail_png(values, (down, across), found.units, inverted=found.facts.get("photometric") == "MONOCHROME1")
    try:
        make_folder(path.parent)
        write_bytes(path, png)
    except RenderDeskError:
        return  # a picture of convenience stops no import


def thumbnail_png(
    values: npt.NDArray[np.float32], spacing_mm: tuple[float, float], units: str, *, inverted: bool = False
) -> bytes:
    """PNG of a slice, at most 128 pixels long, in its true proportions.

    Parameters
    ----------
    values : (rows, columns) modality values
    spacing_mm : between rows, between columns
    units : HU are shown in a soft-tissue window, others between their 1st and 99th percentile
    inverted : shown with light and dark exchanged (MONOCHROME1)
    """
    from PIL import Image

    from workstation.desk.png import png_bytes

    low, high = _SOFT_TISSUE if units == "HU" else (float(p) for p in np.percentile(values, (1.0, 99.0)))
    grey = np.clip((values - low) * (255.0 / max(high - low, 1e-6)), 0, 255).astype(np.uint8)
    if inverted:
        grey = 255 - grey
    height, width = grey.shape[0] * spacing_mm[0], grey.shape[1] * spacing_mm[1]
    scale = SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.BOX))
    return png_bytes(np.repeat(small[..., None], 3, axis=2), fast=False)


def thumbnail(place: Place, series_uid: str) -> bytes | None:
    """The PNG of a series, or None."""
    try:
        return thumbnail_path(place, series_uid).read_bytes()
    except OSError:
        return None


def study_thumbnail(place: Place, study_uid: str) -> bytes | None:
    """The PNG of the study's largest series that has one, or None."""
    for uid in place.library.series_of(study_uid):
        png = thumbnail(place, uid)
        if png is not None:
            return png
    return None
