"""`renderdesk volume`: one checked volume as a file, with its statistics over acquired slices."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from workstation.commands.frame import print_json, tell
from workstation.commands.source_args import add_source_arguments

if TYPE_CHECKING:
    from render.volume import Volume

EXAMPLE = "Example: renderdesk volume sample_dicom --out aorta.nii.gz --json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_source_arguments(parser)
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help=".npz, .nii.gz or .nrrd")
    parser.add_argument(
        "--grid",
        choices=("acquired", "regular"),
        help="regular: shear and unequal gaps resampled, as the pictures see it; default: the voxels as acquired, "
        "resampled only where slices are uneven and the format knows no places of its own (.nii.gz, .nrrd)",
    )
    parser.add_argument("--force", action="store_true", help="replace an existing file")


def run(args: argparse.Namespace) -> int:
    from concurrent.futures import ThreadPoolExecutor

    from render import volumefile
    from workstation.base.atomic import writing
    from workstation.base.errors import InputRefused, RenderDeskError
    from workstation.desk.source import open_source, read

    name = args.out.name.lower()
    suffix = next((s for s in volumefile.SUFFIXES if name.endswith(s)), None)
    if suffix is None:
        raise InputRefused("suffix", f"A volume is written as {', '.join(volumefile.SUFFIXES)}.")
    if args.out.exists() and not args.force:
        raise RenderDeskError("exists", "The output is already there; use --force to replace it.")
    source = open_source(args.source, args.series, args.volume)
    volume = read(source)
    if not args.json:
        tell(source.choice_line)
    # One step for all slices is all that NIfTI and NRRD can say: uneven ones would be squeezed by the next reader.
    uneven = volume.positions_lps is not None and suffix != ".npz"
    if uneven and args.grid == "acquired":
        raise InputRefused("uneven_spacing", "This format cannot say that slices are uneven; write .npz, or resample.")
    if uneven:
        tell("The slices are uneven, which this format cannot say: they are resampled on their true positions.")
    grid = "regular" if uneven or args.grid == "regular" else "acquired"
    if grid == "regular" and volume.needs_display_copy:
        from render.resample import display_copy

        volume = display_copy(volume)
    with ThreadPoolExecutor(1) as pool, writing(args.out, force=args.force) as file:
        told = pool.submit(_told, volume)  # by a second thread while the first one writes
        if suffix == ".npz":
            volumefile.npz_into(file, volume)
        else:
            file.write((volumefile.nifti if suffix == ".nii.gz" else volumefile.nrrd)(volume))
        low, high, mean = told.result()
    shown = {
        "out": str(args.out),
        "id": source.found.id,
        "shape": list(volume.geometry.shape),
        "spacing_mm": list(volume.geometry.spacing_mm),
        "affine_lps": volume.geometry.affine_lps.tolist(),
        "units": volume.units,
        "dtype": str(volume.voxels.dtype),
        "minimum": low,
        "maximum": high,
        "mean": mean,
        "filled": list(volume.filled),
        "lossy": volume.lossy,
        "grid": grid,
        "findings": list(volume.findings),
        "positions_lps": None if volume.positions_lps is None else volume.positions_lps.tolist(),
    }
    if args.json:
        print_json(shown)
    else:
        k, r, c = volume.geometry.shape
        print(f"{args.out}: {c} x {r} x {k}, {volume.units} {shown['minimum']} to {shown['maximum']}, mean {mean:.2f}")
        for finding in source.findings_of(volume):
            tell(finding.sentence)
    return 0


def _told(volume: Volume) -> tuple[float, float, float]:
    """Least, greatest and mean value of the acquired slices; whole numbers where the voxels are."""
    import numpy as np

    filled = set(volume.filled)
    acquired = [k for k in range(volume.geometry.shape[0]) if k not in filled]
    voxels = volume.voxels if not filled else volume.voxels[acquired]
    return voxels.min().item(), voxels.max().item(), float(voxels.mean(dtype=np.float64))
