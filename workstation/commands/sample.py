"""`renderdesk sample`: the synthetic studies, made anew by the generator."""

from __future__ import annotations

import argparse
from pathlib import Path

from workstation.commands.frame import print_json, tell

EXAMPLE = "Example: renderdesk sample follow_up --out follow_up --json"
NAMES = ("aorta", "follow_up", "mr_head")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name",
        nargs="?",
        choices=NAMES,
        metavar="NAME",
        help="aorta (the stored study), follow_up (a year later), mr_head; without it those that are not stored",
    )
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder for the study, new or empty")


def run(args: argparse.Namespace) -> int:
    from workstation.base.atomic import make_folder
    from workstation.base.errors import RenderDeskError

    out: Path = args.out
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise RenderDeskError("exists", "The output folder holds something already; name a new one.")
    make_folder(out)
    made = {}
    names = (args.name,) if args.name else NAMES[1:]
    for name in names:
        folder = out if args.name else make_folder(out / name)
        tell(f"Making {name} (synthetic, not a patient) ...")
        made[name] = {"out": str(folder), "images": _make(name, folder)}
    if args.json:
        print_json({"studies": made})
    else:
        for name, row in made.items():
            print(f"{name}: {row['images']} images in {row['out']}")
    return 0


def _make(name: str, folder: Path) -> int:
    """Write one study; the number of its images."""
    from workstation.sample import make

    if name == "aorta":
        content = make.write_stored(folder)
    elif name == "follow_up":
        content = make.write_follow_up(folder, tell)
    else:
        from workstation.sample import head

        content = head.write(folder)
    return len(content["images"])
