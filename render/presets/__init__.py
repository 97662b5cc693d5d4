"""Looks with names: volume-rendering presets and window presets, from data files with versions."""

from __future__ import annotations

import hashlib
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

import numpy as np

from render import tones
from render.errors import RenderError
from render.kept import per_volume
from render.view import Look, Window, Within

if TYPE_CHECKING:
    from render.volume import Volume

Curve = tuple[tuple[float, float], ...]
Colours = tuple[tuple[float, str], ...]

_SCALES = ("hu", "suv", "t", "u", "window")
_HEX = re.compile("[0-9a-f]{6}")
_FILES = ("ct.toml", "mr.toml", "other.toml")
LUMEN_HU = 350.0  # contrast in a vessel where nobody has sampled it
_BACKGROUND_HU = 50.0
_LEAST_CONTRAST = 80.0  # lumen minus background below which nothing is scaled to it


@dataclass(frozen=True)
class Preset:
    """A look before it meets a volume.

    Parameters
    ----------
    scale : ``hu`` and ``suv`` (values as they stand), ``t`` (by the lumen's contrast), ``u`` (by percentiles of
        the foreground), ``window`` (projections)
    percentiles : lo and hi of scale ``u``
    within : drawn only inside body, lungs, airways or brain, or (``patient``) without the table
    frame : value from which voxels count when a camera is framed on this look, or None
    digest : of the preset's own data, so that a changed file cannot pass for the old one
    """

    id: str
    title: str
    modality: tuple[str, ...]
    version: str
    scale: str
    opacity: Curve = ()
    colour: Colours = ()
    gradient: Curve = ()
    shading: tuple[float, float, float, float] = (0.2, 0.9, 0.2, 20.0)
    percentiles: tuple[float, float] = (2.0, 98.0)
    frame: float | None = None
    within: Within = ""
    note: str = ""
    author: str = ""
    approved_by: str = ""
    date: str = ""
    digest: str = ""


def _curve(text: str) -> Curve:
    pairs = (item.split(":") for item in text.split())
    return tuple((float(x), float(y)) for x, y in pairs)


def _colours(text: str) -> Colours:
    pairs = (item.split(":") for item in text.split())
    return tuple((float(x), c) for x, c in pairs)


def _check(preset: Preset, shading: tuple[float, ...]) -> None:
    if preset.scale not in _SCALES:
        raise ValueError(f"scale is one of {', '.join(_SCALES)}")
    if preset.within not in get_args(Within):
        raise ValueError(f"within is one of {', '.join(get_args(Within)[1:])}")
    curves = {"opacity": preset.opacity, "colour": preset.colour, "gradient": preset.gradient}
    for name, curve in curves.items():
        places = [x for x, _ in curve]
        if not all(map(math.isfinite, places)) or any(b <= a for a, b in pairwise(places)):
            raise ValueError(f"points of {name} must be numbers that ascend")
        if not curve and name != "gradient" and preset.scale != "window":
            raise ValueError(f"{name} has no points")
    if any(not 0 <= a <= 1 for _, a in (*preset.opacity, *preset.gradient)):
        raise ValueError("opacity and gradient are 0 to 1")
    if any(not _HEX.fullmatch(c) for _, c in preset.colour):
        raise ValueError("a colour is six hex digits")
    if len(shading) != 4 or not all(math.isfinite(x) and x >= 0 for x in shading):
        raise ValueError("shading is four numbers from 0 on")
    if not 0 <= preset.percentiles[0] < preset.percentiles[1] <= 100:
        raise ValueError("percentiles are two rising numbers from 0 to 100")


