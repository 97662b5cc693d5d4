"""Paper claims as PDF: each box by its number with its value, one page a claim, in a plain layout of our own.

It is for reading, filing and typing over; it is not the printed red form and does not stand in for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

from workstation.report.pdf_fonts import BOLD, MEDIUM, REGULAR, draw, fitted, register

WIDTH, HEIGHT = 612.0, 792.0  # letter, points
MARGIN = 36.0
INK, MUTED, RULE, TINT = "#16202a", "#5a6a79", "#b9c3cd", "#f3f6f9"
ROW = 31.0

# rows of cells: (box, our own words for it, share of the width)
_HEAD: tuple[tuple[tuple[str, str, int], ...], ...] = (
    (("payer", "Payer", 6), ("1", "Kind of plan", 3), ("1a", "Member number", 3)),
    (("2", "Patient", 5), ("3", "Born, sex", 3), ("4", "Insured person", 4)),
    (("5", "Patient's address", 6), ("6", "Patient is", 2), ("7", "Insured person's address", 4)),
    (
        ("10", "Employment, auto, other accident", 4),
        ("11", "Group", 3),
        ("11a", "Insured born, sex", 2),
        ("11c", "Plan", 3),
    ),
    (("11d", "Other plan", 2), ("12", "Patient's signature", 5), ("13", "Insured person's signature", 5)),
    (("17", "Ordered by", 5), ("17b", "NPI", 3), ("20", "Bought outside", 2), ("23", "Authorisation", 2)),
)
_TAIL: tuple[tuple[tuple[str, str, int], ...], ...] = (
    (("25", "Tax number", 3), ("26", "Account", 3), ("27", "Assignment", 2), ("28", "Total", 2), ("29", "Paid", 2)),
    (("31", "Physician, date", 4), ("22", "Replaces or voids", 4), ("33b", "Taxonomy", 4)),
    (("32", "Place of the service", 8), ("32a", "NPI", 4)),
    (("33", "Biller", 8), ("33a", "NPI", 4)),
)
_LINE = (
    ("A", "From", 8), ("A2", "To", 8), ("B", "Place", 5), ("D", "Code", 7), ("M1", "Mod.", 4), ("M2", "", 4),
    ("M3", "", 4), ("M4", "", 4), ("E", "Pointers", 7), ("F", "Charge", 8), ("G", "Units", 5),
    ("J", "Rendering NPI", 12),
)  # fmt: skip


def form_pdf(forms: Sequence[Mapping[str, Any]], *, demo: bool = False) -> bytes:
    """Draw claims, one page each.

    Parameters
    ----------
    forms : boxes by number, as `billing.messages.cms1500` gives them
    demo : marks every page, so that a demonstration never passes for a claim
    """
    from reportlab.pdfgen.canvas import Canvas

    register()
    buffer = BytesIO()
    # no name of a patient in the file's own title
    canvas: Any = Canvas(buffer, pagesize=(WIDTH, HEIGHT), invariant=1, pageCompression=1)
    canvas.setTitle("Claims")
    canvas.setCreator("RenderDesk")
    for form in forms:
        _page(canvas, form, demo=demo)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _page(canvas: Any, form: Mapping[str, Any], *, demo: bool) -> None:
    y = HEIGHT - MARGIN - 16
    canvas.setFillColor(INK)
    draw(canvas, MARGIN, y, "Claim by boxes", BOLD, 15)
    canvas.setFillColor(MUTED)
    note = "DEMO, not a claim. " if demo else ""
    draw(canvas, WIDTH - MARGIN, y, f"{note}Box numbers of {form['form']}", MEDIUM, 8.5, right=True)
    y -= 14
    for row in _HEAD:
        y = _cells(canvas, y, row, form)
    y = _diagnoses(canvas, y - 8, form["21"])
    y = _lines(canvas, y - 8, form["24"])
    y -= 8
    for row in _TAIL:
        y = _cells(canvas, y, row, form)
    canvas.setFillColor(MUTED)
    words = "Written by RenderDesk from the confirmed charge. Not the printed form, and no stand-in for it."
    draw(canvas, MARGIN, MARGIN - 8, words, REGULAR, 7)


def _cells(canvas: Any, top: float, row: Sequence[tuple[str, str, int]], form: Mapping[str, Any]) -> float:
    total = sum(share for _, _, share in row)
    x = MARGIN
    for box, words, share in row:
        width = (WIDTH - 2 * MARGIN) * share / total
        _cell(canvas, x, top, width, "" if box == "payer" else box, words, value_of(form, box))
        x += width
    return top - ROW


def _cell(canvas: Any, x: float, top: float, width: float, box: str, words: str, value: str) -> None:
    canvas.setStrokeColor(RULE)
    canvas.setLineWidth(0.6)
    canvas.rect(x, top - ROW, width, ROW)
    canvas.setFillColor(MUTED)
    if box:
        draw(canvas, x + 4, top - 10, box, BOLD, 7)
    draw(canvas, x + (8 + 4.2 * len(box) if box else 4), top - 10, words, REGULAR, 7)
    canvas.setFillColor(INK)
    size = 9.5
    while size > 5.5 and fitted(value, MEDIUM, size, width - 8) != value:
        size -= 0.5
    draw(canvas, x + 4, top - 24, fitted(value, MEDIUM, size, width - 8), MEDIUM, size)


def value_of(form: Mapping[str, Any], box: str) -> str:
    """A box's value in one line."""
    if box == "10":
        return " / ".join(str(form.get(f"10{part}", "")) for part in "abc")
    value = form.get(box, "")
    if not isinstance(value, Mapping):
        return str(value)
    if "street" in value:
        parts = [value.get("name", ""), value["street"], f"{value['city']} {value['state']} {value['zip']}"]
        return ", ".join([*(p for p in parts if p), *([value["telephone"]] if "telephone" in value else [])])
    return "  ".join(str(v) for v in value.values() if v)


