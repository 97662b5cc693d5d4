"""The texts of a picture: what the record must carry, and what the screen shows.

The same lines for both, so that a capture never says less than what was on the screen; the record adds who made
it, when, where and with which version.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np

from render import camera as cameras
from render import planes, presets, tones
from render.faces import legible
from render.geometry import letters as letters_of
from render.view import Labels, Technique, View
from render.volume import Volume
from workstation import __version__
from workstation.case.model import Case
from workstation.dicom.found import Identity

Facts = Mapping[str, object]

_REMOVED = {
    "lungs": "LUNGS ONLY (AUTO)",
    "body": "OUTSIDE OF BODY REMOVED (AUTO)",
    "patient": "TABLE REMOVED (AUTO)",
    "airways": "AIRWAYS ONLY (AUTO)",
    "brain": "BRAIN ONLY (AUTO)",
}

_TECHNIQUE = {
    Technique.VR: "Volume rendering",
    Technique.MIP: "MIP",
    Technique.MINIP: "MinIP",
    Technique.MEAN: "Mean",
    Technique.MPR: "MPR",
    Technique.SSD: "Surface",
}


def record_labels(
    case: Case | None,
    facts: Facts,
    volume: Volume,
    view: View,
    *,
    draft: bool,
    made_by: str = "",
    made_at: str = "",
    station: str = "",
) -> Labels:
    """Texts of a picture for the record.

    Parameters
    ----------
    case : the study's case, or None (command line); identity then comes from `facts`
    facts : of the volume as it was found; absent ones are left out
    draft : not released by a physician yet
    made_by, made_at, station : person, UTC time (ISO 8601), and machine
    """
    shown = screen_labels(case, facts, volume, view)
    made = " ".join(x for x in (made_by, _time(made_at)) if x)
    maker = ", ".join(x for x in (f"RenderDesk {__version__}", station) if x)
    bands = ["DRAFT, NOT RELEASED"] if draft else []
    if shown.band:
        bands.append(shown.band)
    return Labels(
        top_left=shown.top_left,
        top_right=shown.top_right,
        bottom_left=shown.bottom_left,
        bottom_right=(*shown.bottom_right, *((made,) if made else ()), maker),
        band=" · ".join(bands),
        badges=shown.badges,
        letters=shown.letters,
    )


def screen_labels(case: Case | None, facts: Facts, volume: Volume, view: View) -> Labels:
    """Texts of a picture on the screen; corner lines in falling weight (small views drop them from the end)."""
    return Labels(
        top_left=_patient(case, facts),
        top_right=_study(case, facts),
        bottom_left=_technique(volume, view),
        bottom_right=_series(facts, volume, view),
        band="DEMO · SYNTHETIC · NOT FOR DIAGNOSIS" if case is not None and case.demo else _band(facts),
        badges=(*badges_of(volume, case), *_view_badges(volume, view)),
        letters=not cameras.NO_SIDES.intersection(volume.findings),
    )


def badges_of(volume: Volume, case: Case | None) -> tuple[str, ...]:
    """Words about the voxels that no overlay toggle hides."""
    found = set(volume.findings) | set(case.findings if case is not None else ())
    badges = []
    if "position_doubtful" in found:
        confirmed = case.side_confirmed_by if case is not None else None
        badges.append(f"SIDE CONFIRMED BY {confirmed.name}" if confirmed is not None else "SIDE NOT SURE")
    if cameras.NO_SIDES & found:
        badges.append("ORIENTATION UNKNOWN")
    if volume.lossy:
        badges.append("LOSSY")
    if volume.modality == "CT" and volume.units != "HU":
        badges.append("NOT HU")
    if "tilt" in found:
        badges.append("TILT CORRECTED")
    if "uneven_spacing" in found:
        badges.append("RESAMPLED")
    if volume.filled:
        badges.append(f"GAPS FILLED {len(volume.filled)}")
    if volume.reduced > 1:
        badges.append(f"REDUCED 1/{volume.reduced}")
    if volume.phase is not None and volume.phase[3] > 1:
        badges.append(f"PHASE {volume.phase[2] + 1}/{volume.phase[3]}")
    if cameras.NO_MILLIMETRES & found:
        badges.append("NO MILLIMETRES")
    return tuple(badges)


def _view_badges(volume: Volume, view: View) -> tuple[str, ...]:
    badges = []
    apart = round(volume.geometry.spacing_mm[0], 1)
    if view.slab is not None and view.slab.thickness_mm > 0:
        badges.append(f"THICK {_short(view.slab.thickness_mm)} mm")
    elif apart > 3:
        badges.append(f"THICK {_short(apart)} mm")
    if view.quality == "drag":
        badges.append("REDUCED")
    if view.window is not None and view.window.inverted:
        badges.append("INVERTED")
    if view.plane is not None and _mirrored(view):
        badges.append("MIRRORED VIEW")
    badges.extend(removals_of(volume, view))
    if any(not mark.accepted for mark in view.marks):
        badges.append("MEASUREMENT NOT ACCEPTED")
    if any(s.visible and not s.accepted for s in view.segments):
        badges.append("SEGMENTATION NOT ACCEPTED")
    return tuple(badges)


def removals_of(volume: Volume, view: View) -> tuple[str, ...]:
    """What this picture leaves out of the patient, in the words that stand on it; a release needs one without."""
    if view.is_plane:
        return ()
    words = ["CUT"] if view.crop is not None or view.clips else []
    hidden = [s for s in view.segments if not s.visible or s.opacity <= 0]
    named = [(s.name or f"segment {s.number}").upper() for s in hidden if s.number]
    if named:
        words.append(f"{', '.join(named)} REMOVED (MANUAL)")
    if any(not s.number for s in hidden):
        words.append("ALL OUTSIDE OF SEGMENTS REMOVED (MANUAL)")
    shown = view.look.within if view.look is not None and view.technique is Technique.VR else ""
    if view.technique in {Technique.MINIP, Technique.MEAN}:
        shown = "" if view.segments else "body"
    if shown and (volume.units == "HU" or shown in {"body", "brain"}):
        words.append(_REMOVED[shown])
    return tuple(words)


def _mirrored(view: View) -> bool:
    """Whether a standard plane is seen from its unusual side (patient's right not on the viewer's left)."""
    assert view.plane is not None
    n = planes.normal(view.plane)
    axis = int(np.argmax(np.abs(n)))
    usual = np.cross(*planes.STANDARD[("sagittal", "coronal", "axial")[axis]])
    return float(abs(n[axis])) > 0.999 and float(n @ usual) < 0


def _patient(case: Case | None, facts: Facts) -> tuple[str, ...]:
    stated = facts.get("identity")
    identity = stated if isinstance(stated, Identity) else Identity()
    name, number = identity.name, identity.id
    birth, sex = identity.birth_date, identity.sex
    study = _text(facts, "study_date")
    if case is not None:
        name, number = "=".join((case.patient.name, case.patient.name_ideographic)), case.patient.id
        birth, sex = case.patient.birth_date, case.patient.sex
        study = case.study_date or study
    third = " ".join(x for x in (birth or "", _age(birth, study), sex or "") if x)
    return (burned_name(name), f"ID {number}" if number else "NO ID", *((third,) if third else ()))


def burned_name(name: str) -> str:
    """A name as it stands in a picture: its letters, and its characters where a font has them all; never boxes."""
    groups = [group for group in name.split("=")[:2] if group.strip("^ ")]
    shown = [text for text in map(readable_name, groups) if legible(text)]
    if not groups:
        return "NO NAME"
    return "  ".join(shown) or "NAME: NO FONT FOR ITS SCRIPT"


def readable_name(name: str) -> str:
    """``DOE^JANE^M^DR`` as ``DOE, JANE M`` (first component group that is there; PS3.5 6.2.1.2)."""
    group = next((g for g in name.split("=") if g.strip("^ ")), "")
    parts = [p.strip() for p in group.split("^")]
    given = " ".join(p for p in parts[1:3] if p)
    return ", ".join(x for x in (parts[0], given) if x)


def _age(birth: str | None, at: str | None) -> str:
    try:
        b, s = date.fromisoformat(birth or ""), date.fromisoformat(at or "")
    except ValueError:
        return ""
    years = s.year - b.year - ((s.month, s.day) < (b.month, b.day))
    return f"({years} y)" if 0 <= years < 130 else ""


def _study(case: Case | None, facts: Facts) -> tuple[str, ...]:
    at = (case.study_date if case is not None else None) or _text(facts, "study_date")
    accession = (case.accession if case is not None else "") or _text(facts, "accession")
    description = (case.study_description if case is not None else "") or _text(facts, "study_description")
    when = " ".join(x for x in (at, _clock(_text(facts, "study_time"))) if x)
    lines = (when, f"Acc. {accession}" if accession else "", _text(facts, "institution"), description)
    return tuple(x for x in lines if x)


def _technique(volume: Volume, view: View) -> tuple[str, ...]:
    lines = []
    name = _TECHNIQUE[view.technique]
    if view.plane is not None and view.slab is not None and view.slab.thickness_mm > 0:
        kind = {"mip": "MIP", "minip": "MinIP", "mean": "mean"}[view.slab.mode]
        name = f"{kind} slab {_short(view.slab.thickness_mm)} mm"
    if view.technique is Technique.VR and view.look is not None:
        name = f"{name}, {view.look.name}@{view.look.version}"
    lines.append(name)
    if view.look is not None and view.look.scaled and view.technique is Technique.VR:
        lines.append(f"scaled to {view.look.scaled}")
    for surface in (s for s in view.surfaces if s.visible):
        low, unit = tones.as_shown(volume, surface.low)
        high = None if surface.high is None else tones.as_shown(volume, surface.high)[0]
        shown_unit = f" {unit}" if unit else ""
        band = (
            f"{_short(low)} to {_short(high)}{shown_unit}"
            if high is not None
            else f"{_short(low)}{shown_unit} and above"
        )
        lines.append(" ".join(x for x in (surface.name, f"threshold {band}") if x))
    if view.window is not None and (view.is_plane or view.technique not in {Technique.VR, Technique.SSD}):
        width, unit = tones.as_shown(volume, view.window.width)
        centre = tones.as_shown(volume, view.window.center)[0]
        lines.append(f"W {_short(width)} C {_short(centre)}" + (" SUV" if unit == "SUV" else ""))
    if view.plane is not None:
        native = min(volume.geometry.spacing_mm[1:])
        lines.append(f"zoom {native / view.plane.mm_per_pixel:.2f}")
    elif view.camera is not None and not view.camera.parallel:
        lines.append("perspective: no scale")
    return tuple(lines)


def _series(facts: Facts, volume: Volume, view: View) -> tuple[str, ...]:
    number = facts.get("series_number")
    title = ": ".join(str(x) for x in (number, _text(facts, "series_description")) if x not in (None, ""))
    lines = [_place(volume, view)]
    lines.append(f"Series {title}" if title else "")
    k, r, c = volume.geometry.spacing_mm
    lines.append(f"{c:.2f} x {r:.2f} x {k:.2f} mm")
    exposure = [f"{_short(x)} {unit}" for x, unit in ((facts.get("kvp"), "kVp"), (facts.get("mas"), "mAs")) if x]
    exposure += [
        f"{word} {_short(x)} ms"
        for x, word in ((facts.get("tr_ms"), "TR"), (facts.get("te_ms"), "TE"), (facts.get("ti_ms"), "TI"))
        if x
    ]
    lines.append(", ".join(exposure))
    agent = facts.get("contrast")
    if agent:
        lines.append("contrast" if agent is True else f"contrast {agent}")
    lines.append(_text(facts, "kernel"))
    return tuple(x for x in lines if x)


def _place(volume: Volume, view: View) -> str:
    """``axial H 12.5 mm 54/133``, or the angle of a 3D view; of a volume without sides, no direction of the body."""
    sided = cameras.NO_SIDES.isdisjoint(volume.findings)
    if view.plane is None:
        return cameras.angles(view.camera) if view.camera is not None and sided else ""
    n = planes.normal(view.plane)
    axis = int(np.argmax(np.abs(n)))
    straight = float(abs(n[axis])) > 0.9999
    name = ("sagittal", "coronal", "axial")[axis] if straight else f"oblique {letters_of(n)}"
    if not sided:
        name = f"plane {3 - axis}" if straight else "oblique plane"
        value = float(np.array(view.plane.centre_lps_mm) @ n) if not straight else view.plane.centre_lps_mm[axis]
        where = f"{value:+.1f} mm"
    elif straight:
        value = float(view.plane.centre_lps_mm[axis])
        direction = np.zeros(3)
        direction[axis] = 1.0 if value >= 0 else -1.0
        where = f"{letters_of(direction)} {abs(value):.1f} mm"
    else:
        value = float(np.array(view.plane.centre_lps_mm) @ n)
        where = f"{value:+.1f} mm"
    index = volume.geometry.to_index(view.plane.centre_lps_mm)
    words = [name, where]
    if abs(float(volume.geometry.normal_lps @ n)) > 0.9999 and volume.positions_lps is None:
        slice_number = round(float(index[0])) + 1
        if 1 <= slice_number <= volume.geometry.shape[0]:
            words.append(f"{slice_number}/{volume.geometry.shape[0]}")
    return " ".join(words)


def _band(facts: Facts) -> str:
    return "SYNTHETIC · NOT FOR DIAGNOSIS" if facts.get("synthetic") else ""


def _text(facts: Facts, name: str) -> str:
    value = facts.get(name)
    return str(value).strip() if value else ""


def _clock(text: str) -> str:
    """HHMMSS.ffffff as HH:MM."""
    return f"{text[:2]}:{text[2:4]}" if len(text) >= 4 and text[:4].isdigit() else ""


def _time(made_at: str) -> str:
    return made_at.replace("T", " ").split(".")[0].removesuffix("Z") + " UTC" if made_at else ""


def _short(value: object) -> str:
    """A number for people: one decimal at most (two below 10), none from 1000 on, no needless zeros."""
    if not isinstance(value, int | float):
        return str(value)
    size = abs(float(value))
    text = f"{float(value):.{0 if size >= 1000 else 1 if size >= 10 else 2}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def preset_title(view: View) -> str:
    """Name of the look for a list or a file's description."""
    if view.look is None:
        return _TECHNIQUE[view.technique]
    return presets.get(view.look.name).title if view.look.name in presets.names() else view.look.name
