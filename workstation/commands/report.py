"""`renderdesk report`: a study's report as PDF, plain text or DICOM SR."""

from __future__ import annotations

import argparse
from pathlib import Path

from workstation.commands.frame import print_json

EXAMPLE = "Example: renderdesk report study:2.25.1234 --format pdf --out report.pdf"
FORMATS = ("pdf", "txt", "sr")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="study:UID", help="study of the library")
    parser.add_argument("--format", choices=FORMATS, default="pdf", help="default pdf")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help="where to write it")
    parser.add_argument("--force", action="store_true", help="replace an existing file")


def run(args: argparse.Namespace) -> int:
    from workstation.base.atomic import write_bytes
    from workstation.base.errors import InputRefused
    from workstation.desk.desk import Desk

    if not args.source.startswith("study:"):
        raise InputRefused("source", "Name the study as study:UID; `renderdesk list` shows the UIDs.")
    desk = Desk()
    try:
        session = desk.open(args.source)
        try:
            if args.format == "pdf":
                content = session.report_pdf()
            elif args.format == "txt":
                content = session.report_text().encode("utf-8")
            else:
                if not session.case.reports:
                    raise InputRefused("not_signed", "The report is not signed yet; there is no structured report.")
                item = desk.place.library.instance(session.case.reports[-1].sop_uid)
                if item is None:
                    raise InputRefused("not_signed", "The signed report is not in this archive.")
                content = desk.place.files.path(item.place).read_bytes()
            status = session.case.reports[-1].status if session.case.reports else "draft"
        finally:
            session.close()
    finally:
        desk.close()
    write_bytes(args.out, content, force=args.force)
    if args.json:
        print_json({"out": str(args.out), "format": args.format, "status": status, "bytes": len(content)})
    else:
        print(f"{args.out}: {status} report, {len(content)} bytes")
    return 0
