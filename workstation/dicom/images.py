"""One record per image (file, frame or tile): place, scaling, and what may tell phases apart."""

from __future__ import annotations

from dataclasses import dataclass, field

from workstation.dicom import tags as el
from workstation.dicom.fields import Fields, private
from workstation.dicom.header import Header
from workstation.dicom.modality import Table, table_of

Key = float | str | tuple[float, ...]

_CLASS = "1.2.840.10008.5.1.4.1.1."
# SOP classes whose images can make a volume (PS3.4 B.5).
SINGLE_FRAME = frozenset(_CLASS + s for s in ("2", "4", "128"))
MULTI_FRAME = frozenset(
    _CLASS + s
    for s in ("2.1", "2.2", "4.1", "4.4", "128.1", "130", "6.2", "13.1.1", "13.1.2")
)  # fmt: skip
NUCLEAR = _CLASS + "20"
US_VOLUME = _CLASS + "6.2"
CT_CLASSES = frozenset(_CLASS + s for s in ("2", "2.1", "2.2"))

_GE_COMPONENT = 0x2F  # What a file that states no modality is by its class.
MODALITIES = {
    **dict.fromkeys(CT_CLASSES, "CT"),
    **dict.fromkeys((_CLASS + s for s in ("4", "4.1", "4.4")), "MR"),
    **dict.fromkeys((_CLASS + s for s in ("128", "128.1", "130")), "PT"),
    NUCLEAR: "NM",
    US_VOLUME: "US",
}

_GE_COMPONENTS = {1: "P", 2: "R", 3: "I"}  # (0043,102F): phase, real, imaginary; the image type does not tell

# What other images are called, for the sentence that they are not for 3D.
KINDS = {
    _CLASS + "1": "radiograph", _CLASS + "1.1": "radiograph", _CLASS + "1.1.1": "radiograph",
    _CLASS + "1.2": "mammogram", _CLASS + "1.2.1": "mammogram", _CLASS + "13.1.3": "breast tomosynthesis",
    _CLASS + "12.1": "angiography", _CLASS + "12.1.1": "angiography", _CLASS + "12.2": "fluoroscopy",
    _CLASS + "12.2.1": "fluoroscopy", _CLASS + "6.1": "2D ultrasound", _CLASS + "6": "2D ultrasound",
    _CLASS + "3.1": "2D ultrasound", _CLASS + "3": "2D ultrasound", _CLASS + "7": "secondary capture",
    _CLASS + "7.1": "secondary capture", _CLASS + "7.2": "secondary capture", _CLASS + "7.3": "secondary capture",
    _CLASS + "7.4": "secondary capture", _CLASS + "481.1": "radiotherapy image", _CLASS + "481.2": "dose grid",
    _CLASS + "66.4": "segmentation", _CLASS + "66.7": "label map", _CLASS + "30": "parametric map",
    _CLASS + "4.3": "colour MR", _CLASS + "4.2": "spectroscopy", NUCLEAR: "2D nuclear medicine",
    _CLASS + "13.1.4": "mammogram", _CLASS + "13.1.5": "mammogram", _CLASS + "14.1": "tomogram from inside a vessel",
    _CLASS + "14.2": "tomogram from inside a vessel", _CLASS + "77.1.5.1": "photograph of the eye",
    _CLASS + "77.1.5.2": "photograph of the eye", _CLASS + "77.1.5.4": "tomogram of the eye",
    _CLASS + "77.1.5.7": "tomogram of the eye", _CLASS + "77.1.5.8": "tomogram of the eye",
    _CLASS + "1.3": "radiograph", _CLASS + "1.3.1": "radiograph", _CLASS + "6.3": "photoacoustic image",
    _CLASS + "77.1.1": "photograph", _CLASS + "77.1.2": "microscopy", _CLASS + "77.1.4": "photograph",
    _CLASS + "77.1.3": "microscopy", _CLASS + "77.1.6": "microscopy",
}  # fmt: skip

