"""Frames of an enhanced multi-frame file: functional groups, per frame, then shared, then the top level.

PS3.3 C.7.6.16; DICOM page 1.3. Dimension indices are never needed: places and the frames' own attributes
tell the volumes apart (a public file lists private pointers there).
"""

from __future__ import annotations

from workstation.base.findings import Finding
from workstation.dicom import tags as el
from workstation.dicom.fields import Fields
from workstation.dicom.header import Header
from workstation.dicom.images import (
    CT_CLASSES,
    US_VOLUME,
    Image,
    Key,
    keys_of,
    pair,
    real_world_unit,
    seconds_of,
    set_rescale,
    six,
    triple,
    windows,
)
from workstation.dicom.words import finding

_ECHO, _MODIFIER, _TIMING = 0x00189114, 0x00189115, 0x00189112
_DIFFUSION, _CARDIAC, _RECONSTRUCTION = 0x00189117, 0x00189118, 0x00189314
_EXPOSURE, _XRAY, _AGENT = 0x00189321, 0x00189325, 0x00189341


_COMPONENTS = {"PHASE": "P", "REAL": "R", "IMAGINARY": "I"}
_COMPLEX = {"M", *_COMPONENTS.values()}


class _Groups:
    """Look-up of a functional group's item: the frame's own, then the shared one, then the top level.

    `unassigned`: what a legacy converted file keeps besides, the shared ones first (0020,9170 and 9171).
    `maker`: all attributes of a frame as Philips writes them beside the standard's groups (2005,140F): a classic image
    whose keys and scaling are asked where the groups are silent. Its position is never used: it is that of the image's
    corner, half a pixel off the first voxel's centre (a public file).
    """

    def __init__(self, header: Header, shared: Fields | None, own: Fields | None) -> None:
        self.levels = [level for level in (own, shared) if level is not None]
        self.header = header
        items = (level.item(name) for name in (el.UNASSIGNED_SHARED, el.UNASSIGNED_FRAME) for level in self.levels)
        self.unassigned = [item for item in items if item is not None]
        private = (item for level in self.levels for item in level.private_items(*el.PHILIPS_FRAME, 0x0F))
        self.maker = next(private, None)

    def find(self, sequence: int) -> Fields | None:
        """First item of the group's sequence."""
        for level in self.levels:
            item = level.item(sequence)
            if item is not None:
                return item
        return self.header.item(sequence)

    def element(self, sequence: int, tag: int) -> Fields | None:
        """What holds an element: the group's item, an unassigned group, or the top level."""
        item = self.find(sequence)
        if item is not None and tag in item:
            return item
        for other in reversed(self.unassigned):
            if tag in other:
                return other
        return self.header if tag in self.header else None

    def numbers(self, sequence: int, tag: int) -> tuple[float, ...]:
        holder = self.element(sequence, tag)
        return holder.numbers(tag) if holder is not None else ()

    def number(self, sequence: int, tag: int) -> float | None:
        values = self.numbers(sequence, tag)
        return values[0] if values else None

    def text(self, sequence: int, tag: int) -> str:
        holder = self.element(sequence, tag)
        return holder.text(tag) if holder is not None else ""


def frames_of(header: Header) -> tuple[list[Image], list[Finding]]:
    """The frames of a file as images in space, and a finding where their number is not what was declared."""
    declared = max(1, header.integer(el.FRAMES) or 1)
    shared = header.item(el.SHARED_GROUPS)
    own = header.items(el.FRAME_GROUPS)
    findings: list[Finding] = []
    count = declared
    if own and len(own) != declared:
        findings.append(finding("frames_mismatch", a=declared, b=len(own), files=1))
        count = min(declared, len(own))
    top = keys_of(header)
    images = [_frame(header, k, _Groups(header, shared, own[k] if own else None), top) for k in range(count)]
    return images, findings


def _frame(header: Header, k: int, groups: _Groups, top: dict[str, Key]) -> Image:
    image = Image(header, frame=k)
    image.rows = header.integer(el.ROWS) or 0
    image.columns = header.integer(el.COLUMNS) or 0
    image.instance = header.integer(el.INSTANCE_NUMBER)
    image.frame_of_reference = header.text(el.FRAME_OF_REFERENCE)
    image.position = triple(groups.numbers(el.PLANE_POSITION, el.IPP))
    image.orientation = six(groups.numbers(el.PLANE_ORIENTATION, el.IOP))
    if header.sop_class == US_VOLUME and (image.position is None or image.orientation is None):
        _ultrasound_place(image, groups)
    image.spacing = pair(groups.numbers(el.PIXEL_MEASURES, el.PIXEL_SPACING))
    image.thickness = groups.number(el.PIXEL_MEASURES, el.THICKNESS)
    image.stated_spacing = groups.number(el.PIXEL_MEASURES, el.SPACING_BETWEEN)
    image.image_type = _frame_type(header, groups)
    transform = groups.find(el.VALUE_TRANSFORM) or header
    if groups.maker is not None and el.SLOPE not in transform and el.MODALITY_LUT not in transform:
        transform = groups.maker
    set_rescale(image, transform, needed=header.sop_class in CT_CLASSES)
    shown = groups.find(el.FRAME_VOI)
    image.windows = windows(shown) if shown is not None else windows(header)
    image.keys = _keys(groups, top)
    if image.image_type:
        image.keys["image_type"] = "\\".join(image.image_type)
    image.extra = _extra(groups)
    return image


