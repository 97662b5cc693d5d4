"""A series from the headers of its files: its volumes, checked, or why there are none."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from render.errors import GeometryError
from render.geometry import Geometry
from workstation.base.findings import Finding
from workstation.dicom import decoders
from workstation.dicom import tags as el
from workstation.dicom.decode import plain_pixels
from workstation.dicom.describe import facts_of, is_lossy, units_of
from workstation.dicom.fields import Fields
from workstation.dicom.found import Frame, SeriesFound, VolumeFound
from workstation.dicom.header import Header
from workstation.dicom.images import CT_CLASSES, KINDS, MODALITIES, MULTI_FRAME, NUCLEAR, SINGLE_FRAME, Image, image_of
from workstation.dicom.sides import doubts_about_sides
from workstation.dicom.split import hard_split
from workstation.dicom.stack import FEW_SLICES, Stack, stacks_of
from workstation.dicom.suits import eligible, score
from workstation.dicom.words import finding


def series_found(series_uid: str, headers: Sequence[Header], *, mixed: bool = False) -> SeriesFound:
    """One series. `mixed`: its study holds several patients, so that nothing may be opened."""
    findings: list[Finding] = []
    images: list[Image] = []
    flat: dict[str, int] = defaultdict(int)
    image_files = empty = 0
    first = headers[0]
    for header in headers:
        is_image = el.ROWS in header and (header.pixel is not None or el.COLUMNS in header)
        image_files += is_image
        if not is_image:
            empty += header.sop_class in SINGLE_FRAME or header.sop_class in MULTI_FRAME
            continue
        kind = header.common("flat", _OF_KIND, _flat_kind)
        if kind:
            flat[kind] += 1
            continue
        made, noted = _images_of(header)
        images.extend(made)
        findings.extend(noted)
    findings.extend(finding("not_a_volume", kind=kind, files=n) for kind, n in flat.items())
    if empty:
        findings.append(finding("unreadable", n=empty, why="no picture is in it", files=empty))
    volumes: list[VolumeFound] = []
    groups = hard_split(images)
    stacks: list[Stack] = []
    for group in groups:
        made_stacks, noted = stacks_of(group)
        stacks.extend(made_stacks)
        findings.extend(noted)
    planning = _planning_stacks(groups, stacks)
    scouts = sum("LOCALIZER" in i.image_type for i in images)
    cut = _incomplete_concatenations(headers)
    findings.extend(cut.values())
    localizer = None
    if planning or scouts:
        localizer = finding("localizer", n=max(1, len(planning)), files=scouts or len(images))
        findings.append(localizer)
    modality = first.text(el.MODALITY).upper() or MODALITIES.get(first.sop_class, "OT")
    study_uid = first.text(el.STUDY_UID)
    for stack in stacks:
        extra = [localizer] if localizer is not None and stack in planning else []
        if cut:
            extra.extend({id(f): f for i in stack.images if (f := cut.get(i.header.text(el.CONCATENATION)))}.values())
        volume = _volume(stack, modality, study_uid, series_uid, (*stack.findings, *extra), mixed)
        if isinstance(volume, Finding):
            findings.append(volume)
        else:
            volumes.append(volume)
    findings = [*(f for f in findings if f.code != "single_slice"), *_alone(findings)]
    findings.extend(_header_findings(headers))
    return SeriesFound(
        series_uid=series_uid,
        number=first.integer(el.SERIES_NUMBER),
        modality=modality,
        description=first.text(el.SERIES_DESCRIPTION),
        images=image_files,
        volumes=tuple(volumes),
        findings=merged(findings),
        files=tuple(h.path for h in headers),
    )


_OF_KIND = frozenset((el.SOP_CLASS, el.FRAMES, el.MODALITY, el.PHOTOMETRIC, el.SAMPLES))


def _flat_kind(header: Fields) -> str:
    """What an image is called that is no part of a volume; "" for one that may be."""
    sop_class = header.text(el.SOP_CLASS)
    frames = header.integer(el.FRAMES) or 1
    known = sop_class in SINGLE_FRAME or sop_class in MULTI_FRAME or (sop_class == NUCLEAR and frames > 1)
    if not known:
        return KINDS.get(sop_class, header.text(el.MODALITY).upper() or "of an unknown kind")
    photometric = header.text(el.PHOTOMETRIC).upper()
    if (header.integer(el.SAMPLES) or 1) > 1 or (photometric and not photometric.startswith("MONOCHROME")):
        return "colour"
    if sop_class in SINGLE_FRAME and frames > 1:
        return "frames without a place of their own"
    return ""


def _images_of(header: Header) -> tuple[list[Image], list[Finding]]:
    """Images of a file: one, its frames, or the tiles of a mosaic."""
    if header.sop_class in MULTI_FRAME:
        from workstation.dicom.multiframe import frames_of

        return frames_of(header)
    if header.sop_class == NUCLEAR:
        from workstation.dicom.nuclear import frames_of as nuclear_frames

        return nuclear_frames(header)
    from workstation.dicom.mosaic import OF_TILES, is_tiled

    if header.common("tiled", OF_TILES, is_tiled):
        from workstation.dicom.mosaic import tiles_of

        return tiles_of(header)
    return [image_of(header)], []


def _alone(findings: Iterable[Finding]) -> list[Finding]:
    """One sentence for all images that have no neighbour: moments of one slice, planes around an axis."""
    n = sum(f.files for f in findings if f.code == "single_slice")
    return [finding("single_slice", n=n, files=n)] if n else []


def _incomplete_concatenations(headers: Sequence[Header]) -> dict[str, Finding]:
    """Findings by ConcatenationUID (0020,9161) of objects sent in several files, some of which are not here.

    Those that are all here need nothing: their frames are put in order like any others.
    """
    parts: dict[str, set[int]] = defaultdict(set)
    of: dict[str, int] = defaultdict(int)
    files: dict[str, int] = defaultdict(int)
    for header in headers:
        uid = header.text(el.CONCATENATION)
        if uid:
            number = header.integer(el.CONCATENATION_PART) or 0
            parts[uid].add(number)
            files[uid] += 1
            of[uid] = max(of[uid], number, header.integer(el.CONCATENATION_PARTS) or 0)
    return {
        uid: finding("concatenation_incomplete", a=len(there), b=of[uid], files=files[uid])
        for uid, there in parts.items()
        if len(there) < of[uid]
    }


def _planning_stacks(groups: list[list[Image]], stacks: list[Stack]) -> list[Stack]:
    """Stacks of a localiser: those with its token, or all where three orientations have few slices each."""
    by_token = [stack for stack in stacks if "LOCALIZER" in stack.images[0].image_type]
    orientations = [g for g in groups if g[0].orientation is not None]
    if len(orientations) < 3 or any(len(g) >= FEW_SLICES for g in orientations):
        return by_token
    normals: list[np.ndarray] = []
    for group in orientations:
        o = np.array(group[0].orientation)
        n = np.cross(o[:3], o[3:])
        if all(abs(float(n @ other)) < 0.9 for other in normals):
            normals.append(n)
    return stacks if len(normals) >= 3 else by_token


def _volume(
    stack: Stack, modality: str, study_uid: str, series_uid: str, findings: Iterable[Finding], mixed: bool
) -> VolumeFound | Finding:
    images = stack.images
    first = images[0]
    shape = (len(stack.slices), first.rows, first.columns)
    try:
        geometry = Geometry(shape, stack.affine_lps, first.frame_of_reference)
    except GeometryError:
        return finding("geometry_missing", files=len(images))
    noted = list(findings)
    if stack.positions_lps is not None or not geometry.is_regular:
        noted.append(finding("resampled"))
    noted.extend(doubts_about_sides(images, stack.affine_lps))
    units = units_of(modality, images)
    if first.header.sop_class in CT_CLASSES and units != "HU":
        noted.append(finding("not_hu", files=len(images)))
    lossy, ratio = is_lossy(images)
    if lossy:
        noted.append(finding("lossy", r=ratio, files=len(images)))
    unknown = {i.header.syntax for i in images if not decoders.supported(i.header.syntax)}
    noted.extend(finding("syntax_unsupported", name=decoders.name_of(syntax)) for syntax in sorted(unknown))
    facts = facts_of(stack, modality)
    if modality == "PT" and facts["suv"] is None:
        noted.append(finding("suv_unavailable", tag=facts["suv_missing"]))
    whole = all(
        i.table is not None or (float(i.slope).is_integer() and float(i.intercept).is_integer()) for i in images
    )
    frames = tuple(None if i is None else _frame_of(i) for i in stack.slices)
    contrast = bool(facts["contrast"])
    points, reasons = score(
        gap_mm=stack.gap_mm,
        thickness_mm=first.thickness,
        image_type=first.image_type,
        kernel=str(facts["kernel"] or ""),
        manufacturer=str(facts["manufacturer"]),
        contrast=contrast,
        findings=noted,
        lossy=lossy,
    )
    voxels = shape[0] * shape[1] * shape[2]
    positions = None
    if stack.positions_lps is not None:
        positions = tuple((float(p[0]), float(p[1]), float(p[2])) for p in stack.positions_lps)
    return VolumeFound(
        id=_volume_id(series_uid, stack),
        study_uid=study_uid,
        series_uid=series_uid,
        geometry=geometry,
        frames=frames,
        units=units,
        modality=modality,
        suits_3d=not mixed and eligible(modality, first.image_type, shape[0], noted),
        score=points,
        score_reasons=reasons,
        positions_lps=positions,
        filled=stack.filled,
        phase=stack.phase,
        lossy=lossy,
        memory_mb=round(voxels * (2 if whole else 4) / 1e6, 1),
        findings=merged(noted),
        facts=facts,
    )


def _frame_of(image: Image) -> Frame | None:
    header = image.header
    if image.position is None:
        return None
    return Frame(
        path=header.path,
        sop_uid=header.sop_uid,
        frame=image.frame,
        position_lps_mm=image.position,
        slope=image.slope,
        intercept=image.intercept,
        instance_number=image.instance,
        plain=plain_pixels(header),
        table=image.table,
    )


def _volume_id(series_uid: str, stack: Stack) -> str:
    """A short name that stays the same for the same images."""
    digest = hashlib.sha256(series_uid.encode())
    for image in stack.images:
        digest.update(f"|{image.header.sop_uid}#{image.frame}".encode())
    return "v" + digest.hexdigest()[:12]


def _header_findings(headers: Sequence[Header]) -> list[Finding]:
    out: list[Finding] = []
    bad: dict[int, int] = defaultdict(int)
    for header in headers:
        for tag in header.bad:
            bad[tag] += 1
    for tag, n in sorted(bad.items()):
        out.append(finding("bad_value", tag=f"({tag >> 16:04X},{tag & 0xFFFF:04X})", n=n, files=n))
    guessed = sum(h.guessed for h in headers)
    if guessed:
        out.append(finding("charset_guessed", files=guessed))
    wrong = sum(h.wrong for h in headers)
    if wrong:
        out.append(finding("charset_wrong", files=wrong))
    return out


def merged(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings once each: equal sentences are one, their files added up."""
    out: dict[tuple[str, str], Finding] = {}
    for f in findings:
        key = (f.code, f.sentence)
        old = out.get(key)
        out[key] = f if old is None else Finding(f.code, f.severity, f.sentence, old.files + f.files)
    return tuple(out.values())
