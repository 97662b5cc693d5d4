"""What the program writes by itself, in whole sentences: technique, data, supervision, measurements.

Findings and impression are never written here; they are the physician's words alone.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from render.view import Technique, View
from workstation.measure.printing import pretty, uncertainty_words

if TYPE_CHECKING:
    from workstation.case.model import Case, Measurement, Order, Patient
    from workstation.report.model import Participation

TECHNIQUES = {
    Technique.VR: "Volume rendering",
    Technique.SSD: "Shaded surface",
    Technique.MIP: "Maximum intensity projection",
    Technique.MINIP: "Minimum intensity projection",
    Technique.MEAN: "Mean projection",
    Technique.MPR: "Multiplanar reformat",
}
ACTS = {
    "region": "Where: the region",
    "tissues": "What: the tissues",
    "pictures": "Which: the pictures kept",
    "steering": "Steering: watched and corrected",
}
# sides that are no sides of the body
_NO_SIDE = re.compile(r"\b(right)(?=[ -](?:angle|angles|angled|away|now|handed)\b)", re.IGNORECASE)
_SIDE = re.compile(r"\b(left|right|bilateral)(?!\w)", re.IGNORECASE)
_MARK = "\ue000"


def technique_words(view: View) -> str:
    """How a picture was made, for captions, SeriesDescription and report: "Volume rendering, CT-Bone 1"."""
    words = TECHNIQUES[view.technique]
    if view.is_plane and view.technique is not Technique.MPR:
        words = f"{words}, slab"
    if view.slab is not None:
        mode = "mean" if view.slab.mode == "mean" else view.slab.mode.upper().replace("MINIP", "MinIP")
        words = f"{words}, {mode} over {view.slab.thickness_mm:g} mm"
    if view.technique is Technique.VR and view.look is not None:
        words = f"{words}, {look_words(view.look.name)} {view.look.version}".rstrip()
    if view.technique is Technique.SSD and view.surfaces:
        words = f"{words} at {', '.join(_threshold(s.low, s.high) for s in view.surfaces)}"
    return words


def look_words(name: str) -> str:
    """A preset's name as people read it: "ct_bone_vessel" is "CT bone vessel"."""
    words = name.replace("_", " ").split()
    return " ".join(w.upper() if w in ("ct", "mr", "mra", "mrcp", "pet") else w for w in words)


def _threshold(low: float, high: float | None) -> str:
    return f"{low:g}" if high is None else f"{low:g} to {high:g}"


def paragraphs(text: str) -> tuple[str, ...]:
    """Paragraphs of what a person typed: one per line that holds something."""
    return tuple(line.strip() for line in text.replace("\r\n", "\n").split("\n") if line.strip())


def sides_in_capitals(text: str) -> str:
    """LEFT, RIGHT and BILATERAL in capitals, which is known to reduce errors of side; "right angle" is none."""
    kept = _NO_SIDE.sub(lambda m: m.group(0)[0] + _MARK + m.group(0)[1:], text)
    return _SIDE.sub(lambda m: m.group(0).upper(), kept).replace(_MARK, "")


def sides_named(text: str) -> set[str]:
    """Which sides a text names: left, right; "bilateral" and "both sides" name both."""
    kept = _NO_SIDE.sub("", text)
    found = {m.group(1).lower() for m in _SIDE.finditer(kept)}
    if "bilateral" in found or re.search(r"\bboth sides\b|\bbilaterally\b", kept, re.IGNORECASE):
        return {"left", "right"}
    return found


def measurement_sentence(m: Measurement) -> str:
    """A measurement in one line: name, printed value, uncertainty where it matters, what was measured.

    The side is printed where its name says it, never from the sign of a coordinate: an aorta lies a little to the
    left and is still no left aorta.
    """
    u = uncertainty_words(m.measured)
    value = " ".join(part for part in (m.measured.printed, u) if part)
    marked = f" Marked: {' '.join(m.measured.reasons)}" if m.measured.validity == "marked" else ""
    definition = f" ({lower_first(m.measured.definition)})" if m.measured.definition else ""
    return pretty(f"{sides_in_capitals(m.name or m.kind)}: {value}{definition}.{marked}")


def study_words(modality: str, description: str) -> str:
    """Modality and description, the modality once."""
    said = description.upper().split()
    return description if modality and modality in said[:1] else " ".join(p for p in (modality, description) if p)


def lower_first(text: str) -> str:
    """For a sentence that goes on: the first letter small, unless it begins an abbreviation."""
    return text[:1].lower() + text[1:] if len(text) > 1 and text[1].islower() else text


def order_sentence(order: Order | None) -> str:
    """What was ordered and where that is known from."""
    if order is None:
        return ""
    said = {True: "3D rendering was ordered", False: "3D rendering was not part of the order", None: ""}
    parts = [said[order.three_d_ordered]]
    if order.accession:
        parts.append(f"accession {order.accession}")
    if order.order_id:
        parts.append(f"order {order.order_id}")
    return ", ".join(p for p in parts if p)


def base_sentences(order: Order | None) -> list[str]:
    """The base studies of the order; codes as numbers alone."""
    found = []
    for base in order.base if order is not None else ():
        code = f"code {base.code}" if base.code else ""
        accession = f"accession {base.accession}" if base.accession else ""
        parts = [p for p in (base.modality, code, base.date, accession) if p]
        if parts:
            found.append(f"Base study: {', '.join(parts)}.")
    return found


def provider_words(order: Order | None) -> str:
    """Ordering provider with NPI."""
    if order is None:
        return ""
    name = printed_name(order.ordering_name)
    npi = f"NPI {order.ordering_npi}" if order.ordering_npi else ""
    return f"{name} ({npi})" if name and npi else name or npi


def moment_words(at: str) -> str:
    """A UTC time as a reader of a page takes it in: "2026-03-14 09:15 UTC"."""
    try:
        return datetime.fromisoformat(at).strftime("%Y-%m-%d %H:%M UTC")
    except ValueError:
        return at


def act_sentence(act: Participation) -> str:
    """One act of supervision: kind, who, when, how."""
    name = ACTS.get(act.act, act.act)
    if act.kind == "absent":
        return f"{name}: {act.words or 'not documented'}."
    how = f" ({act.words})" if act.words else ""
    return f"{name}: {act.kind}, {act.by}, {moment_words(act.at)}{how}."


def printed_name(name: str) -> str:
    """A DICOM name as people read it: "Yamada, Tarou"."""
    family, _, rest = name.partition("^")
    given = " ".join(part for part in rest.split("^") if part)
    return f"{family}, {given}" if given else family


def patient_words(patient: Patient) -> str:
    """Identity in one line."""
    name = printed_name(patient.name)
    if patient.name_ideographic:
        name = f"{name} {patient.name_ideographic.replace('^', ' ')}"
    parts = [name or "Name not known", f"ID {patient.id}" if patient.id else "ID not known"]
    if patient.birth_date:
        parts.append(f"born {patient.birth_date}")
    if patient.sex:
        parts.append(patient.sex)
    return ", ".join(parts)


def confirmations(case: Case) -> list[str]:
    """What a physician confirmed because the images alone did not say it."""
    found = []
    if case.identity_confirmed_by is not None:
        found.append(f"The patient's identity was confirmed by {case.identity_confirmed_by.name}.")
    if case.side_confirmed_by is not None:
        found.append(f"Sides were confirmed as labelled by {case.side_confirmed_by.name}.")
    return found
