"""`renderdesk charge`: decide a 3D charge from facts, or from a case of the archive."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

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
        "--date", type=_day, metavar="YYYY-MM-DD", help="the day of deciding; default: as given, or today"
    )
    parser.add_argument("--reference", type=Path, metavar="DIR", help="official tables (NCCI, MUE, ICD-10-CM, NUCC)")
    parser.add_argument(
        "--payers", type=Path, metavar="DIR", help="the site's payer records, asked before the shipped ones"
    )
    parser.add_argument("--site", type=Path, metavar="FILE", help="the site's settings (TOML, table [billing])")


def run(args: argparse.Namespace) -> int:
    if args.case is not None:
        return _case(args)
    decider = Decider(args)
    if args.facts == "-":
        return _stdin(decider, args)
    path = Path(args.facts)
    try:
        if path.suffix.lower() in LINES:
            with path.open(encoding="utf-8-sig") as lines:
                return _lines(lines, decider, args)
        text = path.read_text(encoding="utf-8-sig")
    except OSError:
        raise InputRefused("missing", "The file with the facts cannot be opened.") from None
    except UnicodeDecodeError:
        raise InputRefused("facts", "The file with the facts is not UTF-8 text.") from None
    return _document(_parse(text), decider, args)


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


def _lines(lines: Iterator[str] | IO[str], decider: Decider, args: argparse.Namespace) -> int:
    """One answer per line, in order, as they come; a bad line gives an error in its place."""
    from billing.decide import answer_to_builtins

    status = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            answer = decider.decide(decider.read(_parse(line)))
        except InputRefused as error:
            status = 1
            if args.json:
                _print_line({"error": {"code": error.code, "sentence": error.sentence, "findings": []}})
            else:
                tell(f"line {number}: {error.sentence}")
            continue
        if args.json:
            _print_line(answer_to_builtins(answer))
        else:
            _say(answer, named=True)
    return status


def _stdin(decider: Decider, args: argparse.Namespace) -> int:
    """Standard input: JSON Lines when its first line is a whole object and another line follows, else one document."""
    lines = (raw.decode("utf-8-sig" if n == 0 else "utf-8") for n, raw in enumerate(sys.stdin.buffer))
    try:
        first = next((line for line in lines if line.strip()), "")
        if first.lstrip().startswith("{") and _whole(first):
            second = next((line for line in lines if line.strip()), None)
            if second is not None:
                return _lines(_chain(first, second, lines), decider, args)
            return _document(_parse(first), decider, args)
        return _document(_parse(first + "".join(lines)), decider, args)
    except UnicodeDecodeError:
        raise InputRefused("facts", "Standard input is not UTF-8 text.") from None


def _chain(first: str, second: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield second
    yield from rest


def _whole(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


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
    """JSON that means one thing: no doubled names, no NaN."""
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        sentence = f"This is not JSON: {error.msg}, line {error.lineno}, column {error.colno}."
        raise InputRefused("facts", sentence) from None
    except RecursionError:
        raise InputRefused("facts", "The JSON is nested too deeply.") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InputRefused("facts", f"The field {twice} stands twice in one object; which one counts is not clear.")
    return found


def _no_constant(word: str) -> Any:
    raise InputRefused("facts", f"{word} is not a value of JSON.")


def _day(text: str) -> dt.date:
    try:
        return dt.datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=dt.UTC).date()
    except ValueError:
        raise argparse.ArgumentTypeError("a day is written YYYY-MM-DD") from None


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
