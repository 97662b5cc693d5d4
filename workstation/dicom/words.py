"""Every finding of intake: its code, how heavy it is, and its sentence (the table of the DICOM page, 1.6)."""

from __future__ import annotations

from workstation.base.findings import Finding, Severity

_HEAVY: dict[str, Severity] = {"i": "info", "w": "warning", "r": "refused"}

# code -> (severity, sentence, sentence for n = 1 where it differs)
_TABLE: dict[str, tuple[str, str, str | None]] = {
    "not_dicom": (
        "i", "{n} files are not DICOM and were left out.", "One file is not DICOM and was left out."
    ),
    "unreadable": ("w", "{n} files could not be read: {why}.", "One file could not be read: {why}."),
    "truncated": ("w", "{n} images end early and were left out.", "One image ends early and was left out."),
    "empty_file": ("i", "{n} files are empty.", "One file is empty."),
    "no_meta": (
        "i",
        "{n} files lack the DICOM header; their encoding was inferred.",
        "One file lacks the DICOM header; its encoding was inferred.",
    ),
    "bad_value": (
        "i",
        "{tag} is no valid number in {n} images and was ignored.",
        "{tag} is no valid number in one image and was ignored.",
    ),
    "charset_guessed": ("i", "The file does not declare its alphabet; check how names read.", None),
    "charset_wrong": ("w", "Names are not written in the alphabet that the file declares; check how they read.", None),
    "uid_missing": (
        "w",
        "{n} images lack an identifier; one was made for use here.",
        "One image lacks an identifier; one was made for use here.",
    ),
    "uid_clash": ("w", "Two different images claim one identifier; the first was kept.", None),
    "mixed_patients": ("r", "This study holds {n} patients; decide which is meant.", None),
    "identity_incomplete": ("i", "Some images of this study lack the patient's name or birth date.", None),
    "dicomdir_missing": (
        "w",
        "The disc's index names {n} files that are not there.",
        "The disc's index names a file that is not there.",
    ),
    "outside_folder": (
        "w",
        "{n} entries point outside their folder and were ignored.",
        "One entry points outside its folder and was ignored.",
    ),
    "archive_limit": ("r", "The archive unpacks to more than {size}.", None),
    "archive_no_space": ("r", "The disk has no room to unpack the archive; make space, or unpack it elsewhere.", None),
    "archive_encrypted": ("r", "The archive is locked with a password; unpack it first.", None),
    "not_a_volume": ("r", "These images ({kind}) can be viewed, not rebuilt in 3D.", None),
    "localizer": ("i", "A localiser in {n} stacks: for planning, not measuring.",
                  "A localiser: for planning, not measuring."),
    "single_slice": (
        "r", "{n} images that do not stack cannot be rebuilt in 3D.", "One image cannot be rebuilt in 3D."
    ),
    "too_few_slices": ("w", "Only {n} slices; 3D of so few is of little use.", None),
    "geometry_missing": ("r", "Position is missing: no millimetres, no sides.", None),
    "orientation_invalid": ("r", "The orientation is invalid; sides cannot be trusted.", None),
    "no_sides": ("w", "The volume does not say how it lies in the patient: no sides.", None),
    "quadruped": ("r", "These are images of an animal, whose sides have other names.", None),
    "position_doubtful": (
        "w",
        "What the series says about the patient's position contradicts itself or the anatomy: the side is not sure.",
        None,
    ),
    "spacing_unknown": ("r", "Pixel spacing is missing; nothing can be measured.", None),
    "spacing_implausible": ("r", "Pixel spacing of {mm} mm is implausible.", None),
    "stack_not_straight": ("r", "Slices do not lie on a line; 3D would be distorted.", None),
    "tilt": ("i", "Gantry tilt {a} degrees: straightened for viewing, measured in the patient.", None),
    "tilt_tag_differs": ("i", "Recorded tilt {t} disagrees with positions ({a}), which are used.", None),
    "gap": (
        "w",
        "{n} missing slices near {z} mm are interpolated; what shows there is not real.",
        "One missing slice near {z} mm is interpolated; what shows there is not real.",
    ),
    "gap_large": ("r", "{n} slices are missing near {z} mm.", "One slice too many is missing near {z} mm."),
    "resampled": ("i", "Shown on a regular grid; numbers come from the original voxels.", None),
    "uneven_spacing": (
        "w", "Slice spacing varies from {lo} to {hi} mm; resampled on true positions.", None
    ),
    "duplicate_slices": (
        "i", "{n} slices occur twice; one of each is used.", "One slice occurs twice; it is used once."
    ),
    "duplicate_conflict": ("r", "{n} slices share a position and differ in content.", None),
    "phases_by_order": ("w", "{n} phases were told apart by image order alone.", None),
    "phase_incomplete": ("w", "The last phase has {a} of {b} slices.", None),
    "phase_short": ("w", "Phase {k} has {a} of {b} slices.", None),
    "concatenation_incomplete": ("w", "These images were sent in {b} parts, of which {a} are here.", None),
    "for_mixed": ("w", "Slices name different frames of reference; their positions agree.", None),
    "thickness_differs": ("i", "Stated spacing {t} mm, positions say {g} mm; positions are used.", None),
    "anisotropic": ("i", "Slices are {x} times coarser than pixels; reformats look stepped.", None),
    "frames_mismatch": ("w", "{a} frames declared, {b} described.", None),
    "mosaic_undecoded": ("r", "The scanner's mosaic could not be taken apart.", None),
    "not_hu": ("w", "Values are not Hounsfield units; CT presets and HU are off.", None),
    "rescale_varies": ("i", "Scaling differs by slice and was applied to each.", None),
    "rescale_bad": ("w", "Scaling is zero or missing; raw values are shown.", None),
    "precision_mismatch": ("i", "Declared and coded bit depth differ; the declared is used.", None),
    "padding_guessed": ("i", "The blank border is treated as outside the image.", None),
    "suv_unavailable": ("i", "Uptake cannot be computed: {tag} is missing.", None),
    "lossy": ("w", "The images were compressed with loss ({r}:1).", None),
    "syntax_unsupported": ("r", "The compression {name} is not supported.", None),
    "decode_failed": (
        "w",
        "{n} images could not be decompressed; their place is marked.",
        "One image could not be decompressed; its place is marked.",
    ),
    "fov_truncated": ("i", "The body is cut off at the image edge.", None),
    "reduced": ("w", "Loaded at 1/{k} resolution to fit memory.", None),
    "too_large": ("r", "Needs {a} GB; {b} GB are free.", None),
}  # fmt: skip

CODES = frozenset(_TABLE)


def finding(code: str, /, *, files: int = 0, **values: object) -> Finding:
    """The finding of a code, its sentence filled in; numbers are rounded for reading."""
    severity, many, one = _TABLE[code]
    shown = {key: _plain(value) for key, value in values.items()}
    if code == "lossy" and not values.get("r"):
        return Finding(code, _HEAVY[severity], "The images were compressed with loss.", files)
    template = one if one is not None and values.get("n") == 1 else many
    return Finding(code, _HEAVY[severity], template.format(**shown), files)


def _plain(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".") if abs(value) < 100 else f"{value:.0f}"
    return str(value)
