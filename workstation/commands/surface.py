"""`renderdesk surface`: a surface at a threshold as a file."""

from __future__ import annotations

import argparse
import re
import time
from pathlib import Path

from workstation.commands.frame import print_json, tell
from workstation.commands.source_args import add_source_arguments

EXAMPLE = "Example: renderdesk surface sample_dicom --threshold 226 --out bone.stl --json"


def threshold(text: str) -> tuple[float, float | None]:
    """LO or LO,HI."""
    parts = text.split(",")
    if len(parts) > 2:
        raise argparse.ArgumentTypeError("a threshold is LO or LO,HI")
    try:
        low, high = float(parts[0]), float(parts[1]) if len(parts) == 2 else None
    except ValueError as error:
        raise argparse.ArgumentTypeError("a threshold is LO or LO,HI") from error
    return low, high


def share(text: str) -> float:
    """A number from 0 to 1."""
    try:
        value = float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError("a number from 0 to 1 is needed") from error
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError("a number from 0 to 1 is needed")
    return value


def allow_negative_lists(parser: argparse.ArgumentParser) -> None:
    """Let values like ``-20,0,-170`` follow an option: argparse would take them for options themselves."""
    parser._negative_number_matcher = re.compile(r"^-\.?\d[\d.,eE+-]*$")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    allow_negative_lists(parser)
    add_source_arguments(parser)
    parser.add_argument("--threshold", required=True, type=threshold, metavar="LO[,HI]", help="in the volume's unit")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help=".stl, .obj, .ply, .glb or .3mf")
    parser.add_argument("--space", choices=("lps", "ras"), default="lps", help="coordinates in the file")
    parser.add_argument("--smooth", type=share, default=0.5, metavar="0..1", help="0 none, 0.5 usual, 1 strong")
    parser.add_argument("--largest", type=int, default=0, metavar="N", help="only the N largest parts")
    parser.add_argument("--reduce", type=share, default=0.0, metavar="0..1", help="share of triangles to take away")
    parser.add_argument("--force", action="store_true", help="replace an existing file")


def run(args: argparse.Namespace) -> int:
    from render import meshfile
    from render.surface import extract
    from render.view import Surface
    from workstation.base.atomic import write_bytes
    from workstation.base.errors import InputRefused, RenderDeskError
    from workstation.desk.source import open_source, read

    suffix = args.out.suffix.lower()
    if suffix not in meshfile.SUFFIXES:
        raise InputRefused("suffix", f"A surface is written as {', '.join(meshfile.SUFFIXES)}.")
    if args.out.exists() and not args.force:
        raise RenderDeskError("exists", "The output is already there; use --force to replace it.")
    begun = time.perf_counter()
    source = open_source(args.source, args.series, args.volume)
    volume = read(source)
    if not args.json:
        tell(source.choice_line)
    low, high = args.threshold
    mesh = extract(
        volume,
        Surface(low=low, high=high, smooth=args.smooth, name="surface"),
        largest=max(0, args.largest),
        reduce=args.reduce,
    )
    if not len(mesh.triangles):
        raise InputRefused("empty", "Nothing is left of the surface after these steps.")
    write_bytes(args.out, meshfile.write(suffix, [mesh], space=args.space), force=args.force)
    shown_mesh = mesh.in_space(args.space)
    bounds = shown_mesh.bounds_lps_mm
    shown = {
        "out": str(args.out),
        "space": args.space,
        "triangles": len(mesh.triangles),
        "points": len(mesh.points_lps_mm),
        "area_mm2": mesh.area_mm2,
        "volume_ml": mesh.volume_ml,
        "closed": mesh.is_closed,
        "bounds_mm": [list(bounds[0]), list(bounds[1])],
        "threshold": [low, high],
        "units": volume.units,
        "seconds": time.perf_counter() - begun,
        "findings": list(volume.findings),
    }
    if args.json:
        print_json(shown)
    else:
        print(
            f"{args.out}: {shown['triangles']} triangles, {mesh.area_mm2 / 100:.1f} cm2, {mesh.volume_ml:.1f} ml, "
            f"{'closed' if shown['closed'] else 'open'}, {args.space.upper()} millimetres"
        )
        for finding in source.findings_of(volume):
            tell(finding.sentence)
    return 0
