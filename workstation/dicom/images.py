"""One record per image (file, frame or tile): place, scaling, and what may tell phases apart."""

from __future__ import annotations

from dataclasses import dataclass, field

from workstation.dicom import tags as el
from workstation.dicom.fields import Fields
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
    image.rows = header.integer(el.ROWS) or 0
    image.columns = header.integer(el.COLUMNS) or 0
    image.position = triple(header.numbers(el.IPP))
    image.orientation = six(header.numbers(el.IOP))
    image.spacing = pair(header.numbers(el.PIXEL_SPACING))
    image.thickness = header.number(el.THICKNESS)
    image.stated_spacing = header.number(el.SPACING_BETWEEN)
    image.image_type = tuple(w.upper() for w in header.words(el.IMAGE_TYPE))
    image.instance = header.integer(el.INSTANCE_NUMBER)
    image.frame_of_reference = header.text(el.FRAME_OF_REFERENCE)
    image.windows = windows(header)
    set_rescale(image, header, needed=header.sop_class in CT_CLASSES)
    image.keys = keys_of(header)
    component = header.private_numbers(*el.GE_PARM, 0x2F, "h")
    letter = _GE_COMPONENTS.get(int(component[0])) if component else None
    if letter is not None and letter not in image.image_type:
        image.image_type = (*image.image_type, letter)
    if image.image_type:
        image.keys["image_type"] = "\\".join(image.image_type)
    unit = real_world_unit(header)
    if unit:
        image.extra["real_world_unit"] = unit
    return image


def set_rescale(image: Image, fields: Fields, *, needed: bool) -> None:
    """Slope and intercept, or a look-up table in their place.

    A slope of zero, none where the modality needs it, or a table that cannot be read leaves raw values and says so.
    """
    slope, intercept = fields.number(el.SLOPE), fields.number(el.INTERCEPT)
    image.rescale_type = fields.text(el.RESCALE_TYPE)
    by_table = slope is None and el.MODALITY_LUT in fields
    if by_table:
        item = fields.item(el.MODALITY_LUT)
        assert item is not None
        data = image.header.long_of(item, el.LUT_DATA, 2 * 65_536)
        signed = image.header.integer(el.SIGNED) == 1
        image.table = table_of(item.numbers(el.LUT_DESCRIPTOR), data, signed, image.header.little)
        image.rescale_bad = image.table is None
        image.rescale_type = "" if image.table is None else item.text(el.LUT_TYPE)
        return
    if slope == 0 or (needed and (slope is None or intercept is None)):
        image.slope, image.intercept, image.rescale_bad = 1.0, 0.0, True
        return
    image.slope = 1.0 if slope is None else slope
    image.intercept = 0.0 if intercept is None else intercept


def windows(fields: Fields) -> tuple[tuple[float, float], ...]:
    """(centre, width) pairs of the file, those with a width."""
    pairs = zip(fields.numbers(el.WINDOW_CENTRE), fields.numbers(el.WINDOW_WIDTH), strict=False)
    return tuple((c, w) for c, w in pairs if w > 0)


def keys_of(fields: Fields) -> dict[str, Key]:
    """What may tell phases apart, by name (DICOM page 1.2); absent ones are left out.

    `fields`: a file, or what a legacy converted file keeps of one image in its unassigned group.
    """
    keys: dict[str, Key] = {}
    numbers = (
        ("temporal", el.TEMPORAL_POSITION), ("temporal_index", el.TEMPORAL_INDEX), ("b_value", el.B_VALUE),
        ("echo", el.ECHO_NUMBER), ("echo_time", el.TE), ("trigger", el.TRIGGER_TIME),
        ("cardiac", el.CARDIAC_PERCENT), ("inversion", el.TI), ("flip", el.FLIP),
        ("acquisition", el.ACQUISITION_NUMBER),
    )  # fmt: skip
    for name, tag in numbers:
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
    for name, tag in (("kernel", el.KERNEL), ("contrast", el.CONTRAST), ("stack", el.STACK_ID)):
        text = fields.text(tag)
        if text:
            keys[name] = text
    for name, tag in (("acquisition_time", el.ACQUISITION_TIME), ("content_time", el.CONTENT_TIME)):
        seconds = seconds_of(fields.text(tag))
        if seconds is not None:
            keys[name] = seconds
    return keys


def _private_b_value(fields: Fields) -> float | None:
    siemens = fields.private_numbers(*el.SIEMENS_MR, 0x0C)
    if siemens:
        return siemens[0]
    ge = fields.private_numbers(*el.GE_PARM, 0x39)
    if ge:
        return ge[0] % 1_000_000  # GE adds 1e9 as a mark
    for place, low, kind in ((el.UIH, 0x09, "d"), (el.PHILIPS_IMAGING, 0x03, "f")):
        found = fields.private_numbers(*place, low, kind)
        if found:
            return float(found[0])
    return None


def _private_gradient(fields: Fields) -> tuple[float, ...]:
    """Direction of the diffusion gradient as a maker writes it, in axes of its own: enough to tell images apart."""
    for place, low in ((el.SIEMENS_MR, 0x0E), (el.UIH, 0x37)):
        whole = fields.private_numbers(*place, low, "d")
        if len(whole) == 3:
            return whole
    for place, lows, kind in (
        (el.GE_ACQUISITION, (0xBB, 0xBC, 0xBD), "text"),
        (el.PHILIPS_DD, (0xB0, 0xB1, 0xB2), "f"),
    ):
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
