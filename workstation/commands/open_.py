"""`renderdesk open`: the window, on a study or on the library."""

from __future__ import annotations

import argparse
import os

from workstation.commands.frame import tell

EXAMPLE = "Example: renderdesk open sample_dicom --demo-home"
_NAME = "DEMO"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """SOURCE is optional: without it the study list is shown."""
    parser.add_argument(
        "source", nargs="?", default="", metavar="SOURCE", help="folder, file, ZIP, study:UID or series:UID"
    )
    parser.add_argument("--series", metavar="UID|NUMBER", help="which series, where there are several")
    parser.add_argument("--volume", metavar="ID", help="which volume of it")
    parser.add_argument("--demo-home", action="store_true", help="use a home named DEMO with three demo accounts")


def run(args: argparse.Namespace) -> int:
    """Open the window; returns when it is closed."""
    from workstation.base.errors import InputRefused
    from workstation.base.paths import home
    from workstation.desk.source import paths_of

    folder = home() / _NAME if args.demo_home and not os.environ.get("RENDERDESK_HOME") else home()
    if args.demo_home:
        os.environ["RENDERDESK_HOME"] = str(folder)
        from workstation.desk.people_demo import PINS

        tell("DEMO home; accounts and PINs: " + ", ".join(f"{name} {pin}" for name, pin in PINS.items()))
    if args.source:
        paths_of(args.source)  # a path that is not there is refused before a window comes up
    try:
        from workstation.window.app import run as show
    except ImportError as error:
        raise InputRefused(
            "no_window", "The window needs Qt and its system libraries; the other commands work without."
        ) from error
    return show(folder, args.source, args.series, args.volume, demo=args.demo_home)
