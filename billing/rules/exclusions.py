"""Whether the base study already contains the 3D work."""

from __future__ import annotations

from billing.codes import ANGIOGRAPHY, AORTIC_CTA, lookup
from billing.context import Context
from billing.rules.rule import CPT, Alternative, Finding, fine, hold, reject, rule


@rule("R-IN-01", CPT)
def includes(case: Context) -> list[Finding]:
    found = []
    for _, b in case.sources:
        row = lookup(b.code) if b.code else None
        if b.code and row is not None and row.kind == "A":
            others = []
            if b.code in AORTIC_CTA:
                others.append(Alternative("G0288", "reconstruction of an aortic CT angiography for surgical planning"))
            if b.code == "73706":
                why = "CT of the leg without angiography, if it was none: 73706 is the angiography"
                others += [Alternative(plain, why) for plain in ("73700", "73701", "73702")]
            found.append(
                reject(
                    f"The base study {b.code} already includes 3D work; the 3D cannot be charged beside it, "
                    "on any day or by anybody.",
                    alternatives=tuple(others),
                )
            )
    if any(b.code == "34839" for b in case.beside):
        found.append(reject("34839 on the same day already includes the 3D work of planning."))
    return found


@rule("R-IN-02", CPT)
def may_include(case: Context) -> list[Finding]:
    found = []
    for i, b in case.sources:
        row = lookup(b.code) if b.code else None
        if row is not None and row.kind != "B":
            continue
        if b.includes_3d is True:
            found.append(
                reject(
                    f"The base study {b.code or ''} already includes the 3D work.".replace("  ", " "),
                    alternatives=(Alternative(b.code, "the base study only"),) if b.code else (),
                )
            )
        elif row is not None and b.includes_3d is None:
            found.append(
                hold(
                    f"{b.code} is believed to include or exclude 3D; that must be looked up.",
                    (f"base[{i}].includes_3d", f"Does {b.code} include 3D by your code book or the edit file?"),
                )
            )
        elif row is not None:
            found.append(fine(f"{b.code}: looked up, it does not include 3D."))
    return found


@rule("R-CT-01", CPT)
def hidden_angiography(case: Context) -> list[Finding]:
    found = []
    for _, b in case.sources:
        row = lookup(b.code) if b.code else None
        if row is None or not row.contrast or row.kind != "P":
            continue
        if case.facts.rendering.target == "vascular" and b.angiographic is True:
            codes = ANGIOGRAPHY.get((row.modality, row.region), ())
            found.append(
                reject(
                    f"Vessels were rendered from a study acquired and read as an angiography: {b.code} was "
                    f"{'a CT' if row.modality == 'CT' else 'an MR'} angiography, which includes 3D.",
                    alternatives=tuple(Alternative(c, "the angiography of this region; it includes 3D") for c in codes),
                )
            )
    return found


@rule("R-CT-02", CPT)
def angiography_asked(case: Context) -> list[Finding]:
    found = []
    for i, b in case.sources:
        row = lookup(b.code) if b.code else None
        if row is None or not row.contrast or row.kind != "P":
            continue
        target = case.facts.rendering.target
        if target is None:
            found.append(
                hold(
                    f"{b.code} is a contrast study and it is not known what was rendered.",
                    ("rendering.target", "What was rendered: vessels, bone, an organ ...?"),
                )
            )
        elif target == "vascular" and b.angiographic is None:
            found.append(
                hold(
                    f"Vessels were rendered from the contrast study {b.code}; an angiography includes 3D.",
                    (
                        f"base[{i}].angiographic",
                        f"Was {b.code} acquired and read as {'a CT' if row.modality == 'CT' else 'an MR'} angiography?",
                    ),
                )
            )
    return found


RULES = (includes, may_include, hidden_angiography, angiography_asked)