def _diagnoses(canvas: Any, top: float, listed: Mapping[str, str]) -> float:
    codes = [(letter, code) for letter, code in listed.items() if letter != "indicator"]
    canvas.setFillColor(MUTED)
    draw(canvas, MARGIN, top - 10, "21", BOLD, 7)
    draw(canvas, MARGIN + 14, top - 10, f"Diagnoses (code list {listed['indicator']})", REGULAR, 7)
    y = top - 14
    width = (WIDTH - 2 * MARGIN) / 4
    for place in range(0, max(len(codes), 1), 4):
        for column, (letter, code) in enumerate(codes[place : place + 4]):
            x = MARGIN + column * width
            canvas.setStrokeColor(RULE)
            canvas.rect(x, y - 18, width, 18)
            canvas.setFillColor(MUTED)
            draw(canvas, x + 4, y - 12.5, letter, BOLD, 8)
            canvas.setFillColor(INK)
            draw(canvas, x + 20, y - 12.5, code, MEDIUM, 9.5)
        y -= 18
    return y


def _lines(canvas: Any, top: float, lines: Sequence[Mapping[str, Any]]) -> float:
    total = sum(share for _, _, share in _LINE)
    room = WIDTH - 2 * MARGIN
    canvas.setFillColor(TINT)
    canvas.rect(MARGIN, top - 16, room, 16, stroke=0, fill=1)
    x = MARGIN
    for name, words, share in _LINE:
        canvas.setFillColor(MUTED)
        letter = f"24{name}" if len(name) == 1 else ""
        draw(canvas, x + 3, top - 11, f"{letter} {words}".strip(), REGULAR, 6.5)
        x += room * share / total
    y = top - 16
    for line in lines:
        modifiers = [*line["D"]["modifiers"], "", "", "", ""]
        values = {
            "A": line["A"]["from"],
            "A2": line["A"]["to"],
            "D": line["D"]["code"],
            **{f"M{n}": modifiers[n - 1] for n in (1, 2, 3, 4)},
            **{name: line[name] for name in ("B", "E", "F", "G", "J")},
        }
        x = MARGIN
        for name, _, share in _LINE:
            width = room * share / total
            canvas.setStrokeColor(RULE)
            canvas.rect(x, y - 20, width, 20)
            canvas.setFillColor(INK)
            draw(canvas, x + 3, y - 13.5, fitted(values[name], MEDIUM, 9, width - 5), MEDIUM, 9)
            x += width
        y -= 20
    return y
