"""`renderdesk charge`: decide a 3D charge from facts, or from a case of the archive."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workstation.base.errors import InputRefused
from workstation.commands.frame import print_json, tell

if TYPE_CHECKING:
    from billing.decide import Answer
    from billing.facts import Facts
    from billing.payer_book import PayerBook
    from billing.reference.tables import References
    from billing.site import Site

EXAMPLE = "Example: renderdesk charge FACTS.json --json (exit status 0 bill, 3 hold, 4 reject, 1 refused)"
STATUS = {"bill": 0, "hold": 3, "reject": 4}
LINES = (".jsonl", ".ndjson")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "facts", nargs="?", metavar="FACTS", help="one JSON object, an array, .jsonl; - reads standard input"
    )
    what.add_argument("--case", metavar="study:UID", help="decide the case of a study in the archive from its journal")
    parser.add_argument(
        "--date", type=day, metavar="YYYY-MM-DD", help="the day of deciding; default: as given, or today"
    )
    parser.add_argument("--reference", type=Path, metavar="DIR", help="official tables (NCCI, MUE, ICD-10-CM, NUCC)")
    parser.add_argument(
        "--payers", type=Path, metavar="DIR", help="the site's payer records, asked before the shipped ones"
    )
    parser.add_argument("--site", type=Path, metavar="FILE", help="the site's settings (TOML, table [billing])")


def run(args: argparse.Namespace) -> int:
    try:
        status = _case(args) if args.case is not None else _facts(args)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError:
        # whatever is read has its own sentence; what is left is the output (a full disk)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        tell("renderdesk: The answer could not be written; nothing was changed.")
        return 1
    return status


def _facts(args: argparse.Namespace) -> int:
    decider = Decider(args)
    if args.facts == "-":
        return _stdin(decider, args)
    path = Path(args.facts)
    if path.is_dir():
        raise InputRefused("missing", "This is a folder; name the file with the facts.")
    try:
        lines = path.open("rb")
    except OSError:
        raise InputRefused("missing", "The file with the facts cannot be opened.") from None
    with lines:
        if path.suffix.lower() in LINES:
            return _lines(_read(lines), decider, args)
        return _document(_parse(_text(b"".join(_read(lines)), first=True)), decider, args)


def _read(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a file or of standard input; what cannot be read is refused."""
    try:
        yield from lines
    except OSError:
        raise InputRefused("missing", "The facts cannot be read to their end.") from None