# ImageType tokens that change what a pixel means (DICOM page 1.2).
MEANING = frozenset(
    (
        "LOCALIZER", "M", "P", "R", "I", "PHASE MAP", "FIELD_MAP", "VELOCITY", "ADC", "TRACEW", "FA", "WATER", "FAT",
        "IN_PHASE", "OPP_PHASE", "PROJECTION IMAGE", "MIP", "MPR",
    )
)  # fmt: skip


@dataclass(slots=True, eq=False)
class Image:
    """One image in space. Lengths mm, LPS; `spacing` is (between rows, between columns)."""

    header: Header
    frame: int = 0
    position: tuple[float, float, float] | None = None
    orientation: tuple[float, ...] | None = None
    spacing: tuple[float, float] | None = None
    rows: int = 0
    columns: int = 0
    slope: float = 1.0
    intercept: float = 0.0
    rescale_type: str = ""
    rescale_bad: bool = False
    table: Table | None = None
    image_type: tuple[str, ...] = ()
    keys: dict[str, Key] = field(default_factory=dict)
    instance: int | None = None
    thickness: float | None = None
    stated_spacing: float | None = None
    windows: tuple[tuple[float, float], ...] = ()
    tile: tuple[int, int] | None = None
    frame_of_reference: str = ""
    own_frame: bool = False  # the place is one in the volume, not in the patient
    extra: dict[str, object] = field(default_factory=dict)
    distance: float = 0.0  # along the stack's normal, filled in when it is put in order

    @property
    def meaning(self) -> frozenset[str]:
        """Tokens of the image type that no two images of a volume may differ in."""
        return frozenset(token for token in self.image_type if token in MEANING)


def image_of(header: Header) -> Image:
    """The image of a single-frame file."""
    image = Image(header)
    grid = header.common("grid", _OF_GRID, _grid_of)
    image.rows, image.columns, image.orientation, image.spacing, image.thickness, image.stated_spacing = grid[:6]
    image.image_type, image.frame_of_reference, unit = grid[6:]
    image.position = triple(header.numbers(el.IPP))
    image.instance = header.integer(el.INSTANCE_NUMBER)
    image.windows = header.common("windows", _OF_WINDOWS, windows)
    scale = header.common("scale", _OF_SCALE, _scale_of)
    if scale is None:
        set_rescale(image, header, needed=header.sop_class in CT_CLASSES)
    else:
        image.slope, image.intercept, image.rescale_type, image.rescale_bad = scale
    image.keys = keys_of(header)
    if image.image_type:
        image.keys["image_type"] = "\\".join(image.image_type)
    if unit:
        image.extra["real_world_unit"] = unit
    return image


_OF_GRID = frozenset(
    (
        el.ROWS, el.COLUMNS, el.IOP, el.PIXEL_SPACING, el.THICKNESS, el.SPACING_BETWEEN, el.IMAGE_TYPE,
        el.FRAME_OF_REFERENCE, el.REAL_WORLD_MAP, private(el.GE_PARM, _GE_COMPONENT),
    )
)  # fmt: skip
_OF_SCALE = frozenset((el.SLOPE, el.INTERCEPT, el.RESCALE_TYPE, el.MODALITY_LUT, el.SOP_CLASS))
_OF_WINDOWS = frozenset((el.WINDOW_CENTRE, el.WINDOW_WIDTH))
_Grid = tuple[
    int,
    int,
    tuple[float, ...] | None,
    tuple[float, float] | None,
    float | None,
    float | None,
    tuple[str, ...],
    str,
    str,
]


def _grid_of(fields: Fields) -> _Grid:
    """Rows, columns, orientation, spacing, thickness, stated spacing, image type, frame of reference, unit."""
    image_type = tuple(w.upper() for w in fields.words(el.IMAGE_TYPE))
    component = fields.private_numbers(*el.GE_PARM, _GE_COMPONENT, "h")
    letter = _GE_COMPONENTS.get(int(component[0])) if component else None
    if letter is not None and letter not in image_type:
        image_type = (*image_type, letter)
    return (
        fields.integer(el.ROWS) or 0,
        fields.integer(el.COLUMNS) or 0,
        six(fields.numbers(el.IOP)),
        pair(fields.numbers(el.PIXEL_SPACING)),
        fields.number(el.THICKNESS),
        fields.number(el.SPACING_BETWEEN),
        image_type,
        fields.text(el.FRAME_OF_REFERENCE),
        real_world_unit(fields),
    )