def _one(head: dict[str, Any], raw: dict[str, Any], name: str) -> Preset:
    try:
        shading = tuple(float(x) for x in raw.get("shading", (0.2, 0.9, 0.2, 20.0)))
        low, high = raw.get("percentiles", (2, 98))
        preset = Preset(
            id=raw["id"],
            title=raw["title"],
            modality=tuple(raw["modality"]),
            version=str(raw.get("version", head["version"])),
            scale=raw["scale"],
            opacity=_curve(raw.get("opacity", "")),
            colour=_colours(raw.get("colour", "")),
            gradient=_curve(raw.get("gradient", "")),
            shading=cast("tuple[float, float, float, float]", shading),
            percentiles=(float(low), float(high)),
            frame=raw.get("frame"),
            within=raw.get("within", ""),
            note=raw.get("note", ""),
            author=head.get("author", ""),
            approved_by=head.get("approved_by", ""),
            date=str(head.get("date", "")),
            digest=hashlib.sha256(repr(sorted(raw.items())).encode()).hexdigest()[:16],
        )
        _check(preset, shading)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        where = raw.get("id", "without a name")
        raise RenderError("preset", f"The preset {where} in {name} cannot be used: {error}.") from error
    return preset


def parse(text: str, name: str) -> list[Preset]:
    """The presets of a file's text.

    Raises
    ------
    RenderError
        code ``preset``: with the file's name and the line of the mistake, or of the preset that holds it.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RenderError("preset", f"The preset file {name} cannot be read: {error}.") from error
    found = data.get("preset")
    if not isinstance(found, list) or not all(isinstance(raw, dict) for raw in found):
        raise RenderError("preset", f"The preset file {name} holds no [[preset]] from line 1 on.")
    lines = [n for n, line in enumerate(text.splitlines(), 1) if line.strip().startswith("[[preset]]")]
    return [
        _one(data, raw, f"{name}, line {line}" if line else name)
        for raw, line in zip(found, lines if len(lines) == len(found) else [0] * len(found), strict=True)
    ]


@lru_cache(maxsize=1)
def _all() -> dict[str, Preset]:
    found: dict[str, Preset] = {}
    for name in _FILES:
        for preset in parse((Path(__file__).parent / name).read_text(encoding="utf-8"), name):
            found[preset.id] = preset
    return found


def names() -> list[str]:
    """Ids of all presets, in the order of the files."""
    return list(_all())


def get(name: str) -> Preset:
    """A preset by its id.

    Raises
    ------
    RenderError
        code ``preset``: there is none of this name.
    """
    try:
        return _all()[name]
    except KeyError as error:
        raise RenderError("preset", f"There is no preset {name}; `renderdesk presets` lists them.") from error


def resolve(name: str, volume: Volume, *, lumen: float | None = None) -> tuple[Look, Window | None]:
    """A preset in absolute values of this volume, and for projections their window.

    Parameters
    ----------
    lumen : contrast sampled in a vessel, in the volume's unit, for vessel presets; without it 350 HU, and
        `Look.scaled` says so

    Raises
    ------
    RenderError
        code ``preset_modality``: a preset in HU for a volume without HU; ``low_contrast``: less than 80 HU
        between lumen and background.
    """
    preset = get(name)
    if preset.scale == "window":
        window = tones.default_window(volume, preset.id)
        low, high = window.center - window.width / 2, window.center + window.width / 2
        look = Look(
            name=preset.id,
            version=preset.version,
            opacity=((low, 0.0), (high, 1.0)),
            colour=((low, "000000"), (high, "ffffff")),
        )
        return look, window
    within = _truly_within(volume, preset.within)
    if preset.scale in {"hu", "t"} and volume.units != "HU":
        raise RenderError(
            "preset_modality", f"The preset {preset.title} is made for CT in HU; this series has other values."
        )
    uptake = tones.uptake(volume)
    if preset.scale == "suv" and uptake is None:
        raise RenderError("preset_modality", f"The preset {preset.title} needs SUV, which this series does not give.")
    offset, factor, scaled, fade = 0.0, 1.0, "", 100.0
    if preset.scale == "suv":
        assert uptake is not None
        factor = 1.0 / uptake
        fade = factor
    elif preset.scale == "t":
        level = LUMEN_HU if lumen is None else lumen
        if level - _BACKGROUND_HU < _LEAST_CONTRAST:
            raise RenderError("low_contrast", "The vessel is not opacified enough to scale the preset to it.")
        offset, factor = _BACKGROUND_HU, level - _BACKGROUND_HU
        scaled = f"lumen {level:.0f} HU" + (" (default)" if lumen is None else "")
    elif preset.scale == "u":
        low, high = (
            _percentiles_inside(volume, within, *preset.percentiles)
            if within
            else tones.percentiles(volume, *preset.percentiles)
        )
        offset, factor = low, max(high - low, 1e-6)
        scaled = f"P{preset.percentiles[0]:g} {low:.0f}, P{preset.percentiles[1]:g} {high:.0f}"
        fade = 0.08 * factor  # as 100 HU/mm are to the span of a CT picture

    def at(x: float) -> float:
        return round(offset + x * factor, 4)

    ambient, diffuse, specular, power = preset.shading
    look = Look(
        name=preset.id,
        version=preset.version,
        opacity=tuple((at(x), a) for x, a in preset.opacity),
        colour=tuple((at(x), c) for x, c in preset.colour),
        gradient=preset.gradient,
        ambient=ambient,
        diffuse=diffuse,
        specular=specular,
        power=power,
        fade=round(fade, 4),
        scaled=scaled,
        within=within,
    )
    return look, None


def _truly_within(volume: Volume, wanted: Within) -> Within:
    """What a look is really drawn within: a picture never claims a mask that was not found."""
    from render.caster.within import leaves_out

    if wanted == "brain":
        return "brain" if leaves_out(volume, "brain") else ""
    if wanted == "airways" and not leaves_out(volume, "airways"):
        return "body"
    return wanted


@per_volume
def _percentiles_inside(volume: Volume, where: str, low: float, high: float) -> tuple[float, float]:
    """Percentiles of the voxels well inside a mask."""
    from render.caster.within import inside

    found = inside(volume, where)
    if not len(found):
        return tones.percentiles(volume, low, high)[0], tones.percentiles(volume, low, high)[1]
    a, b = np.percentile(found, (low, high))
    return float(a), float(b)


def framing(name: str, look: Look) -> float | None:
    """Value from which voxels belong to what a camera is framed on for this look; None: the object as a whole."""
    preset = get(name)
    if preset.frame is not None:
        return preset.frame
    if preset.scale == "window":
        return None
    # where the look begins to be clearly seen; bands that close again (airways) are framed as a whole volume
    seen = 0.04
    for (v0, a0), (v1, a1) in pairwise(((look.opacity[0][0], 0.0), *look.opacity)):
        if a1 >= seen:
            return v0 + (v1 - v0) * (seen - a0) / (a1 - a0) if a1 > a0 else v1
    return look.opacity[-1][0]


_ANGIO = ("angio", "cta", "arterial", "art ", "arteriel", "aort", "carotid", "runoff", "coronary", "circle of willis")
_PORTAL = ("portal", "venous", "delayed", "nephro", "abdomen", "pelvis")
_VESSEL_PARTS = ("aort", "carotid", "coron", "iliac", "renal art", "artery", "vein", "angio")
_BONY = ("extrem", "spine", "face", "facial", "sinus", "skull", "knee", "foot", "ankle", "hand", "wrist", "elbow",
         "shoulder", "hip", "femur", "tibia", "pelvisbone", "temporal", "orbit", "jaw", "maxill", "mandib")  # fmt: skip
_SHARP = ("lung", "b60", "b70", "b80", "bl57", "bl64", "fc50", "fc51", "fc52", "fc53", "fc86", "yl")


def choose(volume: Volume, facts: Mapping[str, object]) -> str:
    """The preset that suits a volume.

    Parameters
    ----------
    facts : as found by intake, all optional: ``contrast``, ``body_part``, ``kernel``, ``description`` (of the
        series), ``study_description``, ``sequence`` (name of an MR sequence)

    Rules: CT with contrast in an arterial phase or of a named vessel: ``ct_vessel``; of abdomen or pelvis
    otherwise, where the lumen has 150 to 220 HU: ``ct_portal``; other contrast CT: ``ct_bone_vessel``; chest with a
    lung kernel: ``ct_lung``; extremity, spine, face, and CT without contrast: ``ct_bone``. MR by the name of its
    sequence, else ``mr_generic``.
    """
    words = " ".join(
        str(facts.get(k) or "").lower()
        for k in ("description", "series_description", "study_description", "sequence", "protocol", "protocol_name")
    )
    part = str(facts.get("body_part") or "").lower()
    if tones.uptake(volume) is not None:
        return "pet_hot"
    if volume.units == "HU":
        kernel = str(facts.get("kernel") or "").lower()
        contrast = _contrast(facts.get("contrast"), words)
        chest = "chest" in part or "thorax" in part or "lung" in part or "chest" in words or "thorax" in words
        if any(b in part for b in _BONY):
            return "ct_bone"
        if chest and any(k in kernel for k in _SHARP) and not contrast:
            return "ct_lung"
        if contrast:
            if any(w in words for w in _ANGIO) or any(w in part for w in _VESSEL_PARTS):
                return "ct_vessel"
            if not chest and (any(w in words for w in _PORTAL) or any(w in part for w in ("abd", "pel", "liver"))):
                return "ct_portal"
            return "ct_bone_vessel"
        return "ct_bone"
    if "tof" in words or "time of flight" in words:
        return "mr_tof"
    if "mrcp" in words or "cholangio" in words:
        return "mr_mrcp"
    if "mra" in words.split() or "angio" in words:
        return "mr_cemra"
    return "mr_generic"


def _contrast(stated: object, words: str) -> bool:
    if isinstance(stated, bool):
        return stated
    text = str(stated or "").strip().lower()
    if text and text not in {"none", "no", "n", "0", "false"}:
        return True
    return any(w in words for w in ("contrast", "c+", "post con", "angio", "cta", "venous", "portal")) and not any(
        w in words for w in ("without contrast", "non contrast", "noncontrast", "w/o", "c-")
    )


_CT_WINDOWS: tuple[tuple[str, float, float], ...] = (
    ("Soft tissue", 400, 40),
    ("Lung", 1500, -600),
    ("Bone", 2000, 350),
    ("Brain", 80, 40),
    ("Mediastinum", 350, 50),
    ("CTA", 700, 200),
    ("Liver", 150, 90),
    ("Stroke", 40, 40),
    ("Temporal bone", 4000, 700),
    # in the menu only
    ("Subdural", 200, 75),
    ("Posterior fossa", 120, 40),
    ("Spine", 250, 50),
    ("Pelvis", 450, 50),
    ("Larynx", 180, 80),
    ("Stent and calcium", 1500, 300),
    ("MIP of CTA", 600, 300),
    ("Emphysema", 500, -850),
    ("CT colon", 2000, -100),
)
_MR_SHARES = (("P1 to P99", 1, 99), ("P5 to P95", 5, 95), ("P0.5 to P99.9", 0.5, 99.9), ("Vessel", 50, 99.9))
_SUV_TOPS = (5, 7, 10, 15)


def window_presets(modality: str, volume: Volume | None = None) -> list[tuple[str, Window]]:
    """Windows of the number keys 1, 2, 3 ... in this order; what comes after the ninth is for the menu.

    CT: fixed. PET: SUV from 0. MR and others: percentiles of the foreground, so a `volume` is needed; without
    one, or for a CT without HU, the list is empty.
    """
    if modality == "CT" and (volume is None or volume.units == "HU"):
        return [(title, Window(center=float(c), width=float(w))) for title, w, c in _CT_WINDOWS]
    uptake = 1.0 if volume is None else tones.uptake(volume)
    if modality == "PT" and uptake is not None:
        return [(f"SUV 0 to {top}", tones.from_range(0.0, top / uptake)) for top in _SUV_TOPS]
    if volume is None or volume.units == "HU":
        return []
    return [(title, tones.from_range(*tones.percentiles(volume, low, high))) for title, low, high in _MR_SHARES]
