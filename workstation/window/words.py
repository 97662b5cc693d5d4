"""How the window says things: places, values, names and dates as a person reads them. No Qt."""

from __future__ import annotations

from render import camera as cameras
from render import planes, tones
from render.view import Technique, Vector, View, Window
from render.volume import Volume
from workstation.window.models.oblique import degrees_off

_LETTERS = (("R", "L"), ("A", "P"), ("F", "H"))
_STANDARD = {
    "AP": "anterior",
    "PA": "posterior",
    "LEFT LATERAL": "left",
    "RIGHT LATERAL": "right",
    "CRA 90": "above",
    "CAU 90": "below",
}
PLANE_TITLES = {"axial": "Axial", "coronal": "Coronal", "sagittal": "Sagittal", "3d": "3D"}
TECHNIQUES = {
    Technique.VR: "Volume rendering",
    Technique.MIP: "MIP",
    Technique.MINIP: "MinIP",
    Technique.MEAN: "Mean",
    Technique.SSD: "Surface",
    Technique.MPR: "MPR",
}


def sided(volume: Volume) -> bool:
    """Whether the volume says how it lies in the patient; without that no word names a direction of the body."""
    return cameras.NO_SIDES.isdisjoint(volume.findings)


def plane_title(pane: str, *, sided: bool = True) -> str:
    """Title of a pane: ``Axial``; ``Plane 1`` where nobody knows how the volume lies in the patient."""
    return PLANE_TITLES[pane] if sided or pane == "3d" else f"Plane {1 + tuple(PLANE_TITLES).index(pane)}"


def place(point: Vector, *, sided: bool = True) -> str:
    """A point of the patient: ``L 18.2 P 8.4 F 250.0 mm``; of the volume's own frame: ``x 18.2 y 8.4 z -250.0 mm``."""
    if not sided:
        return " ".join(f"{axis} {part:.1f}" for axis, part in zip("xyz", point, strict=True)) + " mm"
    return " ".join(f"{_LETTERS[k][int(point[k] > 0)]} {abs(point[k]):.1f}" for k in range(3)) + " mm"


def value(number: float, units: str) -> str:
    """A voxel's value with its unit."""
    shown = f"{number:.0f}" if abs(number) >= 100 or number == round(number) else f"{number:.2f}"
    if units == "HU":
        return f"{shown} HU"
    return f"{shown} (no unit)" if units in {"", "arbitrary"} else f"{shown} {units}"


def voxel(number: float, of: Volume) -> str:
    """A voxel's value as people read it: PET in SUV, whatever the file's unit."""
    shown, unit = tones.as_shown(of, number)
    return value(shown, unit or of.units)


def window(w: Window) -> str:
    """``W 400 C 40``, as in the pictures."""
    digits = 1 if w.width >= 10 else 2
    width, centre = (f"{part:.{digits}f}".rstrip("0").rstrip(".") for part in (w.width, w.center))
    return f"W {width} C {centre}"


def size(count: int) -> str:
    """So many bytes: ``640 kB``, ``12.4 MB``, ``1.3 GB``."""
    if count < 1_000_000:
        return f"{max(count, 0) / 1000:.0f} kB"
    return f"{count / 1e6:.1f} MB" if count < 1_000_000_000 else f"{count / 1e9:.1f} GB"


def person(dicom_name: str) -> str:
    """A DICOM person name (alphabetic group) as ``FAMILY, Given Middle``."""
    groups = dicom_name.split("=")
    parts = [part.strip() for part in (groups[0] or (groups[1] if len(groups) > 1 else "")).split("^")]
    family = parts[0] if parts else ""
    given = " ".join(part for part in parts[1:3] if part)
    return f"{family}, {given}" if family and given else family or given or "No name"


def other_script(dicom_name: str) -> str:
    """The ideographic group of a DICOM name, or ""."""
    groups = dicom_name.split("=")
    return groups[1].replace("^", " ").strip() if len(groups) > 1 else ""


def date(text: str | None) -> str:
    """YYYYMMDD or YYYY-MM-DD as YYYY-MM-DD; "" when absent."""
    if not text:
        return ""
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}" if len(text) == 8 and text.isdigit() else text


def initials(name: str) -> str:
    """Two letters of a printed name, titles left out."""
    plain = name.partition(",")[0].replace(".", " ")
    parts = [p for p in plain.split() if p.lower() not in {"dr", "prof", "md"}]
    return "".join(p[0] for p in (parts[:1] + parts[-1:] if len(parts) > 1 else parts)).upper()[:2]


def eye(view: View, *, sided: bool = True) -> str:
    """Where a 3D eye stands: ``anterior``, ``LAO 45``."""
    if view.camera is None or not sided:
        return ""
    told = cameras.angles(view.camera)
    return _STANDARD.get(told, told)


def pane_of(view: View) -> str:
    """The pane in which a view stands: by its plane's normal, or 3D."""
    if view.plane is None:
        return "3d"
    n = [abs(float(x)) for x in planes.normal(view.plane)]
    return ("sagittal", "coronal", "axial")[n.index(max(n))]


def oblique_title(pane: str, *, sided: bool = True) -> str:
    """Title of a plane that is turned away from its standard place: ``Oblique axial``."""
    return f"Oblique {plane_title(pane, sided=sided).lower()}"


def title(view: View, *, sided: bool = True) -> str:
    """A capture's title: what was made, and from where."""
    if view.plane is None:
        return ", ".join(part for part in (TECHNIQUES[view.technique], eye(view, sided=sided)) if part)
    pane = pane_of(view)
    axis = ("sagittal", "coronal", "axial").index(pane)
    at = view.plane.centre_lps_mm[axis]
    off = degrees_off(view.plane, pane)
    where = f" {_LETTERS[axis][int(at > 0)]} {abs(at):.0f}" if sided else f", {at:.0f} mm"
    words = plane_title(pane, sided=sided) + where
    if off:
        words = f"{oblique_title(pane, sided=sided)}, turned {off:.0f}°"
    if view.slab is not None:
        kinds = {"mip": "MIP", "minip": "MinIP", "mean": "mean"}
        words += f" {kinds[view.slab.mode]} {view.slab.thickness_mm:.0f} mm"
    return words