def set_rescale(image: Image, fields: Fields, *, needed: bool) -> None:
    """Slope and intercept, or a look-up table in their place.

    A slope of zero, none where the modality needs it, or a table that cannot be read leaves raw values and says so.
    """
    scale = _linear(fields, needed=needed)
    if scale is not None:
        image.slope, image.intercept, image.rescale_type, image.rescale_bad = scale
        return
    item = fields.item(el.MODALITY_LUT)
    assert item is not None
    data = image.header.long_of(item, el.LUT_DATA, 2 * 65_536)
    signed = image.header.integer(el.SIGNED) == 1
    image.table = table_of(item.numbers(el.LUT_DESCRIPTOR), data, signed, image.header.little)
    image.rescale_bad = image.table is None
    image.rescale_type = "" if image.table is None else item.text(el.LUT_TYPE)


def _linear(fields: Fields, *, needed: bool) -> tuple[float, float, str, bool] | None:
    """Slope, intercept, type, and whether they had to be left out; None where a table takes their place."""
    slope, intercept = fields.number(el.SLOPE), fields.number(el.INTERCEPT)
    kind = fields.text(el.RESCALE_TYPE)
    if slope is None and el.MODALITY_LUT in fields:
        return None
    if slope == 0 or (needed and (slope is None or intercept is None)):
        return 1.0, 0.0, kind, True
    return 1.0 if slope is None else slope, 0.0 if intercept is None else intercept, kind, False


def _scale_of(fields: Fields) -> tuple[float, float, str, bool] | None:
    return _linear(fields, needed=fields.text(el.SOP_CLASS) in CT_CLASSES)


def windows(fields: Fields) -> tuple[tuple[float, float], ...]:
    """(centre, width) pairs of the file, those with a width."""
    pairs = zip(fields.numbers(el.WINDOW_CENTRE), fields.numbers(el.WINDOW_WIDTH), strict=False)
    return tuple((c, w) for c, w in pairs if w > 0)


def keys_of(fields: Fields) -> dict[str, Key]:
    """What may tell phases apart, by name (DICOM page 1.2); absent ones are left out.

    `fields`: a file, or what a legacy converted file keeps of one image in its unassigned group.
    """
    keys = dict(fields.common("keys", _OF_KEYS, _steady_keys))
    for name, tag in _TIMES:
        seconds = seconds_of(fields.text(tag))
        if seconds is not None:
            keys[name] = seconds
    return keys


_NUMBERS = (
    ("temporal", el.TEMPORAL_POSITION), ("temporal_index", el.TEMPORAL_INDEX), ("b_value", el.B_VALUE),
    ("echo", el.ECHO_NUMBER), ("echo_time", el.TE), ("trigger", el.TRIGGER_TIME),
    ("cardiac", el.CARDIAC_PERCENT), ("inversion", el.TI), ("flip", el.FLIP),
    ("acquisition", el.ACQUISITION_NUMBER),
)  # fmt: skip
_TEXTS = (("kernel", el.KERNEL), ("contrast", el.CONTRAST), ("stack", el.STACK_ID))
_TIMES = (("acquisition_time", el.ACQUISITION_TIME), ("content_time", el.CONTENT_TIME))
# Private: (group, creator), element, form. Of a b-value, and of a gradient's direction whole or in three parts.
_PRIVATE_B = (
    (el.SIEMENS_MR, 0x0C, "text"), (el.GE_PARM, 0x39, "text"), (el.UIH, 0x09, "d"), (el.PHILIPS_IMAGING, 0x03, "f"),
)  # fmt: skip
_GRADIENT_WHOLE = ((el.SIEMENS_MR, 0x0E), (el.UIH, 0x37))
_GRADIENT_PARTS = ((el.GE_ACQUISITION, (0xBB, 0xBC, 0xBD), "text"), (el.PHILIPS_DD, (0xB0, 0xB1, 0xB2), "f"))
_PHILIPS_LABEL, _PHILIPS_HEART = (*el.PHILIPS_FRAME, 0x29), (*el.PHILIPS_IMAGING, 0x08)
_OF_KEYS = frozenset(
    (
        el.GRADIENT,
        el.LABEL,
        private(el.PHILIPS_FRAME, 0x29),
        private(el.PHILIPS_IMAGING, 0x08),
        *(tag for _, tag in (*_NUMBERS, *_TEXTS)),
        *(private(place, low) for place, low, *_ in (*_PRIVATE_B, *_GRADIENT_WHOLE)),
        *(private(place, low) for place, lows, _ in _GRADIENT_PARTS for low in lows),
    )
)


