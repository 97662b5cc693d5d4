"""The arguments by which a command is told what to work on."""

from __future__ import annotations

import argparse


def add_source_arguments(parser: argparse.ArgumentParser) -> None:
    """Add SOURCE, --series and --volume."""
    parser.add_argument("source", metavar="SOURCE", help="folder, file, ZIP, or study:UID / series:UID of the library")
    parser.add_argument("--series", metavar="UID|NUMBER", help="which series, where there are several")
    parser.add_argument("--volume", metavar="ID", help="which volume of it (the ids that `renderdesk scan` prints)")
