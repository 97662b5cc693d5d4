"""Payer and site files as text: read with the line of each mistake, and a dated record written as TOML.

A site adds records and never changes one: what was believed when an old charge was decided stays readable.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from typing import Any

import msgspec

from billing import lines
from billing.errors import TableError
from billing.payer_book import PayerRecord, PayerTable, read_payer_table
from billing.site import Site, read_site

_PLACE = re.compile(r"at `\$(?P<path>[^`]*)`")
_MISSING = re.compile(r"missing required field `(?P<name>\w+)`")
_UNKNOWN = re.compile(r"unknown field `(?P<name>\w+)`")
_EXPECTED = re.compile(r"Expected `(?P<wanted>[^`]*)`, got `(?P<got>[^`]*)`")
_TYPES = {
    "bool": "true or false",
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number",
    "date": "a date like 2026-11-25",
    "datetime": "a date with a time",
    "array": "a list",
    "object": "a table",
}
_QUOTED = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def payers_from_text(text: str, *, name: str) -> PayerTable:
    """The records of one payer file.

    Raises
    ------
    TableError
        With the file's name and the line of the mistake.
    """
    try:
        table = read_payer_table(_toml(text, name), name=name)
    except TableError as error:
        raise _placed(error, text, name) from None
    for place, record in enumerate(table.record):
        wrong = _wrong(record)
        if wrong:
            line = line_of(text, f".record[{place}]")
            raise TableError(f"{name}, line {line}: {wrong}")
    return table


def site_from_text(text: str, *, name: str) -> Site:
    """The `[billing]` settings of a site file.

    Raises
    ------
    TableError
        With the file's name and the line of the mistake.
    """
    try:
        return read_site(_toml(text, name), name=name)
    except TableError as error:
        raise _placed(error, text, name, within="billing") from None


def record_text(record: PayerRecord, *, note: str = "") -> str:
    """A record as TOML, to be put at the end of its file; what is not known is not written."""
    rows = ["", "[[record]]"]
    if note:
        rows.append("# " + " ".join(note.split()))
    for key, value in msgspec.to_builtins(record, builtin_types=(dt.date,)).items():
        if value is not None:
            rows.append(f"{key} = {_value(value)}")
    return "\n".join(rows) + "\n"


def line_of(text: str, path: str) -> int:
    """The line of a key path such as ``.record[1].covered``; of what holds it where it stands nowhere itself."""
    return lines.line_of(text, lines.steps_of(path))


def _toml(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TableError(f"{name} is not TOML: {error}.") from None


def _placed(error: TableError, text: str, name: str, within: str = "") -> TableError:
    """The same mistake with its line."""
    sentence = error.sentence.removeprefix(f"{name}: ")
    if sentence.startswith(name):
        return error  # the reader of TOML has told the line already
    found = _PLACE.search(sentence)
    path = (f".{within}" if within else "") + (found["path"] if found else "")
    unknown = _UNKNOWN.search(sentence)
    if unknown:
        path += f".{unknown['name']}"
    told = _EXPECTED.sub(_plainly, _PLACE.sub("", sentence).rstrip(". -"))
    if _MISSING.search(sentence):
        told += " here"
    key = path.rsplit(".", 1)[-1] if found and not unknown else ""
    return TableError(f"{name}, line {line_of(text, path)}: {f'{key}: ' if key else ''}{told}.")


def _plainly(found: re.Match[str]) -> str:
    """What is wanted and what stands there, without the names of types."""
    wanted = [_TYPES.get(w.strip(), w.strip()) for w in found["wanted"].split("|") if w.strip() != "null"]
    return f"{' or '.join(wanted)} is wanted here, not {_TYPES.get(found['got'], found['got'])}"


def _wrong(record: PayerRecord) -> str:
    """What no single field shows."""
    if record.since is not None and record.until is not None and record.until < record.since:
        return "the record ends before it begins."
    if not record.source.strip():
        return "the record says no source."
    if record.filing_days is not None and record.filing_days < 1:
        return "the filing limit is less than a day."
    return ""


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, int):
        return str(value)
    text = "".join(_QUOTED.get(c, c if c >= " " and c != "\x7f" else f"\\u{ord(c):04x}") for c in str(value))
    return f'"{text}"'