def _steady_keys(fields: Fields) -> dict[str, Key]:
    """Those of the keys that are no times of day."""
    keys: dict[str, Key] = {}
    for name, tag in _NUMBERS:
        value = fields.number(tag)
        if value is not None:
            keys[name] = value
    if "b_value" not in keys:
        b = _private_b_value(fields)
        if b is not None:
            keys["b_value"] = b
    gradient = fields.numbers(el.GRADIENT)
    if len(gradient) != 3 and "b_value" in keys:
        gradient = _private_gradient(fields)
    if len(gradient) == 3:
        keys["gradient"] = gradient
    label = fields.text(el.LABEL) or fields.private_text(*_PHILIPS_LABEL)
    if label:
        keys["label"] = label.upper()
    number = fields.private_numbers(*_PHILIPS_HEART)
    if number:
        keys["phase_number"] = number[0]
    for name, tag in _TEXTS:
        text = fields.text(tag)
        if text:
            keys[name] = text
    return keys


def _private_b_value(fields: Fields) -> float | None:
    for place, low, kind in _PRIVATE_B:
        found = fields.private_numbers(*place, low, kind)
        if found:
            return float(found[0] % 1_000_000) if place is el.GE_PARM else float(found[0])  # GE adds 1e9 as a mark
    return None


def _private_gradient(fields: Fields) -> tuple[float, ...]:
    """Direction of the diffusion gradient as a maker writes it, in axes of its own: enough to tell images apart."""
    for place, low in _GRADIENT_WHOLE:
        whole = fields.private_numbers(*place, low, "d")
        if len(whole) == 3:
            return whole
    for place, lows, kind in _GRADIENT_PARTS:
        parts = [fields.private_numbers(*place, low, kind) for low in lows]
        if all(parts):
            return tuple(float(part[0]) for part in parts)
    return ()


def real_world_unit(fields: Fields | None) -> str:
    """Code of the unit of a real-world map other than Hounsfield's; "" where there is none, or one is in HU."""
    units = [
        unit.text(el.CODE_VALUE)
        for mapping in (fields.items(el.REAL_WORLD_MAP) if fields is not None else ())
        for unit in mapping.items(el.REAL_WORLD_UNITS)
    ]
    if any(unit.strip("[]").lower() in ("hnsf'u", "hu") for unit in units):
        return ""
    return next((unit for unit in units if unit), "")


def seconds_of(time: str) -> float | None:
    """Seconds since midnight of a DICOM time (PS3.5 TM; colons of old files are accepted)."""
    text = time.replace(":", "").strip()
    digits, _, fraction = text.partition(".")
    if (
        not (digits.isascii() and digits.isdigit())
        or len(digits) not in (2, 4, 6)
        or (fraction and not (fraction.isascii() and fraction.isdigit()))
    ):
        return None
    digits = digits.ljust(6, "0")
    hours, minutes, seconds = int(digits[:2]), int(digits[2:4]), int(digits[4:6])
    if hours > 23 or minutes > 59 or seconds > 60:
        return None
    return hours * 3600 + minutes * 60 + seconds + (float("0." + fraction) if fraction else 0.0)


def triple(values: tuple[float, ...]) -> tuple[float, float, float] | None:
    """Three numbers, or None."""
    return (values[0], values[1], values[2]) if len(values) == 3 else None


def six(values: tuple[float, ...]) -> tuple[float, ...] | None:
    """Six numbers, or None."""
    return values if len(values) == 6 else None


def pair(values: tuple[float, ...]) -> tuple[float, float] | None:
    """Two numbers, or None."""
    return (values[0], values[1]) if len(values) == 2 else None
