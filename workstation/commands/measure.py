"""`renderdesk measure`: the same numbers again, from their recipes and the voxels as acquired."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from workstation.commands.frame import print_json, tell
from workstation.commands.source_args import add_source_arguments

EXAMPLE = """Example: renderdesk measure sample_dicom --recipe length.json --json
where length.json is {"kind": "length", "points_lps_mm": [[0, 0, 100], [0, 25, 100]], "plane_normal_lps": "axial"}
Schema: docs/measure.schema.json"""

_MOST_BYTES = 8_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_source_arguments(parser)
    parser.add_argument("--recipe", required=True, type=Path, metavar="FILE.json", help="one measurement or several")


def run(args: argparse.Namespace) -> int:
    from workstation.base.errors import InputRefused
    from workstation.desk.source import open_source, read
    from workstation.measure.kinds import measure
    from workstation.measure.recipe import recipes_of

    try:
        if args.recipe.stat().st_size > _MOST_BYTES:
            raise InputRefused("recipe", "The recipe file is too large.")
        recipes = recipes_of(args.recipe.read_bytes())
    except OSError as error:
        raise InputRefused("recipe", "The recipe file cannot be read.") from error
    source = open_source(args.source, args.series, args.volume)
    if not args.json:
        tell(source.choice_line)
    volume = read(source)
    thickness = source.found.facts.get("thickness_mm")
    shown: list[dict[str, Any]] = []
    for recipe in recipes:
        if recipe.volume and recipe.volume != source.found.id:
            raise InputRefused("other_volume", "The recipe belongs to another volume; choose it with --volume.")
        options = dict(recipe.options)
        if isinstance(thickness, int | float):
            options.setdefault("thickness_mm", float(thickness))
        found = measure(recipe.kind, recipe.points_lps_mm, volume, options=options, plane_normal=recipe.normal)
        shown.append(
            {
                "name": recipe.name,
                "kind": found.kind,
                "value": found.value,
                "unit": found.unit,
                "printed": found.printed,
                "definition": found.definition,
                "uncertainty": found.uncertainty,
                "valid": found.validity != "refused",
                "validity": found.validity,
                "reasons": list(found.reasons),
                "extra": found.extra,
                "points_lps_mm": [list(p) for p in recipe.points_lps_mm],
            }
        )
    if args.json:
        print_json({"volume": source.found.id, "units": volume.units, "measurements": shown})
    else:
        for m in shown:
            print(f"{m['name'] or m['kind']}: {m['printed']} ({m['definition']})")
            for reason in m["reasons"]:
                tell(f"  {m['validity']}: {reason}")
    return 0
