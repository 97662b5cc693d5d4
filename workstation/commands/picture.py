"""`renderdesk picture`: one picture of a volume, with its recipe."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from workstation.commands.frame import print_json, tell
from workstation.commands.source_args import add_source_arguments
from workstation.commands.surface import allow_negative_lists, threshold

if TYPE_CHECKING:
    from collections.abc import Mapping

    from render.view import View
    from render.volume import Volume
    from workstation.desk.source import Source

EXAMPLE = """Examples:
  renderdesk picture sample_dicom --out aorta.png --preset ct_bone_vessel --camera L
  renderdesk picture sample_dicom --out slice.png --technique mpr --plane axial --at 0,-10,-150 --overlays none --json
  renderdesk picture sample_dicom --out again.png --view recipe.json"""

_PROJECTIONS = {"mip", "minip", "mean"}
_BONE_HU = 226.0
_SLAB_MM = 10.0


def numbers(count: int) -> type:
    """An argument of `count` numbers with commas between them."""

    def read(text: str) -> tuple[float, ...]:
        try:
            values = tuple(float(part) for part in text.split(","))
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{count} numbers with commas are needed") from error
        if len(values) != count:
            raise argparse.ArgumentTypeError(f"{count} numbers with commas are needed")
        return values

    return read  # type: ignore[return-value]


def size(text: str) -> tuple[int, int]:
    """WxH."""
    found = re.fullmatch(r"(\d{2,5})x(\d{2,5})", text.lower())
    if not found:
        raise argparse.ArgumentTypeError("a size is WIDTHxHEIGHT in pixels, for example 1000x800")
    return int(found[1]), int(found[2])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    allow_negative_lists(parser)
    add_source_arguments(parser)
    parser.add_argument("--out", required=True, type=Path, metavar="FILE.png")
    parser.add_argument("--technique", choices=("vr", "mip", "mpr", "ssd", "minip", "mean"))
    parser.add_argument("--preset", metavar="NAME", help="a look (renderdesk presets); chosen by the series without it")
    parser.add_argument("--plane", choices=("axial", "coronal", "sagittal"))
    parser.add_argument("--at", type=numbers(3), metavar="X,Y,Z", help="LPS mm: a point that the plane goes through")
    parser.add_argument("--slab", type=float, metavar="MM", help="thickness; mpr then averages")
    parser.add_argument("--window", type=numbers(2), metavar="CENTER,WIDTH")
    parser.add_argument("--table", choices=("keep", "remove"), help="vr of CT: leave the table out, and say so")
    parser.add_argument("--camera", choices=tuple("APLRSI"), help="where the eye stands (default A)")
    parser.add_argument("--threshold", type=threshold, metavar="LO[,HI]", help="of the surface, for ssd")
    parser.add_argument("--size", type=size, metavar="WxH", help="default 1000x800")
    parser.add_argument("--overlays", choices=("none", "record"), help="none: pixels alone (default record)")
    parser.add_argument("--view", type=Path, metavar="VIEW.json", help="make the picture of this recipe")
    parser.add_argument(
        "--mask", type=Path, metavar="MASK.npz", help="labels of the recipe's segments (labels, affine_lps)"
    )
    parser.add_argument("--recipe", type=Path, metavar="FILE.json", help="write the recipe of this picture")
    parser.add_argument("--force", action="store_true", help="replace existing files")


def misuse(args: argparse.Namespace) -> str:
    """What does not go together, as a sentence; "" when all does."""
    made = ("technique", "preset", "plane", "at", "slab", "window", "camera", "threshold", "size", "overlays", "table")
    if args.view and (given := [w for w in made if getattr(args, w) is not None]):
        return f"--view says everything about the picture; leave out {', '.join('--' + w for w in given)}"
    if args.mask and not args.view:
        return "--mask holds the labels of a recipe's segments; name the recipe with --view"
    technique = args.technique or ("mpr" if args.plane else "vr")
    if args.plane and technique in {"vr", "ssd"}:
        return f"--technique {technique} has no --plane"
    if args.camera and (args.plane or technique == "mpr"):
        return "a plane has no --camera"
    flat = args.plane or technique == "mpr"
    if (args.at or args.slab is not None) and not flat:
        return "--at and --slab belong to a plane; name one with --plane"
    if args.preset and technique != args.preset and (args.technique or "vr") != "vr":
        return f"--preset {args.preset} does not go with --technique {technique}"
    if args.preset and flat:
        return "--preset is a look of 3D pictures; a plane has a --window"
    if args.window and technique in {"vr", "ssd"} and args.preset not in _PROJECTIONS:
        return f"--technique {technique} has no --window"
    if args.slab is not None and not 0 <= args.slab <= 500:
        return "--slab is 0 to 500 mm"
    if args.window and args.window[1] <= 0:
        return "the width of a window is above 0"
    if args.table and technique != "vr":
        return "--table belongs to --technique vr"
    if args.threshold and technique != "ssd":
        return "--threshold belongs to --technique ssd"
    return ""


def run(args: argparse.Namespace) -> int:
    from render.engine import Engine
    from render.segments import Segmentation
    from render.view import View
    from workstation.base.atomic import write_bytes
    from workstation.base.errors import InputRefused, RenderDeskError
    from workstation.desk.labels import record_labels
    from workstation.desk.png import png_bytes
    from workstation.desk.source import open_source, read

    wrong = misuse(args)
    if wrong:
        tell(f"renderdesk picture: {wrong}")
        return 2
    if args.out.suffix.lower() != ".png":
        raise InputRefused("suffix", "A picture is written as .png.")
    for path in (args.out, args.recipe):
        if path is not None and path.exists() and not args.force:
            raise RenderDeskError("exists", "The output is already there; use --force to replace it.")
    asked = None
    if args.view:
        try:
            asked = View.from_json(args.view.read_bytes())
        except OSError as error:
            raise InputRefused("missing", "The recipe cannot be read.") from error
    mask = None
    if args.mask:
        try:
            mask = Segmentation.read(args.mask.read_bytes())
        except OSError as error:
            raise InputRefused("missing", "The mask cannot be read.") from error
    source = open_source(args.source, args.series, args.volume)
    volume = read(source)
    if not args.json:
        tell(source.choice_line)
    facts = facts_of(source)
    engine = Engine(volume, segmentation=mask)
    view = asked if asked is not None else view_of(args, volume, facts)
    view = engine.completed(view)
    picture = engine.picture(view, record_labels(None, facts, volume, view, draft=True))
    write_bytes(args.out, png_bytes(picture.rgb, fast=False), force=args.force)
    if args.recipe is not None:
        write_bytes(args.recipe, picture.view.to_json() + b"\n", force=args.force)
    shown: dict[str, object] = {
        "out": str(args.out),
        "size": list(picture.view.size),
        "technique": picture.view.technique.value,
        "renderer": picture.renderer,
        "seconds": picture.seconds,
        "letters": dict(zip(("left", "right", "top", "bottom"), picture.letters, strict=True)),
        "preset": picture.view.look.name if picture.view.look else None,
        "window": [picture.view.window.center, picture.view.window.width] if picture.view.window else None,
        "findings": list(volume.findings),
        "notes": list(picture.notes),
        "digest": picture.view.digest,
    }
    if picture.view.is_plane:
        shown |= {
            "corner_lps": picture.corner_lps_mm,
            "right_lps": picture.right_lps,
            "down_lps": picture.down_lps,
            "mm_per_pixel": picture.mm_per_pixel,
            "slab_mm": picture.view.slab.thickness_mm if picture.view.slab else 0.0,
        }
    if args.json:
        print_json(shown)
    else:
        left, right, top, bottom = picture.letters
        width, height = picture.view.size
        print(
            f"{args.out}: {width} x {height}, {picture.view.technique.value} by {picture.renderer} in "
            f"{picture.seconds:.2f} s; left {left}, right {right}, top {top}, bottom {bottom}"
        )
        for finding in source.findings_of(volume):
            tell(finding.sentence)
        for note in picture.notes:
            tell(note)
    return 0


def facts_of(source: Source) -> dict[str, object]:
    """What the files say of the volume, with the study's own words for what a volume lacks."""
    facts = dict(source.found.facts)
    facts.setdefault("series_number", source.series.number)
    for name, value in (
        ("series_description", source.series.description),
        ("study_description", source.study.description),
        ("study_date", source.study.date),
        ("accession", source.study.accession),
        ("identity", source.study.patient),
    ):
        if not facts.get(name):
            facts[name] = value
    return facts


