"""What all commands share: arguments, exit status, one JSON document, one plain sentence for a refusal."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workstation.base.findings import Finding


def run_command(commands: Mapping[str, tuple[str, str]], given: list[str]) -> int:
    """Choose the command, parse its arguments, run it; every refusal becomes a sentence and a status."""
    parser = argparse.ArgumentParser(
        prog="renderdesk",
        description="DICOM 3D workstation with billing capture. Not cleared as a medical device.",
        epilog="Example: renderdesk scan sample_dicom --json. Without a command the window opens on the library.",
    )
    parser.add_argument("--version", action="store_true", help="name and versions, one line")
    choices = parser.add_subparsers(dest="command", metavar="COMMAND")
    chosen = next((word for word in given if not word.startswith("-")), None)
    for name, (_, line) in commands.items():
        if name != chosen:
            choices.add_parser(name, help=line, add_help=False)
    module = None
    if chosen is None and not given:
        given, chosen = ["open"], "open"
    if chosen is not None and chosen in commands:
        name, line = commands[chosen]
        module = importlib.import_module(f"workstation.commands.{name}")
        sub = choices.add_parser(
            chosen,
            help=line,
            description=line[0].upper() + line[1:] + ".",
            epilog=getattr(module, "EXAMPLE", None),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        sub.add_argument("--home", metavar="DIR", help="where database, archive, settings and logs lie")
        sub.add_argument("--json", action="store_true", help="one JSON document on standard output")
        module.add_arguments(sub)
    args = parser.parse_args(given)
    if module is None:
        parser.print_usage(sys.stderr)
        return 2
    if args.home:
        os.environ["RENDERDESK_HOME"] = str(Path(args.home).resolve())
    return guarded(module, args)


def guarded(module: Any, args: argparse.Namespace) -> int:
    """Run it; refusals are one sentence on standard error, or one JSON error document."""
    from workstation.base.errors import RenderDeskError

    refusals: tuple[type[Exception], ...] = (RenderDeskError,)
    if "render.errors" in sys.modules:
        refusals = (RenderDeskError, sys.modules["render.errors"].RenderError)
    try:
        return int(module.run(args))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        if hasattr(signal, "SIGPIPE"):  # Windows has none
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        return 1
    except refusals as error:
        return refuse(args, error)
    except Exception as error:
        late = sys.modules.get("render.errors")
        if late is not None and isinstance(error, late.RenderError):
            return refuse(args, error)
        if os.environ.get("RENDERDESK_DEBUG"):
            raise
        from workstation.base.log import note_defect

        place = note_defect(error)
        return refuse(args, RenderDeskError("defect", f"This is a fault of the program; it is noted in {place}."))


def refuse(args: argparse.Namespace, error: Exception) -> int:
    """Say it once, in the form asked for, and give the exit status of a refusal."""
    code = getattr(error, "code", "defect")
    sentence = getattr(error, "sentence", str(error))
    findings: tuple[Finding, ...] = getattr(error, "detail", {}).get("findings", ())
    if getattr(args, "json", False):
        shown = [{"code": f.code, "severity": f.severity, "sentence": f.sentence, "files": f.files} for f in findings]
        print(json.dumps({"error": {"code": code, "sentence": sentence, "findings": shown}}, ensure_ascii=False))
    else:
        print(f"renderdesk: {sentence}", file=sys.stderr)
    return 1


def print_json(document: object) -> None:
    """The one JSON document of a command."""
    print(json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False))


def tell(text: str) -> None:
    """A line for a person, on standard error."""
    print(text, file=sys.stderr)
