"""All that makes a picture: a frozen value, JSON both ways, with a digest.

Nothing of a picture lives in the engine. The same `View` on the same volume and renderer gives the same
pixels, whatever was shown before. No patient data stands in a `View`: texts come as `Labels`.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Literal

import msgspec

from render.errors import RenderError

Vector = tuple[float, float, float]
Within = Literal["", "body", "lungs", "airways", "brain", "patient"]


class Technique(StrEnum):
    """How voxels become a picture."""

    VR = "vr"
    MIP = "mip"
    MINIP = "minip"
    MEAN = "mean"
    MPR = "mpr"
    SSD = "ssd"


class Value(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all parts of a view: frozen, keyword only, unknown fields refused."""


class Window(Value, frozen=True, kw_only=True):
    """Window centre and width in the volume's unit (PS3.3 C.11.2.1.2)."""

    center: float
    width: float
    function: Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"] = "LINEAR"
    inverted: bool = False


class Camera(Value, frozen=True, kw_only=True):
    """Eye of a 3D picture, LPS millimetres.

    `height_mm` is the full height of the picture at the focal point, for parallel projection;
    `angle_deg` the vertical opening angle, for perspective.
    """

    position_lps_mm: Vector
    focal_lps_mm: Vector
    up_lps: Vector
    parallel: bool = True
    height_mm: float = 400.0
    angle_deg: float = 30.0


class Plane(Value, frozen=True, kw_only=True):
    """A plane picture: the LPS point in the middle of the picture, and unit vectors along its axes."""

    centre_lps_mm: Vector
    right_lps: Vector
    down_lps: Vector
    mm_per_pixel: float


class Slab(Value, frozen=True, kw_only=True):
    """A thick plane, centred on the plane."""

    mode: Literal["mip", "minip", "mean"]
    thickness_mm: float


class Look(Value, frozen=True, kw_only=True):
    """A resolved volume-rendering look: every value absolute, in the volume's unit.

    opacity : (value, opacity per millimetre 0..1), ascending; the end value holds outside
    colour : (value, "rrggbb" sRGB), ascending
    gradient : (gradient magnitude in unit per millimetre, factor), or empty
    fade : gradient magnitude in unit per mm below which shading fades out (0 = never)
    """

    name: str
    version: str
    opacity: tuple[tuple[float, float], ...]
    colour: tuple[tuple[float, str], ...]
    gradient: tuple[tuple[float, float], ...] = ()
    ambient: float = 0.2
    diffuse: float = 0.9
    specular: float = 0.2
    power: float = 20.0
    fade: float = 100.0
    scaled: str = ""
    within: Within = ""
    """Drawn only inside body, lungs, airways or brain, or (patient) without the table; the picture says so."""


class Surface(Value, frozen=True, kw_only=True):
    """A shaded surface at a threshold: `low` alone, or the band from `low` to `high`."""

    low: float
    high: float | None = None
    colour: str = "e8dcc0"
    opacity: float = 1.0
    smooth: float = 0.5
    name: str = ""
    visible: bool = True


class Box(Value, frozen=True, kw_only=True):
    """Crop box in LPS millimetres, axis-aligned in the patient."""

    low_lps_mm: Vector
    high_lps_mm: Vector


class ScenePlane(Value, frozen=True, kw_only=True):
    """A plane of the patient standing in a 3D picture, as far as the volume reaches; crop and clips leave it whole.

    opacity : 0 to 1; outline : colour of its edge (rrggbb), "" for none
    clear_below : values under it let see through (the air around a body), None for none
    """

    point_lps_mm: Vector
    normal_lps: Vector
    window: Window
    opacity: float = 1.0
    outline: str = ""
    clear_below: float | None = None
    name: str = ""


class Clip(Value, frozen=True, kw_only=True):
    """A free cutting plane of 3D pictures: what lies on the side to which the normal points is kept (LPS)."""

    point_lps_mm: Vector
    normal_lps: Vector


class Segment(Value, frozen=True, kw_only=True):
    """How one segment of a label volume is shown; number 0 is everything that belongs to no segment.

    With `low` the segment is made by the picture maker itself, from the voxels from `low` (to `high`), inside the
    box `inside` and hanging together with the voxel at `seed_lps_mm` where these are given; of overlapping ones the
    later wins. Without it the labels come from outside, and the view's `mask` names them by digest.

    colour : tint in 3D and colour in planes, "" keeps the look's own; tint : 0 (look's colour) to 1
    opacity : factor of the look's opacity, 0 to 1; overlay : how planes show it
    """

    number: int
    name: str = ""
    visible: bool = True
    colour: str = ""
    tint: float = 0.75
    opacity: float = 1.0
    overlay: Literal["none", "outline", "fill"] = "outline"
    low: float | None = None
    high: float | None = None
    inside: Box | None = None
    seed_lps_mm: Vector | None = None
    accepted: bool = True
    """False while it is a proposal that nobody has accepted; the picture says so."""


