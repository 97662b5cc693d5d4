"""The first sheet of an xlsx workbook as tab-separated text, read under limits with the standard library.

A workbook is a ZIP of XML (ECMA-376 part 1). It comes from outside: sizes are counted while they are unpacked, and a
document type or an entity is refused. What a spreadsheet program made of a value is not undone: a number whose format
is a date comes out as that date, so that a code which it turned into a date is seen and refused further on.
"""

from __future__ import annotations

import datetime as dt
import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any
from xml.parsers import expat

from billing.errors import TableError

MAX_PART = 2 << 30
"""Bytes of one unpacked part; the largest published sheet has about 200 MB."""
MAX_RATIO = 400
MAX_ROWS = 1_048_576
MAX_COLUMNS = 256
CHUNK = 1 << 20
# number formats of dates and times that every program knows by their number (ECMA-376 part 1, 18.8.30)
DATE_FORMATS = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
EPOCH = dt.date(1899, 12, 30)


def sheet_text(path: Path) -> str:
    """The first sheet, one line a row: the number of a line is that of its row.

    Raises
    ------
    TableError
        No workbook, damaged, encrypted, too large, or with parts that a table does not have.
    """
    name = path.name
    try:
        with zipfile.ZipFile(path) as book:
            sheet = _first_sheet(book, name)
            return _Sheet(_strings(book, name), _dates(book, name)).text(book, sheet, name)
    except zipfile.BadZipFile:
        raise TableError(f"{name} is no xlsx workbook, or it is damaged or encrypted.") from None
    except (OSError, EOFError, RuntimeError, NotImplementedError, zlib.error):
        raise TableError(f"{name} cannot be unpacked; it is damaged or encrypted.") from None
    except expat.ExpatError as error:
        raise TableError(f"{name} is damaged inside (XML, line {error.lineno}).") from None
    except (ValueError, KeyError, IndexError, OverflowError):
        raise TableError(f"{name} is damaged inside: its parts do not fit together.") from None


def _first_sheet(book: zipfile.ZipFile, name: str) -> str:
    """The path of the first sheet's part."""
    found: list[str] = []
    _parse(book, "xl/workbook.xml", name, start=lambda tag, a: found.append(_relation(a)) if tag == "sheet" else None)
    targets: dict[str, str] = {}

    def relation(tag: str, a: dict[str, str]) -> None:
        if tag == "Relationship":
            targets[a["Id"]] = a["Target"]

    _parse(book, "xl/_rels/workbook.xml.rels", name, start=relation)
    if not found:
        raise TableError(f"{name} has no sheet.")
    target = targets[found[0]]
    return target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")


def _relation(attributes: dict[str, str]) -> str:
    return {name.rpartition("}")[2]: value for name, value in attributes.items()}["id"]


def _strings(book: zipfile.ZipFile, name: str) -> list[str]:
    """The table of shared texts; none when the workbook has no such part."""
    part = "xl/sharedStrings.xml"
    if part not in book.namelist():
        return []
    found: list[str] = []
    words: list[str] = []
    inside = [False, False]  # a text; the phonetic reading of one, which is not part of it

    def start(tag: str, _: dict[str, str]) -> None:
        if tag == "si":
            words.clear()
        elif tag == "rPh":
            inside[1] = True
        inside[0] = tag == "t" and not inside[1]

    def end(tag: str) -> None:
        if tag == "si":
            found.append("".join(words))
        elif tag == "rPh":
            inside[1] = False
        inside[0] = False

    _parse(book, part, name, start=start, end=end, text=lambda t: words.append(t) if inside[0] else None)
    return found


def _dates(book: zipfile.ZipFile, name: str) -> frozenset[int]:
    """Which cell styles show a number as a date or a time."""
    part = "xl/styles.xml"
    if part not in book.namelist():
        return frozenset()
    own: set[int] = set()
    styles: list[int] = []
    inside = [False]

    def start(tag: str, a: dict[str, str]) -> None:
        if tag == "numFmt" and _shows_a_date(a.get("formatCode", "")):
            own.add(int(a["numFmtId"]))
        elif tag == "cellXfs":
            inside[0] = True
        elif tag == "xf" and inside[0]:
            styles.append(int(a.get("numFmtId", "0")))

    def end(tag: str) -> None:
        if tag == "cellXfs":
            inside[0] = False

    _parse(book, part, name, start=start, end=end)
    return frozenset(i for i, number in enumerate(styles) if number in DATE_FORMATS or number in own)


