"""Findings as a radiologist reads them: worst first, each with what it means for measurement and what can be done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workstation.base.findings import Finding, Severity

# code -> (what it means for measuring and looking, what can be done); in falling weight inside a severity.
_TOLD: dict[str, tuple[str, str]] = {
    "mixed_patients": ("Nothing opens before it is decided whose images these are.", "Decide under Identities."),
    "uid_clash": ("The second image was set apart and is not shown.", "Ask the sender which of the two is right."),
    "orientation_invalid": ("No sides, no measurements, no pictures for the record.", "Have the series sent again."),
    "no_sides": ("Lengths hold; there are no letters, and no pictures for the record.", ""),
    "quadruped": ("Letters of sides are left out.", ""),
    "position_doubtful": (
        "Right and left may be exchanged. Every picture says so until a physician confirms.",
        "Compare with the localiser, the organs or an earlier study; confirm, or have it sent again.",
    ),
    "geometry_missing": ("It can be looked at slice by slice, not measured.", "Ask for the original images."),
    "stack_not_straight": ("3D and reformats would be distorted.", "Choose another series."),
    "spacing_unknown": ("There are no millimetres.", "Ask for the original images."),
    "spacing_implausible": ("No length could be trusted.", "Ask for the original images."),
    "duplicate_conflict": ("Which image is right cannot be told.", "Have the series sent again."),
    "gap_large": ("3D over the gap would be invented.", "Have the missing slices sent, then import again."),
    "gap": (
        "Measurements that touch that place are refused; all others hold.",
        "Have the missing slices sent, then import again.",
    ),
    "decode_failed": (
        "The marked places are filled from their neighbours; measurements there are refused.",
        "Have those images sent again.",
    ),
    "import_incomplete": ("Slices may be missing at the ends.", "Import the study again; what is here is kept."),
    "truncated": ("They are not part of the volume.", "Have those images sent again."),
    "unreadable": ("They are not part of the volume.", "Have those images sent again."),
    "uneven_spacing": (
        "Lengths hold, they use the true positions. Reformats are coarser where slices lie further apart.",
        "Prefer an even reconstruction where there is one.",
    ),
    "too_large": ("It does not fit into memory.", "Close other programs, or choose a thicker reconstruction."),
    "reduced": (
        "Measurements are marked, and pictures can be drafts only.",
        "Close other programs and open the study again.",
    ),
    "not_hu": ("Densities and CT looks are off; lengths hold.", "Ask for the original images for densities."),
    "rescale_bad": ("Values have no unit; lengths hold.", ""),
    "lossy": ("Fine detail may be lost; lengths hold, densities with care.", "Prefer the uncompressed series."),
    "for_mixed": ("The positions agree, so lengths hold.", "Check that the patient did not move between the parts."),
    "phases_by_order": (
        "The order of the phases is as sent; which moment each one is, is not known.",
        "Do not measure time from it.",
    ),
    "phase_incomplete": ("The last phase is left out or shorter.", "Have the series sent again if it matters."),
    "phase_short": ("Its missing slices are marked where they can be filled.", "Have the missing images sent again."),
    "concatenation_incomplete": ("Part of the volume is missing.", "Have the missing parts sent, then import again."),
    "frames_mismatch": ("Frames without a description are left out.", ""),
    "too_few_slices": ("Slices can be read; 3D is of little use.", ""),
    "single_slice": ("It can be read as a slice.", ""),
    "not_a_volume": ("They are set apart.", ""),
    "mosaic_undecoded": ("It can be seen as it was sent.", "Ask for the images as single slices."),
    "syntax_unsupported": ("It cannot be shown.", "Have it sent in another compression."),
    "uid_missing": ("Work made here cannot name these images in the archive.", ""),
    "dicomdir_missing": ("Parts of the disc may be missing.", "Check the disc, or ask for a new one."),
    "outside_folder": ("They were not read.", ""),
    "tilt": ("Lengths and angles hold in the patient.", ""),
    "tilt_tag_differs": ("The positions decide.", ""),
    "thickness_differs": ("Lengths along the table use the positions.", ""),
    "anisotropic": (
        "Sizes across the slices are less certain than within them.",
        "Prefer a thinner series for sizing.",
    ),
    "resampled": ("What is shown is interpolated; numbers are not.", ""),
    "localizer": ("It is for planning, not for measuring.", ""),
    "fov_truncated": ("Volumes of organs at the edge are too small.", ""),
    "suv_unavailable": ("Values stay as they were sent.", ""),
    "duplicate_slices": ("Nothing is lost.", ""),
    "rescale_varies": ("Values are comparable between slices.", ""),
    "identity_incomplete": ("It counts as one patient.", ""),
    "charset_wrong": ("", "Compare the name with the order."),
    "charset_guessed": ("", "Compare the name with the order."),
}
_SEVERITY: dict[str, int] = {"refused": 0, "warning": 1, "info": 2}
_WEIGHT = {code: place for place, code in enumerate(_TOLD)}


@dataclass(frozen=True)
class Told:
    """A finding for a person: the sentence, what it means, what can be done ("" where nothing is to be said)."""

    code: str
    severity: Severity
    sentence: str
    means: str
    remedy: str


def refusal_told(code: str, sentence: str) -> str:
    """A refusal with what it means and what can be done, where the code says so."""
    return " ".join(part for part in (sentence, *_TOLD.get(code, ("", ""))) if part)


def findings_told(findings: Iterable[Finding]) -> tuple[Told, ...]:
    """Each finding once, the worst first."""
    once = list(dict.fromkeys((f.code, f.severity, f.sentence) for f in findings))
    once.sort(key=lambda f: (_SEVERITY[f[1]], _WEIGHT.get(f[0], len(_WEIGHT))))
    return tuple(Told(code, severity, sentence, *_TOLD.get(code, ("", ""))) for code, severity, sentence in once)
