"""Whether it was 3D rendering at all."""

from __future__ import annotations

from billing.context import Context
from billing.rules.rule import CPT, LIT, OWN, Alternative, Finding, fine, hold, idle, reject, rule

TRUE_3D = {
    "VR": "volume rendering",
    "SSD": "shaded surface",
    "MIP_3D": "MIP of the volume",
    "MINIP_3D": "MinIP of the volume",
    "ENDO_3D": "virtual endoscopy",
}
DOUBTFUL = {"MIP_SLAB": "thick-slab MIP", "FUSION": "fusion", "QUANT_3D": "3D quantification"}


@rule("R-TQ-00", CPT)
def rendered(case: Context) -> Finding:
    used = [TRUE_3D[t] for t in case.facts.rendering.techniques or () if t in TRUE_3D]
    if used:
        return fine(f"3D rendering was made: {', '.join(dict.fromkeys(used))}.")
    return idle("No true 3D technique is on record.")


@rule("R-TQ-01", CPT)
def only_planes(case: Context) -> Finding:
    techniques = case.facts.rendering.techniques
    if techniques is None or any(t in TRUE_3D or t in DOUBTFUL for t in techniques):
        return idle("Not planar reformats alone, as far as is known.")
    return reject(
        "Planar and curved reformats, segmentation or an export alone are part of the base study, not 3D rendering.",
        alternatives=tuple(
            Alternative(b.code, "the base study only; the reformats belong to it") for _, b in case.sources if b.code
        ),
    )


@rule("R-TQ-02", LIT)
def doubtful(case: Context) -> Finding:
    techniques = case.facts.rendering.techniques or ()
    found = [DOUBTFUL[t] for t in techniques if t in DOUBTFUL]
    if found and not any(t in TRUE_3D for t in techniques):
        return hold(
            f"Only {', '.join(dict.fromkeys(found))} is on record; alone that may not be 3D rendering.",
            ("rendering.techniques", "Was a projection or rendering of the whole volume (VR, SSD, MIP) made as well?"),
        )
    return idle("No doubt about the technique.")


@rule("R-TQ-03", OWN)
def technique_known(case: Context) -> Finding:
    if case.facts.rendering.techniques is None:
        return hold(
            "How the pictures were made is not on record.",
            ("rendering.techniques", "Which techniques were used: VR, SSD, MIP of the volume, reformats?"),
        )
    return idle("The techniques are on record.")


RULES = (rendered, only_planes, doubtful, technique_known)
