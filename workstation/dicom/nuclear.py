"""Tomographic nuclear medicine: frames placed by the first detector and a signed spacing. PS3.3 C.8.4.11."""

from __future__ import annotations

import numpy as np

from workstation.base.findings import Finding
from workstation.dicom import tags as el
from workstation.dicom.header import Header
from workstation.dicom.images import Image, image_of, six, triple
from workstation.dicom.words import finding


def frames_of(header: Header) -> tuple[list[Image], list[Finding]]:
    """Frames of a RECON TOMO object as images in space; other nuclear images are not volumes."""
    if "RECON TOMO" not in (w.upper() for w in header.words(el.IMAGE_TYPE)):
        return [], [finding("not_a_volume", kind="2D nuclear medicine", files=1)]
    whole = image_of(header)
    detector = header.item(el.DETECTOR_INFO)
    if detector is not None:
        whole.position = triple(detector.numbers(el.IPP)) or whole.position
        whole.orientation = six(detector.numbers(el.IOP)) or whole.orientation
    count = header.integer(el.FRAMES) or 1
    step = whole.stated_spacing if whole.stated_spacing else whole.thickness
    if whole.position is None or whole.orientation is None or not step:
        return [], [finding("geometry_missing", files=1)]
    o = np.array(whole.orientation)
    normal = np.cross(o[:3], o[3:])
    out = []
    for k in range(count):
        p = np.array(whole.position) + k * step * normal
        image = Image(
            header,
            frame=k,
            position=(float(p[0]), float(p[1]), float(p[2])),
            orientation=whole.orientation,
            spacing=whole.spacing,
            rows=whole.rows,
            columns=whole.columns,
            slope=whole.slope,
            intercept=whole.intercept,
            rescale_type=whole.rescale_type,
            image_type=whole.image_type,
            keys=dict(whole.keys),
            instance=whole.instance,
            thickness=whole.thickness,
            stated_spacing=abs(step),
            windows=whole.windows,
            frame_of_reference=whole.frame_of_reference,
        )
        out.append(image)
    return out, []