def _ultrasound_place(image: Image, groups: _Groups) -> None:
    """Places in the volume's own frame, not the patient's (PS3.3 C.7.6.16.2.21): all that most ultrasound states."""
    image.own_frame = True
    image.position = triple(groups.numbers(el.VOLUME_POSITION_SEQ, el.VOLUME_POSITION))
    image.orientation = six(groups.numbers(el.VOLUME_ORIENTATION_SEQ, el.VOLUME_ORIENTATION))
    image.frame_of_reference = groups.header.text(el.VOLUME_FRAME) or image.frame_of_reference


def _frame_type(header: Header, groups: _Groups) -> tuple[str, ...]:
    """Frame type; phase, real and imaginary images that it does not name are named by (0008,9208)."""
    words = _stated_type(header, groups)
    if groups.maker is not None and not _COMPLEX & set(words):
        stated = groups.maker.private_text(*el.PHILIPS_DD, 0x11).upper()
        if stated in _COMPLEX:
            words = (*words, stated)
    for sequence in el.FRAME_TYPES:
        letter = _COMPONENTS.get(groups.text(sequence, el.COMPLEX_COMPONENT).upper())
        if letter is not None:
            return words if letter in words else (*(w for w in words if w != "M"), letter)
    return words


def _stated_type(header: Header, groups: _Groups) -> tuple[str, ...]:
    for sequence in el.FRAME_TYPES:
        item = groups.find(sequence)
        if item is not None and el.FRAME_TYPE in item:
            return tuple(w.upper() for w in item.words(el.FRAME_TYPE))
    for other in reversed(groups.unassigned):
        if el.IMAGE_TYPE in other:
            return tuple(w.upper() for w in other.words(el.IMAGE_TYPE))
    return tuple(w.upper() for w in header.words(el.IMAGE_TYPE))


def _keys(groups: _Groups, top: dict[str, Key]) -> dict[str, Key]:
    """What may tell phases apart; a frame's own attributes go before those of the file."""
    keys = dict(top)
    if groups.maker is not None:
        keys.update(keys_of(groups.maker))
    for other in groups.unassigned:
        keys.update(keys_of(other))
    numbers = (
        ("temporal_index", el.FRAME_CONTENT, el.TEMPORAL_INDEX),
        ("temporal", el.TEMPORAL_GROUP, el.TIME_OFFSET),
        ("b_value", _DIFFUSION, el.B_VALUE),
        ("echo_time", _ECHO, el.EFFECTIVE_TE),
        ("inversion", _MODIFIER, el.INVERSION_TIMES),
        ("flip", _TIMING, el.FLIP),
        ("trigger", _CARDIAC, el.CARDIAC_DELAY),
        ("cardiac", _CARDIAC, el.CARDIAC_PERCENT),
    )
    for name, sequence, tag in numbers:
        value = groups.number(sequence, tag)
        if value is not None:
            keys[name] = value
    diffusion = groups.find(_DIFFUSION)
    gradient = diffusion.item(el.GRADIENT_SEQ) if diffusion is not None else None
    if gradient is not None and len(direction := gradient.numbers(el.GRADIENT)) == 3:
        keys["gradient"] = direction
    label = groups.text(el.LABELLING, el.LABEL)
    if label:
        keys["label"] = label.upper()
    stack = groups.text(el.FRAME_CONTENT, el.STACK_ID)
    if stack:
        keys["stack"] = stack
    moment = seconds_of(groups.text(el.FRAME_CONTENT, el.FRAME_ACQUISITION)[8:].split("+")[0].split("-")[0])
    if moment is not None:
        keys["acquisition_time"] = moment
    kernel = groups.text(_RECONSTRUCTION, el.KERNEL)
    if kernel:
        keys["kernel"] = kernel
    keys["file"] = float(groups.header.integer(el.INSTANCE_NUMBER) or 0)
    return keys


def _extra(groups: _Groups) -> dict[str, object]:
    """Attributes that stand at the top level of single-frame files."""
    extra: dict[str, object] = {}
    for name, sequence, tag in (
        ("tr", _TIMING, el.TR),
        ("te", _ECHO, el.TE),  # of legacy converted files
        ("te", _ECHO, el.EFFECTIVE_TE),
        ("ti", _MODIFIER, el.INVERSION_TIMES),
        ("kvp", _XRAY, el.KVP),
    ):
        value = groups.number(sequence, tag)
        if value is not None:
            extra[name] = value
    kernel = groups.text(_RECONSTRUCTION, el.KERNEL)
    if kernel:
        extra["kernel"] = kernel
    if groups.find(_AGENT) is not None:
        extra["contrast"] = True
    if groups.maker is not None and (scale := groups.maker.private_numbers(*el.PHILIPS_DD, 0x0E, "f")):
        extra["philips_scale"] = scale[0]
    for level in (*groups.levels, groups.header):
        if el.REAL_WORLD_MAP in level:
            unit = real_world_unit(level)
            if unit:
                extra["real_world_unit"] = unit
            break
    return extra