class Mark(Value, frozen=True, kw_only=True):
    """A measurement drawn into the picture: points in LPS mm, its printed value, dashed until accepted."""

    kind: str
    points_lps_mm: tuple[Vector, ...]
    text: str = ""
    accepted: bool = True


class View(Value, frozen=True, kw_only=True):
    """A picture's recipe.

    `size` is (width, height) in pixels. `volume` is the digest of the volume that it belongs to.
    3D techniques have a `camera`; MPR and slabs have a `plane`. `quality`: "record" and "settled" are
    reproducible; "drag" is for the moving hand and never captured. `renderer` is empty in a request
    (the policy chooses) and named in the recipe of a picture.
    """

    schema: Literal["renderdesk.view/1"] = "renderdesk.view/1"
    technique: Technique
    size: tuple[int, int] = (1000, 800)
    volume: str = ""
    camera: Camera | None = None
    plane: Plane | None = None
    slab: Slab | None = None
    window: Window | None = None
    look: Look | None = None
    surfaces: tuple[Surface, ...] = ()
    crop: Box | None = None
    interpolation: Literal["linear", "cubic", "none"] = "linear"
    marks: tuple[Mark, ...] = ()
    background: tuple[str, str] = ("000000", "000000")
    overlays: Literal["none", "record", "screen", "minimal"] = "record"
    quality: Literal["drag", "settled", "record"] = "record"
    renderer: str = ""
    step_mm: float | None = None
    scale: float = 1.0
    """Device pixels per point: texts and lines grow with it."""
    planes: tuple[ScenePlane, ...] = ()
    """Planes that stand in a volume rendering or surface picture."""
    lines: bool = False
    """Whether the lines where these planes cross are drawn."""
    clips: tuple[Clip, ...] = ()
    """Cutting planes, at most six; with the crop box."""
    segments: tuple[Segment, ...] = ()
    mask: str = ""
    """Digest of the label volume of `segments`; filled in by the picture maker."""
    cue: float = 0.0
    """How much the far side of a 3D picture darkens, 0 to 1."""

    @property
    def is_plane(self) -> bool:
        """Whether the picture is a plane of the patient (with millimetres per pixel)."""
        return self.plane is not None

    def to_json(self) -> bytes:
        """Canonical JSON: sorted keys, so that equal views have equal bytes."""
        # once through the types, so that 40 and 40.0 give the same bytes
        plain = msgspec.to_builtins(msgspec.convert(msgspec.to_builtins(self), View))
        for name, usual in _LATER.items():  # fields that came later: unused, they leave older recipes' digests alone
            if plain[name] == usual:
                del plain[name]
        for surface in plain["surfaces"]:
            if surface["visible"]:
                del surface["visible"]
        return msgspec.json.encode(plain, order="sorted")

    @staticmethod
    def from_json(text: bytes | str) -> View:
        """Read a recipe; refused with the place of the mistake.

        Raises
        ------
        RenderError
            code ``recipe``: unknown field, wrong type, another version.
        """
        try:
            return msgspec.json.decode(text, type=View)
        except (msgspec.ValidationError, msgspec.DecodeError) as error:
            other = _other_version(text)
            if other:
                raise RenderError(
                    "recipe", f"The recipe of the picture is of version {other}; this program reads {_SCHEMA}."
                ) from error
            raise RenderError("recipe", f"The recipe of the picture cannot be read: {error}.") from error

    @property
    def digest(self) -> str:
        """First 32 hex digits of the SHA-256 of the canonical JSON."""
        return hashlib.sha256(self.to_json()).hexdigest()[:32]

    def replace(self, **changes: object) -> View:
        """The same view with some fields changed."""
        return msgspec.structs.replace(self, **changes)


_SCHEMA = "renderdesk.view/1"


def _other_version(text: bytes | str) -> str:
    """The version that a recipe names, where it is another than ours and looks like one; else ""."""
    try:
        plain = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    named = plain.get("schema") if isinstance(plain, dict) else None
    like = isinstance(named, str) and len(named) < 40 and named.isprintable() and named.startswith("renderdesk.view/")
    return str(named) if like and named != _SCHEMA else ""


_LATER: dict[str, object] = {"planes": (), "lines": False, "clips": (), "segments": (), "mask": "", "cue": 0.0}


class Labels(Value, frozen=True, kw_only=True):
    """Texts burned into a picture; they come from the program and may hold the patient's name.

    Corner lines are ordered by weight: when space is short they are dropped from the end. `band` runs
    across one edge (DRAFT, DEMO, SYNTHETIC); `badges` are words that cannot be hidden (LOSSY, SIDE NOT SURE).
    `letters` False where the orientation is unknown.
    """

    top_left: tuple[str, ...] = ()
    top_right: tuple[str, ...] = ()
    bottom_left: tuple[str, ...] = ()
    bottom_right: tuple[str, ...] = ()
    band: str = ""
    badges: tuple[str, ...] = ()
    letters: bool = True
