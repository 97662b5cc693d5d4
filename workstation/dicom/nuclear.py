"""Tomographic nuclear medicine: frames placed by the first detector and a signed spacing. PS3.3 C.8.4.11."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from workstation.base.findings import Finding
from workstation.dicom import tags as el
from workstation.dicom.header import Header
from workstation.dicom.images import Image, image_of, six, triple
from workstation.dicom.words import finding

_TOMOGRAMS = {"RECON TOMO", "RECON GATED TOMO"}
_VECTORS = (("slice", el.SLICE_VECTOR), ("cardiac", el.TIME_SLOT_VECTOR), ("energy", el.ENERGY_VECTOR))


def frames_of(header: Header) -> tuple[list[Image], list[Finding]]:
    """Frames of a reconstructed tomogram, gated or not, as images in space; other nuclear images are not volumes.

    Which slice a frame is says the slice vector (0054,0080); energy windows and time slots of a gated one are told
    apart by theirs. Frames of several windows without vectors are not guessed at.
    """
    kind = {w.upper() for w in header.words(el.IMAGE_TYPE)} & _TOMOGRAMS
    if not kind:
        return [], [finding("not_a_volume", kind="2D nuclear medicine", files=1)]
    whole = image_of(header)
    detector = header.item(el.DETECTOR_INFO)
    if detector is not None:
        whole.position = triple(detector.numbers(el.IPP)) or whole.position
        whole.orientation = six(detector.numbers(el.IOP)) or whole.orientation
    count = header.integer(el.FRAMES) or 1
    step = whole.stated_spacing  # never the thickness: slices may overlap, or leave gaps
    vectors = {name: header.numbers(tag) for name, tag in _VECTORS}
    fit = {name: vector for name, vector in vectors.items() if len(vector) == count}
    slices = fit.get("slice", tuple(float(k + 1) for k in range(count)))
    unclear = "slice" not in fit and ("RECON GATED TOMO" in kind or len(set(fit.get("energy", (1.0,)))) > 1)
    if whole.position is None or whole.orientation is None or not step or unclear:
        return [], [finding("geometry_missing", files=1)]
    o = np.array(whole.orientation)
    normal = np.cross(o[:3], o[3:])
    out = []
    for k, number in enumerate(slices):
        p = np.array(whole.position) + (number - 1) * step * normal
        keys = dict(whole.keys)
        keys.update({name: vector[k] for name, vector in fit.items() if name != "slice"})
        place = (float(p[0]), float(p[1]), float(p[2]))
        out.append(replace(whole, frame=k, position=place, keys=keys, stated_spacing=abs(step)))
    return out, []
