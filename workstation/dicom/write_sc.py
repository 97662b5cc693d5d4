"""A captured view as a Secondary Capture that every archive takes and every viewer shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from render.geometry import letters
from workstation.dicom import codes
from workstation.dicom.write_common import (
    anatomy,
    begin,
    clipped,
    coded,
    date_text,
    instance,
    local_time,
    moment,
    person_name,
    put,
    text_of,
    time_text,
)
from workstation.dicom.written import SC_CLASS, Equipment

if TYPE_CHECKING:
    from render.picture import Picture
    from workstation.dicom.accepted import CaptureLike

SERIES_DESCRIPTION = "3D pictures"
PRIVATE_GROUP, PRIVATE_CREATOR = 0x0071, "RENDERDESK 1.0"
_IMAGE_TYPE = {"vr": "VOLREN", "ssd": "SURFACE", "mip": "MIP", "minip": "MINIP", "mean": "MEAN", "mpr": "MPR"}


def secondary_capture(
    source: Dataset,
    picture: Picture,
    capture: CaptureLike,
    *,
    sources: Sequence[tuple[str, str]],
    series_number: int,
    instance_number: int,
    equipment: Equipment,
    now: datetime,
    technique_words: str,
    comments: str = "",
    preset: str = "",
    orientation: tuple[str, str] | None = None,
    lossy: bool = False,
    recognisable: bool = False,
    body_part: str = "",
    study: Mapping[str, str] | None = None,
) -> Dataset:
    """A picture for the record as Secondary Capture (PS3.3 A.8.1), colour, text burned in.

    A true plane carries its place (position, orientation, spacing in the source's frame of reference);
    a picture in 3D carries the letters of its edges and no millimetres.

    Parameters
    ----------
    source : header of one source slice
    picture : RGB pixels with text burned in, and their place
    capture : who made and released it, its recipe and UIDs
    sources : (SOP class, SOP instance) of the images it was made from
    technique_words : for a person, for example "Volume rendering, preset CT-Bone 1.2, 226 HU"
    comments : ImageComments; DRAFT is put before it until a physician has released the picture
    orientation : letters of the row and column direction, when they are not to be told from the picture
    recognisable : a face may be recognised in it
    """
    view = capture.view
    at = local_time(now, source)
    ds = begin(
        source,
        sop_class=SC_CLASS,
        sop_uid=capture.sop_uid,
        series_uid=capture.series_uid,
        series_number=series_number,
        instance_number=instance_number,
        modality=text_of(source, "Modality") or "OT",
        description=SERIES_DESCRIPTION,
        equipment=equipment,
        now=now,
        study=study,
    )
    anatomy(ds, source, body_part)
    made = moment(capture.made_at, at)
    ds.ContentDate, ds.ContentTime = date_text(made), time_text(made)
    ds.DateOfSecondaryCapture, ds.TimeOfSecondaryCapture = date_text(made), time_text(made)
    ds.ConversionType = "WSD"
    ds.ImageType = ["DERIVED", "SECONDARY", _IMAGE_TYPE.get(str(view.technique.value), "OTHER")]
    released = capture.state == "released" and capture.released_by is not None
    said = [] if released else ["DRAFT, not released by a physician"]
    ds.ImageComments = ". ".join(part for part in (*said, capture.title, technique_words, comments) if part)
    here = ds.ContributingEquipmentSequence[0]
    here.OperatorsName = person_name(capture.made_by.name)
    if capture.released_by is not None and released:
        when = f" at {capture.released_at}" if capture.released_at else ""
        here.ContributionDescription = (
            f"Made on an independent 3D workstation; released by {capture.released_by.name}{when}"
        )
    _derivation(ds, picture, capture, technique_words, preset)
    ds.SourceImageSequence = Items([_source(*pair) for pair in sources])
    _place(ds, source, picture, orientation)
    rgb = np.ascontiguousarray(picture.rgb)
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PlanarConfiguration = 3, "RGB", 0
    ds.Rows, ds.Columns = int(rgb.shape[0]), int(rgb.shape[1])
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    raw = rgb.tobytes()
    ds.add_new("PixelData", "OB", raw + b"\0" * (len(raw) % 2))
    ds.BurnedInAnnotation = "YES"
    ds.RecognizableVisualFeatures = "YES" if recognisable else "NO"
    _loss(ds, source, lossy)
    block = ds.private_block(PRIVATE_GROUP, PRIVATE_CREATOR, create=True)
    block.add_new(0x01, "UT", picture.view.to_json().decode())
    block.add_new(0x02, "LO", picture.view.digest)
    return ds


def recipe_of(ds: Dataset) -> str | None:
    """JSON of the View from which a capture of ours was made; None in others' files."""
    try:
        return str(ds.private_block(PRIVATE_GROUP, PRIVATE_CREATOR)[0x01].value)
    except KeyError:
        return None


def _source(sop_class: str, sop_uid: str) -> Dataset:
    item = instance(sop_class, sop_uid)
    item.PurposeOfReferenceCodeSequence = Items([coded(codes.SOURCE_IMAGE)])
    return item


def _derivation(ds: Dataset, picture: Picture, capture: CaptureLike, words: str, preset: str) -> None:
    view = capture.view
    parts = [words, *([f"preset {preset}"] if preset else []), f"renderer {picture.renderer}"]
    if view.window is not None:
        parts.append(f"window {view.window.center:g}/{view.window.width:g}")
    if view.slab is not None:
        parts.append(f"slab {view.slab.mode} {view.slab.thickness_mm:g} mm")
    parts += [f"threshold {s.low:g}" + (f" to {s.high:g}" if s.high is not None else "") for s in view.surfaces]
    parts += list(capture.removals)
    ds.DerivationDescription = clipped("; ".join(parts), 1024)
    found = [codes.DERIVATIONS[str(view.technique.value)]]
    if view.is_plane and view.slab is not None and view.slab.mode in ("mip", "minip"):
        found = [codes.MIP if view.slab.mode == "mip" else codes.MINIP, codes.MULTIPLANAR]
    elif view.is_plane and codes.MULTIPLANAR not in found:
        found.append(codes.MULTIPLANAR)
    ds.DerivationCodeSequence = Items([coded(c) for c in found])


def _place(ds: Dataset, source: Dataset, picture: Picture, orientation: tuple[str, str] | None) -> None:
    """Place of a true plane; of a picture in 3D only the letters (PS3.3 C.7.6.1.1.1 knows H and F, never S and I)."""
    plane = picture.view.is_plane and picture.mm_per_pixel is not None
    corner, right, down = picture.corner_lps_mm, picture.right_lps, picture.down_lps
    if plane and corner is not None and right is not None and down is not None and picture.mm_per_pixel is not None:
        if text_of(source, "FrameOfReferenceUID"):
            ds.FrameOfReferenceUID = text_of(source, "FrameOfReferenceUID")
            ds.PositionReferenceIndicator = text_of(source, "PositionReferenceIndicator")
        ds.ImagePositionPatient = [_ds(v) for v in corner]
        ds.ImageOrientationPatient = [_ds(v) for v in (*right, *down)]
        ds.PixelSpacing = [_ds(picture.mm_per_pixel)] * 2
        ds.PatientOrientation = list(orientation or (letters(right), letters(down)))
        return
    _, right_letters, _, bottom = picture.letters
    pair = orientation or (_standard(right_letters), _standard(bottom))
    ds.PatientOrientation = list(pair) if all(pair) else ""


def _ds(value: float) -> float:
    """A number that fits the 16 characters of a decimal string: here 1e-8 mm and better."""
    return round(float(value), 8) + 0.0


def _standard(edge: str) -> str:
    return edge.upper().replace("S", "H").replace("I", "F")


def _loss(ds: Dataset, source: Dataset, lossy: bool) -> None:
    """A picture of images compressed with loss is lossy too (PS3.3 C.7.6.1.1.5)."""
    if not lossy and text_of(source, "LossyImageCompression") != "01":
        ds.LossyImageCompression = "00"
        return
    ds.LossyImageCompression = "01"
    for keyword in ("LossyImageCompressionRatio", "LossyImageCompressionMethod"):
        if text_of(source, keyword):
            put(ds, keyword, source.get(keyword))