def _shows_a_date(code: str) -> bool:
    """Whether a number format has a day, month, year, hour or second outside of quotes and brackets."""
    return re.search(r"[dmyhs]", re.sub(r'"[^"]*"|\\.|\[[^\]]*\]|General', "", code), re.IGNORECASE) is not None


class _Sheet:
    """Rows of a sheet, put together cell by cell."""

    def __init__(self, strings: list[str], dates: frozenset[int]) -> None:
        self.strings, self.dates = strings, dates
        self.lines: list[str] = []
        self.cells: list[str] = []
        self.column = 0
        self.kind, self.dated = "n", False
        self.words: list[str] = []
        self.inside = False

    def text(self, book: zipfile.ZipFile, part: str, name: str) -> str:
        """The sheet's rows as lines."""
        _parse(book, part, name, start=self._start, end=self._end, text=self._words)
        return "\n".join(self.lines) + "\n"

    def _start(self, tag: str, a: dict[str, str]) -> None:
        if tag == "c":
            self.column = _column(a["r"]) if "r" in a else len(self.cells)
            if self.column >= MAX_COLUMNS:
                raise ValueError
            self.kind = a.get("t", "n")
            self.dated = int(a.get("s", "0")) in self.dates
            self.words.clear()
        elif tag in {"v", "t"}:
            self.inside = True
        elif tag == "row":
            number = int(a["r"]) if "r" in a else len(self.lines) + 1
            if not len(self.lines) < number <= MAX_ROWS:
                raise ValueError
            self.lines += [""] * (number - 1 - len(self.lines))
            self.cells = []

    def _words(self, text: str) -> None:
        if self.inside:
            self.words.append(text)

    def _end(self, tag: str) -> None:
        if tag == "c":
            if self.words:
                self.cells += [""] * (self.column + 1 - len(self.cells))
                self.cells[self.column] = self._value("".join(self.words))
        elif tag in {"v", "t"}:
            self.inside = False
        elif tag == "row":
            self.lines.append("\t".join(self.cells))

    def _value(self, raw: str) -> str:
        if self.kind == "s":
            return " ".join(self.strings[int(raw)].split())
        if self.kind in {"str", "inlineStr", "e"}:
            return " ".join(raw.split())
        if self.kind == "b":
            return "TRUE" if raw == "1" else "FALSE"
        return _number(raw, dated=self.dated)


def _number(raw: str, *, dated: bool) -> str:
    """A number as it was typed: without the tail of binary fractions; a date as a date."""
    value = float(raw)
    if dated:
        return (EPOCH + dt.timedelta(days=int(value))).isoformat()
    return raw if re.fullmatch(r"\d{1,15}", raw) else format(value, ".15g")


def _column(reference: str) -> int:
    """The place of a column: A5 is 0, B5 is 1."""
    number = 0
    for letter in re.match(r"[A-Z]{1,3}", reference)[0]:  # type: ignore[index]
        number = number * 26 + ord(letter) - 64
    return number - 1


def _parse(
    book: zipfile.ZipFile,
    part: str,
    name: str,
    *,
    start: Callable[[str, dict[str, str]], object],
    end: Callable[[str], object] = lambda _: None,
    text: Callable[[str], object] = lambda _: None,
) -> None:
    """Read one part; element names without their namespace."""

    def refused(*_: Any) -> None:
        raise TableError(f"{name} is no table: it holds a document type.")

    reader = expat.ParserCreate(namespace_separator="}")
    reader.buffer_text = True
    reader.StartElementHandler = lambda tag, a: start(tag.rpartition("}")[2], a)
    reader.EndElementHandler = lambda tag: end(tag.rpartition("}")[2])
    reader.CharacterDataHandler = text
    reader.StartDoctypeDeclHandler = refused
    reader.EntityDeclHandler = refused
    with book.open(part) as stream:
        for chunk in _chunks(stream, book.getinfo(part), name):
            reader.Parse(chunk, False)
    reader.Parse(b"", True)


def _chunks(stream: IO[bytes], info: zipfile.ZipInfo, name: str) -> Iterator[bytes]:
    """A part piece by piece, as long as it stays within its limits."""
    most = min(MAX_PART, max(info.compress_size, 1024) * MAX_RATIO)
    size = 0
    while chunk := stream.read(CHUNK):
        size += len(chunk)
        if size > most:
            raise TableError(f"{name} unpacks to more than a table can be.")
        yield chunk
