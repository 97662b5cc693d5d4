"""`renderdesk demo`: the whole job on the bundled study, without a window."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from workstation.commands.frame import print_json, tell

EXAMPLE = "Example: renderdesk demo --out demo-out --json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, default=Path("demo-out"), metavar="DIR", help="default demo-out")
    parser.add_argument("--study", type=Path, metavar="DIR", help="folder of the bundled study")
    parser.add_argument("--force", action="store_true", help="replace what an earlier demonstration left there")


def run(args: argparse.Namespace) -> int:
    from workstation.base.errors import RenderDeskError
    from workstation.desk.demo import demonstrate
    from workstation.desk.people_demo import PINS
    from workstation.desk.sample_place import bundled_study

    out: Path = args.out
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        if not args.force:
            raise RenderDeskError("exists", "The output is already there; use --force to replace it.")
        if not (out / "home" / "renderdesk.sqlite3").is_file():
            raise RenderDeskError(
                "exists", "The output folder holds something else than a demonstration; name another."
            )
        shutil.rmtree(out)
    done = demonstrate(args.study or bundled_study(), out, tell)
    if args.json:
        print_json(
            {
                "home": str(done.home),
                "pictures": done.pictures,
                "dicom": done.dicom,
                "report_pdf": done.report_pdf,
                "report_text": done.report_text,
                "report_sr": done.report_sr,
                "measurements_sr": done.measurements_sr,
                "facts": done.facts,
                "decision": done.decision,
                "message": done.message,
                "if_cta": done.if_cta,
                "before_physician": done.before_physician,
                "seconds": done.seconds,
            }
        )
        return 0
    print("DEMO on the bundled synthetic study. Not a medical device; nothing here is a real examination or charge.")
    print(f"Pictures:     {out / 'pictures'} ({len(done.pictures)})")
    print(f"DICOM:        {out / 'dicom'} ({len(done.dicom)} objects)")
    print(f"Report:       {done.report_pdf}")
    print(f"Message:      {done.message or 'none'}")
    answer = done.decision
    print(f"Decision:     {answer['decision']} {answer['code'] or ''} {' '.join(answer['modifiers'])}")
    for line in done.lines:
        print(f"  {line}")
    print(f"The same study coded as CT angiography: {done.if_cta['decision']}")
    for reason in done.if_cta["reasons"]:
        if reason["outcome"] == "reject":
            print(f"  {reason['text']}")
    print(f"Before the physician took part: {done.before_physician['decision']}")
    pins = ", ".join(f"{account} {pin}" for account, pin in PINS.items())
    print(f"Home:         {done.home} (accounts of the DEMO: {pins})")
    print(f"Seconds:      {', '.join(f'{name} {s:.1f}' for name, s in done.seconds.items())}")
    return 0
