"""Rows and cells of a csv or tab-separated text, numbered by their lines."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from billing.errors import TableError


def rows_of(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """Numbered rows with their cells, blanks at the ends and doubled ones taken away.

    Raises
    ------
    TableError
        A quotation mark where none belongs, or that never ends.
    """
    head = text[:5000]
    if head.count("\t") > head.count(","):
        for number, line in enumerate(text.split("\n"), 1):
            yield number, [" ".join(cell.strip().strip('"').split()) for cell in line.split("\t")]
        return
    rows = csv_rows(text, name)
    number = 1
    for row in rows:
        yield number, [" ".join(cell.split()) for cell in row]
        number += 1 + sum(cell.count("\n") for cell in row)


def csv_rows(text: str, name: str) -> Iterator[list[str]]:
    """Rows of a csv; a quotation mark may hold a line end.

    Raises
    ------
    TableError
        A quotation mark where none belongs, or that never ends.
    """
    reader = csv.reader((line + "\n" for line in text.split("\n")), strict=True)
    try:
        yield from reader
    except csv.Error:
        raise TableError(
            f"{name}, line {reader.line_num}: a quotation mark stands where none belongs, or is never closed."
        ) from None