def _text(raw: bytes, *, first: bool = False) -> str:
    """Bytes as text; a byte order mark may stand before the first."""
    try:
        return raw.decode("utf-8-sig" if first else "utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        where = f", line {line}" if b"\n" in raw.strip() else ""
        raise InputRefused("facts", f"The facts are not UTF-8 text (byte {error.start + 1}{where}).") from None


class Decider:
    """Facts in, answer out, with the tables and settings that the arguments name."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.day: dt.date | None = args.date
        self.references: References | None = _references(args.reference) if args.reference else None
        self.payers: PayerBook | None = _payers(args.payers) if args.payers else None
        self.site: Site | None = _site(args.site) if args.site else None

    def read(self, document: object, at: str = "facts") -> Facts:
        """The facts of one object, or one sentence that names the field."""
        from billing.errors import FactsError
        from billing.facts import read_facts

        try:
            return read_facts(document, at=at)
        except FactsError as error:
            raise InputRefused(error.code, error.sentence) from None

    def decide(self, facts: Facts) -> Answer:
        """The answer to one case."""
        from billing.decide import decide
        from billing.reference.tables import BUILT_IN

        references = self.references or BUILT_IN
        return decide(facts, as_of=self.day, references=references, payers=self.payers, site=self.site)


def _document(document: object, decider: Decider, args: argparse.Namespace) -> int:
    """One object, or an array that is refused whole when an item is malformed."""
    from billing.decide import answer_to_builtins

    if not isinstance(document, list):
        answer = decider.decide(decider.read(document))
        if args.json:
            print_json(answer_to_builtins(answer))
        else:
            _say(answer)
        return STATUS[answer.decision]
    facts = [decider.read(item, f"facts[{i}]") for i, item in enumerate(document)]
    answers = [decider.decide(one) for one in facts]
    if args.json:
        print_json([answer_to_builtins(a) for a in answers])
    else:
        for answer in answers:
            _say(answer, named=True)
    return 0


def _lines(lines: Iterable[bytes], decider: Decider, args: argparse.Namespace) -> int:
    """One answer per line, in order, as they come; a bad line gives an error in its place."""
    from billing.decide import answer_to_builtins

    status, count = 0, 0
    for number, raw in enumerate(lines, 1):
        if not raw.strip():
            continue
        count += 1
        try:
            answer = decider.decide(decider.read(_parse(_text(raw, first=number == 1))))
        except InputRefused as error:
            status = 1
            if args.json:
                told = {"code": error.code, "sentence": error.sentence, "line": number, "findings": []}
                _print_line({"error": told})
            else:
                tell(f"line {number}: {error.sentence}")
            continue
        if args.json:
            _print_line(answer_to_builtins(answer))
        else:
            _say(answer, named=True)
    if not count:
        tell("There are no facts in this file; nothing was decided.")
    return status


def _stdin(decider: Decider, args: argparse.Namespace) -> int:
    """Standard input: JSON Lines when its lines are whole objects, else one document."""
    if sys.stdin is None:
        raise InputRefused("missing", "Standard input is closed.")
    lines = _read(sys.stdin.buffer)
    begun: list[bytes] = []
    for raw in lines:
        begun.append(raw)
        if sum(bool(line.strip()) for line in begun) == 2:
            break
    stated = [line for line in begun if line.strip()]
    # a second line of its own schema is a case of its own, though the first was only half-written
    if len(stated) == 2 and stated[0].lstrip(b"\xef\xbb\xbf \t").startswith(b"{"):
        first, second = (_whole(line) for line in stated)
        if isinstance(first, dict) or (isinstance(second, dict) and "schema" in second):
            return _lines(chain(begun, lines), decider, args)
    return _document(_parse(_text(b"".join(chain(begun, lines)), first=True)), decider, args)


def _whole(line: bytes) -> object:
    """What a line is when it is a whole JSON value, else None."""
    try:
        return json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None


def _case(args: argparse.Namespace) -> int:
    """Decide a case of the archive; its evidence comes from the journal."""
    import msgspec

    from billing.decide import Answer, answer_to_builtins
    from workstation.base.paths import home
    from workstation.desk.charge_case import decide_case

    kind, _, uid = args.case.partition(":")
    if kind != "study" or not uid:
        raise InputRefused("case", "A case is named by its study, as in study:1.2.3.")
    facts, answer = decide_case(home(), uid, args.date.isoformat() if args.date else None)
    if args.reference or args.payers or args.site:
        decider = Decider(args)
        answer = answer_to_builtins(decider.decide(decider.read(facts)))
    if args.json:
        print_json(answer)
    else:
        _say(msgspec.convert(answer, Answer))
    return STATUS[str(answer["decision"])]


def _say(answer: Answer, *, named: bool = False) -> None:
    from billing.explain import explain

    if named and answer.facts_id:
        print(f"{answer.facts_id}:")
    print("\n".join(explain(answer)))


def _print_line(document: object) -> None:
    print(json.dumps(document, ensure_ascii=False, allow_nan=False), flush=True)


def _parse(text: str) -> Any:
    """JSON that means one thing: no doubled names, no NaN, no half characters."""
    if not text.strip():
        raise InputRefused("facts", "There is nothing in it: facts are expected, as JSON.")
    try:
        found = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        sentence = f"This is not JSON: {error.msg}, line {error.lineno}, column {error.colno}."
        raise InputRefused("facts", sentence) from None
    except _NoValue as error:
        raise InputRefused("facts", f"{error} is not a value of JSON{_at(text, str(error))}.") from None
    except RecursionError:
        raise InputRefused("facts", "The JSON is nested too deeply.") from None
    except ValueError:
        # Python reads no whole number of more than a few thousand digits
        raise InputRefused("facts", f"A number has too many digits{_at(text, '[0-9]{1000,}')}.") from None
    if "\\u" in text and _HALF.search(json.dumps(found, ensure_ascii=False)):
        raise InputRefused("facts", f"A text holds half of a character (\\ud800 to \\udfff){_at(text, _HALVES)}.")
    return found


_HALF = re.compile("[\ud800-\udfff]")
_HALVES = r'"(?:[^"\\]|\\.)*\\u[dD][89a-fA-F][0-9a-fA-F]{2}'
_STRING = r'"(?:[^"\\]|\\.)*"'


class _NoValue(ValueError):
    """A word that JSON does not have."""


def _at(text: str, pattern: str) -> str:
    """Where a pattern stands outside of strings (or as the beginning of one), in words."""
    for found in re.finditer(f"(?P<it>{pattern})|{_STRING}", text):
        if found["it"] is not None:
            start = found.start()
            line = text.count("\n", 0, start)
            return f", line {line + 1}, column {start - text.rfind(chr(10), 0, start)}"
    return ""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise InputRefused(
            "facts", f"The field {twice[:80]} stands twice in one object; which one counts is not clear."
        )
    return found


def _no_constant(word: str) -> Any:
    raise _NoValue(word)


def day(text: str) -> dt.date:
    """An argument that is a day."""
    try:
        found = dt.date.fromisoformat(text) if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else None
    except ValueError:
        found = None
    if found is None:
        raise argparse.ArgumentTypeError("a day is written YYYY-MM-DD")
    return found


def _references(folder: Path) -> References:
    from billing.errors import TableError
    from billing.reference.files import read_folder

    if not folder.is_dir():
        raise InputRefused("reference", "The folder with the official tables is not there.")
    try:
        return read_folder(folder)
    except TableError as error:
        raise InputRefused("reference", error.sentence) from None


def _payers(folder: Path) -> PayerBook:
    from workstation.desk.charge_site import read_payers

    return read_payers(folder)


def _site(path: Path) -> Site:
    from workstation.desk.charge_site import read_site_file

    return read_site_file(path)