def view_of(args: argparse.Namespace, volume: Volume, facts: Mapping[str, object]) -> View:
    """The view that the arguments describe."""
    import msgspec

    from render import camera, planes, presets
    from render.view import Slab, Surface, Technique, View, Window
    from workstation.base.errors import InputRefused

    word = args.technique or ("mpr" if args.plane else "vr")
    pixels = args.size or (1000, 800)
    window = Window(center=args.window[0], width=args.window[1]) if args.window else None
    overlays: Literal["none", "record"] = "none" if args.overlays == "none" else "record"
    if args.plane or word == "mpr":
        thickness = args.slab if args.slab is not None else (_SLAB_MM if word in _PROJECTIONS else 0.0)
        modes: dict[str, Literal["mip", "minip", "mean"]] = {"mip": "mip", "minip": "minip"}
        return View(
            technique=Technique(word) if thickness > 0 else Technique.MPR,
            size=pixels,
            plane=planes.standard(volume, args.plane or "axial", args.at, pixels),
            slab=Slab(mode=modes.get(word, "mean"), thickness_mm=thickness) if thickness > 0 else None,
            window=window,
            overlays=overlays,
        )
    eye = args.camera or "A"
    if word == "ssd":
        if args.threshold is None and volume.units != "HU":
            raise InputRefused("threshold", "This series is not in HU, so a surface needs --threshold.")
        low, high = args.threshold or (_BONE_HU, None)
        surfaces = (Surface(low=low, high=high),)
        framed = camera.standard(volume, eye, pixels, threshold=low)
        return View(technique=Technique.SSD, size=pixels, camera=framed, surfaces=surfaces, overlays=overlays)
    if word in _PROJECTIONS:
        framed = camera.standard(volume, eye, pixels)
        return View(technique=Technique(word), size=pixels, camera=framed, window=window, overlays=overlays)
    name = args.preset or presets.choose(volume, facts)
    look, projection = presets.resolve(name, volume)
    if projection is not None:  # the presets mip, minip and mean are techniques
        framed = camera.standard(volume, eye, pixels)
        return View(
            technique=Technique(name), size=pixels, camera=framed, window=window or projection, overlays=overlays
        )
    if args.table == "remove" and not look.within:
        look = msgspec.structs.replace(look, within="patient")
    framed = camera.standard(volume, eye, pixels, threshold=presets.framing(name, look), within=look.within)
    return View(technique=Technique.VR, size=pixels, camera=framed, look=look, overlays=overlays)
