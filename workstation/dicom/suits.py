"""How well a volume suits 3D: the score of clinical rules 3.1, with its reasons."""

from __future__ import annotations

import re
from collections.abc import Sequence

from workstation.base.findings import Finding

MODALITIES = frozenset(("CT", "MR", "PT", "NM", "US"))
FEWEST_SLICES = 20
_NEVER = frozenset(("LOCALIZER", "PROJECTION IMAGE", "MIP"))
_NOT_MAGNITUDE = frozenset(("P", "R", "I", "PHASE MAP", "FIELD_MAP", "VELOCITY"))


def eligible(modality: str, image_type: Sequence[str], slices: int, findings: Sequence[Finding]) -> bool:
    """Whether a volume may be chosen for 3D by itself."""
    return (
        modality in MODALITIES
        and not _NEVER & set(image_type)
        and slices >= FEWEST_SLICES
        and not any(f.severity == "refused" or f.code in ("localizer", "too_few_slices") for f in findings)
    )


def score(
    *,
    gap_mm: float,
    thickness_mm: float | None,
    image_type: Sequence[str],
    kernel: str,
    manufacturer: str,
    contrast: bool,
    findings: Sequence[Finding],
    lossy: bool,
) -> tuple[int, tuple[str, ...]]:
    """Points and their reasons; without a protocol a smooth to medium kernel is wanted (vessels, organs)."""
    points: list[tuple[int, str]] = []
    effective = max(gap_mm, thickness_mm or 0.0)
    for limit, value in ((1.0, 40), (1.5, 32), (2.0, 24), (3.0, 10)):
        if effective <= limit + 1e-6:
            points.append((value, f"slices of {effective:.1f} mm"))
            break
    else:
        points.append((0, f"thick slices of {effective:.1f} mm"))
    if thickness_mm and gap_mm <= 0.7 * thickness_mm:
        points.append((5, "overlapping slices"))
    if contrast:
        points.append((5, "with contrast"))
    sharp = is_sharp(kernel, manufacturer)
    if sharp is not None:
        points.append((-10, "sharp kernel") if sharp else (15, "smooth kernel"))
    if tuple(image_type[:2]) == ("ORIGINAL", "PRIMARY"):
        points.append((10, "original"))
    if _NOT_MAGNITUDE & set(image_type):
        points.append((-40, "not a magnitude image"))
    codes = {f.code for f in findings}
    if not any(f.severity != "info" for f in findings):
        points.append((10, "nothing found"))
    if lossy:
        points.append((-10, "compressed with loss"))
    if "tilt" in codes:
        points.append((-5, "tilted"))
    if codes & {"gap", "gap_large", "uneven_spacing"}:
        points.append((-30, "gaps"))
    if "position_doubtful" in codes:
        points.append((-40, "side not sure"))
    return sum(p for p, _ in points), tuple(reason for _, reason in points)


def is_sharp(kernel: str, manufacturer: str) -> bool | None:
    """Whether a CT kernel is sharp (bone, lung); None when its name says nothing. clinical rules 3.1."""
    name, maker = kernel.strip().upper(), manufacturer.upper()
    if not name:
        return None
    canon = re.fullmatch(r"FC(\d{2})", name)
    if canon:
        value = int(canon.group(1))
        return True if value in (30, 31) or 50 <= value <= 59 else (False if 1 <= value <= 19 else None)
    if "SIEMENS" in maker or re.fullmatch(r"[A-Z][A-Z]?\d{2}[A-Z]?(\\.*)?", name):
        number = re.search(r"\d{2}", name)
        if number is not None:
            return int(number.group()) >= 50
    if name.startswith(("SOFT", "STANDARD", "STND")):
        return False
    if name.startswith(("LUNG", "BONE", "EDGE")):
        return True
    if "PHILIPS" in maker and name[0] in "ABCDEYL":
        return name[0] not in "AB"
    return None
