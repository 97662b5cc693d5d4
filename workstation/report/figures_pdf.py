"""The figures for administrators on paper: the same tiles, plots and tables as in the window, with every source."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from workstation.report import plot
from workstation.report.figures_sheet import Plot, Sheet, Table
from workstation.report.pdf_fonts import BOLD, MEDIUM, REGULAR, draw, fitted, markup, register

WIDTH, HEIGHT, MARGIN = 612.0, 792.0, 42.0
_ROOM = WIDTH - 2 * MARGIN
_COLOURS = {
    "text": "#16202a",
    "quiet": "#5a6a79",
    "grid": "#dfe5ea",
    "accent": "#1d62ad",
    "band": "#e3edf7",
    "wants": "#8a4b00",
    "done": "#1d7a58",
    "refused": "#b3261e",
}
_SCALE = 0.8  # marks are laid out for a screen; on paper everything is a little smaller


def figures_pdf(sheet: Sheet, *, title: str, lines: tuple[str, ...], made_at: str) -> bytes:
    """Write the sheet as a PDF on letter paper; the same values give the same bytes.

    Parameters
    ----------
    title : what and when, such as "Figures, Dec 2025 to Nov 2026"
    lines : what was chosen (reader, site, payer) and where the number of studies comes from
    made_at : UTC time of the footer
    """
    from reportlab.pdfgen.canvas import Canvas

    register()
    buffer = BytesIO()
    canvas = Canvas(buffer, pagesize=(WIDTH, HEIGHT), invariant=1, pageCompression=1)
    canvas.setTitle("3D charges: figures")
    canvas.setCreator("RenderDesk")
    page = _Page(canvas, made_at)
    page.text(title, BOLD, 17, _COLOURS["text"], 20)
    page.down(6)
    for line in lines:
        page.text(line, REGULAR, 8.5, _COLOURS["quiet"], 12)
    page.down(8)
    _tiles(page, sheet)
    for left in range(0, len(sheet.plots), 2):
        _plots(page, sheet.plots[left : left + 2])
    for table in sheet.tables:
        _table(page, table)
    page.need(30 + 26 * len(sheet.sources))
    page.text("What the figures are compared with", BOLD, 10, _COLOURS["text"], 18)
    for one in sheet.sources:
        page.text(one.words, MEDIUM, 8, _COLOURS["text"], 11)
        page.text(f"{one.source}; {one.dated.isoformat()}.", REGULAR, 8, _COLOURS["quiet"], 14)
    page.end()
    canvas.save()
    return buffer.getvalue()


class _Page:
    """A place on the paper that moves down, and begins a new page when there is no room."""

    def __init__(self, canvas: Any, made_at: str) -> None:
        self.canvas, self._made_at = canvas, made_at
        self.y = HEIGHT - MARGIN
        self._number = 1

    def need(self, height: float) -> None:
        if self.y - height < MARGIN + 16:
            self.end()
            self.canvas.showPage()
            self._number += 1
            self.y = HEIGHT - MARGIN

    def down(self, points: float) -> None:
        self.y -= points

    def text(self, text: str, font: str, size: float, colour: str, height: float) -> None:
        self.need(height)
        self.y -= height
        self.canvas.setFillColor(colour)
        draw(self.canvas, MARGIN, self.y, fitted(text, font, size, _ROOM), font, size)

    def end(self) -> None:
        self.canvas.setFillColor(_COLOURS["quiet"])
        draw(self.canvas, MARGIN, 26, f"RenderDesk · {self._made_at} · estimates are estimates only", REGULAR, 7)
        draw(self.canvas, WIDTH - MARGIN, 26, f"Page {self._number}", REGULAR, 7, right=True)


def _tiles(page: _Page, sheet: Sheet) -> None:
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Paragraph

    style = ParagraphStyle("about", fontName=REGULAR, fontSize=7.5, leading=9.5, textColor=_COLOURS["quiet"])
    wide, gap, high = (_ROOM - 20) / 3, 10.0, 84.0
    for left in range(0, len(sheet.tiles), 3):
        page.need(high + gap)
        for place, tile in enumerate(sheet.tiles[left : left + 3]):
            x, top = MARGIN + place * (wide + gap), page.y
            page.canvas.setStrokeColor(_COLOURS["grid"])
            page.canvas.roundRect(x, top - high, wide, high, 4, stroke=1, fill=0)
            page.canvas.setFillColor(_COLOURS["quiet"])
            draw(page.canvas, x + 8, top - 14, tile.title, MEDIUM, 8)
            page.canvas.setFillColor(_COLOURS["wants" if tile.state == "wants" else "text"])
            draw(page.canvas, x + 8, top - 34, tile.number, BOLD, 16)
            about = Paragraph(markup(tile.about), style)
            _, used = about.wrap(wide - 16, high)
            about.drawOn(page.canvas, x + 8, top - 40 - used)
        page.down(high + gap)


def _plots(page: _Page, plots: tuple[Plot, ...]) -> None:
    wide = (_ROOM - 16) / 2
    high = max(p.height for p in plots) * _SCALE
    page.need(high + 44)
    page.down(16)
    for place, one in enumerate(plots):
        x = MARGIN + place * (wide + 16)
        page.canvas.setFillColor(_COLOURS["text"])
        draw(page.canvas, x, page.y, fitted(one.title, BOLD, 9, wide), BOLD, 9)
        page.canvas.setFillColor(_COLOURS["quiet"])
        draw(page.canvas, x, page.y - 11, fitted(one.note, REGULAR, 7, wide), REGULAR, 7)
        if one.height and one.told:
            paint(page.canvas, one.draw(wide / _SCALE), x, page.y - 16, _SCALE)
    page.down(high + 24)


def paint(canvas: Any, marks: list[plot.Mark], left: float, top: float, scale: float) -> None:
    """Draw marks with their top left corner at a place of the paper."""

    def at(x: float, y: float) -> tuple[float, float]:
        return left + x * scale, top - y * scale

    for mark in marks:
        colour = _COLOURS[mark.tone]
        if isinstance(mark, plot.Label):
            canvas.setFillColor(colour)
            size = mark.size * scale
            text = fitted(mark.text, REGULAR, size, mark.room * scale)
            x, y = at(mark.x, mark.y)
            if mark.anchor == "middle":
                from reportlab.pdfbase.pdfmetrics import stringWidth

                x -= stringWidth(text, REGULAR, size) / 2
            draw(canvas, x, y, text, REGULAR, size, right=mark.anchor == "right")
        elif isinstance(mark, plot.Dot):
            canvas.setFillColor(colour)
            canvas.circle(*at(mark.x, mark.y), mark.radius * scale, stroke=0, fill=1)
        else:
            path = canvas.beginPath()
            path.moveTo(*at(*mark.points[0]))
            for point in mark.points[1:]:
                path.lineTo(*at(*point))
            if isinstance(mark, plot.Area):
                path.close()
                canvas.setFillColor(colour)
                canvas.drawPath(path, stroke=0, fill=1)
            else:
                canvas.setStrokeColor(colour)
                canvas.setLineWidth(mark.width * scale)
                canvas.setDash(3, 3) if mark.dashed else canvas.setDash()
                canvas.drawPath(path, stroke=1, fill=0)
                canvas.setDash()


def _table(page: _Page, table: Table) -> None:
    high = 15.0
    page.need(34 + high * min(len(table.rows) + 1, 4))
    page.text(table.title, BOLD, 10, _COLOURS["text"], 20)
    page.down(2)
    if not table.rows:
        page.text(table.empty, REGULAR, 8, _COLOURS["quiet"], 12)
        page.down(8)
        return
    others = len(table.head) - 1
    wide = min(58.0, _ROOM * 0.7 / others) if others > 2 else 90.0
    first = _ROOM - wide * others
    for number, cells in enumerate((table.head, *table.rows)):
        page.need(high)
        page.down(high)
        font = MEDIUM if number == 0 else REGULAR
        page.canvas.setFillColor(_COLOURS["quiet" if number == 0 else "text"])
        draw(page.canvas, MARGIN, page.y + 4, fitted(cells[0], font, 8, first - 8), font, 8)
        for place, cell in enumerate(cells[1:], 1):
            shown = fitted(cell, font, 7.5, wide - 2)
            draw(page.canvas, MARGIN + first + wide * place, page.y + 4, shown, font, 7.5, right=True)
        page.canvas.setStrokeColor(_COLOURS["grid"])
        page.canvas.setLineWidth(0.5)
        page.canvas.line(MARGIN, page.y, WIDTH - MARGIN, page.y)
    page.down(10)
