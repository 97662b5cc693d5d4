"""`renderdesk presets`: the looks that there are, with versions."""

from __future__ import annotations

import argparse

from workstation.commands.frame import print_json

EXAMPLE = "Example: renderdesk presets --json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--modality", metavar="CT|MR|PT", help="only those for one modality")


def run(args: argparse.Namespace) -> int:
    from render import presets

    chosen = [presets.get(name) for name in presets.names()]
    if args.modality:
        chosen = [p for p in chosen if args.modality.upper() in p.modality]
    if args.json:
        shown = [
            {
                "id": p.id,
                "title": p.title,
                "version": p.version,
                "modality": list(p.modality),
                "scale": p.scale,
                "opacity": [list(point) for point in p.opacity],
                "colour": [list(point) for point in p.colour],
                "gradient": [list(point) for point in p.gradient],
                "shading": list(p.shading),
                "note": p.note,
                "author": p.author,
                "approved_by": p.approved_by or None,
                "date": p.date,
                "digest": p.digest,
            }
            for p in chosen
        ]
        windows = [
            {"title": title, "center": window.center, "width": window.width}
            for title, window in presets.window_presets("CT")
        ]
        print_json({"presets": shown, "windows": {"CT": windows}})
        return 0
    for p in chosen:
        approved = "" if p.approved_by else ", not approved"
        print(
            f"{p.id:18} {p.version:5} {'/'.join(p.modality):15} {p.title}{approved}"
            + (f" ({p.note})" if p.note else "")
        )
    return 0
