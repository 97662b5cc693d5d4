"""`renderdesk bench`: how quick this program is here and now, beside what else is installed."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from workstation.commands.frame import print_json, tell

if TYPE_CHECKING:
    from workstation.bench.figures import Figure
    from workstation.bench.given import Given

EXAMPLE = "Example: renderdesk bench load --source sample_dicom --json"
NAMES = ("load", "view", "segment", "vessel", "capture", "charge", "start")
_LATER = {
    "segment": "Segmentation is not in this version, so there is nothing to measure.",
    "vessel": "Vessel analysis is not in this version, so there is nothing to measure.",
}


def size(text: str) -> tuple[int, int, int]:
    """K,R,C: slices, rows, columns."""
    try:
        k, r, c = (int(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError("a size is three whole numbers: slices,rows,columns") from error
    if not all(2 <= n <= 4096 for n in (k, r, c)):
        raise argparse.ArgumentTypeError("each number of a size is 2 to 4096")
    return k, r, c


def runs(text: str) -> int:
    """At least one."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("a whole number from 1 on is needed")
    return int(text)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", choices=NAMES, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--source", metavar="SOURCE", help="the series to measure with; default the bundled one")
    parser.add_argument("--series", metavar="UID|NUMBER", help="which series, where there are several")
    parser.add_argument("--volume", metavar="ID", help="which volume of it")
    parser.add_argument("--size", type=size, metavar="K,R,C", help="resample to slices, rows, columns; same extent")
    parser.add_argument("--runs", type=runs, default=5, metavar="N", help="timed runs of each (3 where one takes 10 s)")
    parser.add_argument("--markdown", action="store_true", help="the table in the form of docs/bench.md")
    parser.add_argument("--growth", action="store_true", help="view: also at growing sizes, as far as memory allows")


def run(args: argparse.Namespace) -> int:
    from workstation.base.errors import RenderDeskError
    from workstation.bench import figures as shown

    if args.name in _LATER:
        raise RenderDeskError("not_in_this_version", _LATER[args.name])
    begun = time.perf_counter()
    before = shown.conditions(gl=args.name in {"view", "capture"})
    if not args.json:
        tell(f"Measuring {args.name}; other work on this computer disturbs the figures.")
    shown.told.set(lambda name: tell(f"Measuring: {name}"))
    measured = _measured(args.name, args)
    if args.json:
        print_json(
            {
                "bench": args.name,
                "figures": [shown.plain(f) for f in measured],
                "conditions": before,
                "seconds": time.perf_counter() - begun,
            }
        )
        return 0
    print("\n".join(shown.markdown(measured) if args.markdown else shown.table(measured)))
    versions = before.pop("versions")
    assert isinstance(versions, dict)
    print("; ".join(f"{name} {value}" for name, value in {**before, **versions}.items()))
    return 0


def _measured(name: str, args: argparse.Namespace) -> list[Figure]:
    if name == "charge":
        from workstation.bench.charge import measure as charge

        return charge(args.runs)
    if name == "start":
        from workstation.bench.start import measure as start

        return start(args.runs)
    if name == "load":
        from workstation.bench.load import measure as load

        return load(_given(args))
    if name == "view":
        from workstation.bench.view import measure as view

        return view(_given(args))
    from workstation.bench.capture import measure as capture

    return capture(_given(args))


def _given(args: argparse.Namespace) -> Given:
    from workstation.bench.given import Given
    from workstation.desk.sample_place import bundled_study

    source = args.source or str(bundled_study())
    return Given(source, args.series, args.volume, args.size, args.runs, args.growth)
