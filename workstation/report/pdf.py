"""The report as PDF: what the referring physician and the surgeon hold in their hands.

First what they look for (impression, key pictures, numbers), then findings, then how it was made and by whom.
The same content and pictures give the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from workstation.measure.printing import pretty, uncertainty_words
from workstation.report.pdf_fonts import BOLD, MEDIUM, REGULAR, draw, fitted, markup, register
from workstation.report.sentences import ACTS, moment_words, patient_words, printed_name, sides_in_capitals, study_words
from workstation.report.text import CLEARANCE, banner, sections, signature

if TYPE_CHECKING:
    from workstation.report.model import KeyPicture, ReportContent

Rgb = npt.NDArray[np.uint8]

WIDTH, HEIGHT = 612.0, 792.0  # letter, points
MARGIN = 48.0
TOP, TOP_LATER, BOTTOM = 56.0, 78.0, 58.0
INK, MUTED, RULE, TINT = "#16202a", "#5a6a79", "#d3dae1", "#f3f6f9"
ACCENT = "#1d4e79"
_BANDS = {"draft": ("#8a4b00", "#fff1d6"), "preliminary": ("#8a4b00", "#fff1d6"), "retracted": ("#ffffff", "#b3261e")}
_BAND = ("#1d4e79", "#e4eef7")
_ROOM = WIDTH - 2 * MARGIN
_GAP = 12.0
_TALLEST, _TALLEST_ALONE = 228.0, 300.0
_KEPT_TOGETHER = re.compile(r"(?<=\d) (?=(?:mm²?|ml|HU|%)(?:\W|$))|(?<=\bSD) (?=[\d-])|(?<=±) ")


def pdf_bytes(content: ReportContent, pictures: Mapping[str, Rgb], *, made_at: str = "") -> bytes:
    """Write the report.

    Parameters
    ----------
    pictures : RGB pixels (height, width, 3) of the key pictures by SOP Instance UID; one that is missing is named
        with its caption and a note
    made_at : UTC time that stands in the footer
    """
    register()
    total = _build(content, pictures, made_at, 0, BytesIO())
    buffer = BytesIO()
    _build(content, pictures, made_at, total, buffer)
    return buffer.getvalue()


def _build(content: ReportContent, pictures: Mapping[str, Rgb], made_at: str, total: int, buffer: BytesIO) -> int:
    """Lay the pages out; with a total of 0 pages it is a rehearsal without pixels. Gives the number of pages."""
    from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate

    # no name of a patient in the file's own title
    doc: Any = BaseDocTemplate(
        buffer,
        pagesize=(WIDTH, HEIGHT),
        title="3D report",
        author="",
        subject="",
        creator="RenderDesk",
        invariant=1,
        pageCompression=1,
    )
    high = HEIGHT - BOTTOM

    def frame(top: float) -> Any:
        return Frame(MARGIN, BOTTOM, _ROOM, high - top, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0)

    def first(canvas: Any, document: Any) -> None:
        _page(canvas, content, made_at, document.page, total)

    def later(canvas: Any, document: Any) -> None:
        _running_head(canvas, content)
        _page(canvas, content, made_at, document.page, total)

    band = 22.0 if banner(content) else 0.0
    doc.addPageTemplates(
        [
            PageTemplate("first", [frame(TOP - 14 + band * 0.6)], onPage=first, autoNextPageTemplate="later"),
            PageTemplate("later", [frame(TOP_LATER - 14 + band)], onPage=later),
        ]
    )
    doc.build(_Parts(content, pictures, rehearsal=total == 0).all())
    return int(doc.page)


def _page(canvas: Any, content: ReportContent, made_at: str, number: int, total: int) -> None:
    """Band across the top, footer."""
    canvas.saveState()
    words = banner(content)
    if words:
        ink, ground = _BANDS.get(content.status, _BAND)
        canvas.setFillColor(ground)
        canvas.rect(0, HEIGHT - 24, WIDTH, 24, stroke=0, fill=1)
        canvas.setFillColor(ink)
        draw(canvas, MARGIN, HEIGHT - 16, words, BOLD, 8.5)
    canvas.setStrokeColor(RULE)
    canvas.setLineWidth(0.6)
    canvas.line(MARGIN, 44, WIDTH - MARGIN, 44)
    canvas.setFillColor(MUTED)
    draw(canvas, MARGIN, 32, CLEARANCE, REGULAR, 7)
    made = ", ".join(p for p in (content.software, content.workstation, moment_words(made_at) if made_at else "") if p)
    draw(canvas, MARGIN, 22, fitted(made, REGULAR, 7, _ROOM - 80), REGULAR, 7)
    draw(canvas, WIDTH - MARGIN, 32, f"Page {number} of {max(total, number)}", MEDIUM, 7.5, right=True)
    canvas.restoreState()


def _running_head(canvas: Any, content: ReportContent) -> None:
    """Identity on every further page: a loose sheet must not be anybody's."""
    canvas.saveState()
    y = HEIGHT - (46 if not banner(content) else 46 + 14)
    canvas.setFillColor(INK)
    accession = f"Accession {content.accession}" if content.accession else ""
    canvas.setFillColor(MUTED)
    used = draw(canvas, WIDTH - MARGIN, y, accession, REGULAR, 8, right=True)
    canvas.setFillColor(INK)
    draw(canvas, MARGIN, y, fitted(patient_words(content.patient), MEDIUM, 8, _ROOM - used - 16), MEDIUM, 8)
    canvas.setStrokeColor(RULE)
    canvas.setLineWidth(0.6)
    canvas.line(MARGIN, y - 7, WIDTH - MARGIN, y - 7)
    canvas.restoreState()


class _Parts:
    """The report's parts as reportlab's flowables, in the order in which they are read."""

    def __init__(self, content: ReportContent, pictures: Mapping[str, Rgb], *, rehearsal: bool) -> None:
        from reportlab.lib.styles import ParagraphStyle

        self.content, self.pictures, self.rehearsal = content, pictures, rehearsal
        self.said = dict(sections(content))

        def style(name: str, font: str, size: float, leading: float, colour: str = INK, **more: Any) -> Any:
            return ParagraphStyle(
                name, fontName=font, fontSize=size, leading=leading, textColor=colour, splitLongWords=1, **more
            )

        self.body = style("body", REGULAR, 9.2, 13.2, spaceAfter=3)
        self.lead = style("lead", MEDIUM, 10.4, 15, spaceAfter=2)
        self.heading = style("heading", BOLD, 9.6, 13, ACCENT, spaceBefore=10, spaceAfter=3, keepWithNext=1)
        # before what may begin here and go on overleaf
        self.free_heading = style("free heading", BOLD, 9.6, 13, ACCENT, spaceBefore=10, spaceAfter=3)
        self.small = style("small", REGULAR, 7.6, 10.2, MUTED)
        self.cell = style("cell", REGULAR, 8.4, 11.2)
        self.strong = style("strong", BOLD, 8.4, 11.2)
        self.column = style("column", MEDIUM, 7.4, 10, MUTED)
        self.name = style("name", BOLD, 17, 21)
        self.place = style("place", MEDIUM, 8.6, 11, MUTED)
        self.label = style("label", REGULAR, 7.2, 9.5, MUTED)
        self.value = style("value", MEDIUM, 9, 12)
        self.caption = style("caption", REGULAR, 7.8, 10.4)

    def all(self) -> list[Any]:
        """Everything, in order."""
        shown = list(self.content.pictures)
        return [
            *self._head(),
            *self._impression(),
            *self._picture_rows(shown[:2], 1),
            *self._measurements(),
            *self._texts("3D findings", "Recommendation", "Communication"),
            *self._background(),
            *self._supervision(),
            *self._signature(),
            *self._further_pictures(shown[2:]),
        ]

    def _p(self, text: str, style: Any) -> Any:
        from reportlab.platypus import Paragraph

        return Paragraph(markup(text), style)

    def _table(self, rows: list[list[Any]], widths: list[float], style: list[Any], **more: Any) -> Any:
        from reportlab.platypus import Table, TableStyle

        return Table(rows, colWidths=widths, style=TableStyle(style), hAlign="LEFT", **more)

    def _head(self) -> list[Any]:
        """Institution, patient, study."""
        from reportlab.platypus import Spacer

        content, patient = self.content, self.content.patient
        name = printed_name(patient.name) or "Name not known"
        if patient.name_ideographic:
            name = f"{name}  {patient.name_ideographic.replace('^', ' ')}"
        flat = [("LEFTPADDING", (0, 0), (-1, -1), 0), ("RIGHTPADDING", (0, 0), (-1, -1), 6)]
        tight = [*flat, ("TOPPADDING", (0, 0), (-1, -1), 0), ("BOTTOMPADDING", (0, 0), (-1, -1), 2)]
        facts = [
            ("Patient ID", patient.id + (f" ({patient.issuer})" if patient.issuer else "") or "not known"),
            ("Born", patient.birth_date or "not known"),
            ("Sex", patient.sex or "not known"),
            ("Accession", content.accession or "not known"),
            ("Study date", content.study_date or "not known"),
            ("Study", study_words(content.modality, content.study_description) or "not known"),
            ("Ordered by", content.ordering_provider or "not known"),
            ("Report", signature(content)),
        ]
        cells = [[self._p(label, self.label), self._p(value, self.value)] for label, value in facts]
        grid = [cells[:4], cells[4:]]
        widths = [_ROOM * share for share in (0.22, 0.28, 0.24, 0.26)]
        place = " · ".join(p for p in (content.institution, "3D report") if p)
        return [
            self._p(place, self.place),
            Spacer(1, 2),
            self._p(name, self.name),
            Spacer(1, 4),
            self._table(
                grid,
                widths,
                [
                    *tight,
                    ("VALIGN", (0, 0), (-1, -1), "TOP"),
                    ("LINEABOVE", (0, 0), (-1, 0), 0.6, RULE),
                    ("LINEBELOW", (0, -1), (-1, -1), 0.6, RULE),
                    ("TOPPADDING", (0, 0), (-1, -1), 5),
                    ("BOTTOMPADDING", (0, 0), (-1, -1), 5),
                ],
            ),
            Spacer(1, 8),
        ]

    def _impression(self) -> list[Any]:
        """What is read first stands first, on a tinted ground that may break over pages."""
        from reportlab.platypus import Spacer

        said = self.said.get("Impression")
        if not said:
            return []
        rows = [[self._p("Impression", self.heading)], *([self._p(p, self.lead)] for p in said)]
        style = [
            ("BACKGROUND", (0, 0), (-1, -1), TINT),
            ("LINEBEFORE", (0, 0), (0, -1), 2.4, ACCENT),
            ("LEFTPADDING", (0, 0), (-1, -1), 12),
            ("RIGHTPADDING", (0, 0), (-1, -1), 12),
            ("TOPPADDING", (0, 0), (-1, -1), 1),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
            ("TOPPADDING", (0, 0), (-1, 0), 7),
            ("BOTTOMPADDING", (0, -1), (-1, -1), 9),
        ]
        return [self._table(rows, [_ROOM], style, splitInRow=1), Spacer(1, 10)]

    def _texts(self, *titles: str) -> list[Any]:
        from reportlab.platypus import CondPageBreak

        found: list[Any] = []
        for title in titles:
            if title in self.said:
                # a heading is never alone at the foot of a page
                found += [CondPageBreak(60), self._p(title, self.free_heading)]
                found += [self._p(pretty(p), self.body) for p in self.said[title]]
        return found

    def _background(self) -> list[Any]:
        """What stands behind the findings: label at the left, words at the right."""
        from reportlab.platypus import CondPageBreak

        titles = ("Comparison", "Limitations", "Indication", "Necessity of 3D", "Order", "Data used", "Technique")
        rows = [
            [self._p(title, self.column), [self._p(pretty(p), self.cell) for p in self.said[title]]]
            for title in titles
            if title in self.said
        ]
        if not rows:
            return []
        style = [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("RIGHTPADDING", (0, 0), (-1, -1), 0),
            ("TOPPADDING", (0, 0), (-1, -1), 4),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 4),
            ("LINEABOVE", (0, 0), (-1, 0), 0.8, MUTED),
            ("LINEBELOW", (0, 0), (-1, -1), 0.4, RULE),
        ]
        table = self._table(rows, [96.0, _ROOM - 96.0], style, splitInRow=1)
        return [CondPageBreak(80), self._p("Background and technique", self.free_heading), table]

    def _measurements(self) -> list[Any]:
        """Number, value, uncertainty, what was measured."""
        from reportlab.platypus import CondPageBreak, Spacer

        if not self.content.measurements:
            return []
        head = [self._p(t, self.column) for t in ("", "Measurement", "Value", "U", "Definition")]
        rows = [head]
        for n, m in enumerate(self.content.measurements, 1):
            definition = m.measured.definition
            if m.measured.validity == "marked":
                definition = f"{definition}. Marked: {' '.join(m.measured.reasons)}"
            rows.append(
                [
                    self._p(str(n), self.column),
                    self._p(sides_in_capitals(m.name or m.kind), self.cell),
                    self._p(_KEPT_TOGETHER.sub("\u00a0", pretty(m.measured.printed)), self.strong),
                    self._p(_KEPT_TOGETHER.sub("\u00a0", pretty(uncertainty_words(m.measured))) or "–", self.cell),
                    self._p(definition, self.cell),
                ]
            )
        style = [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("RIGHTPADDING", (0, 0), (-1, -1), 8),
            ("TOPPADDING", (0, 0), (-1, -1), 4),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 4),
            ("LINEBELOW", (0, 0), (-1, 0), 0.8, MUTED),
            ("LINEBELOW", (0, 1), (-1, -1), 0.4, RULE),
        ]
        widths = [18.0, 180.0, 96.0, 54.0, _ROOM - 348.0]
        note = (
            "U: expanded uncertainty (k = 2) from the resolution of the images alone, given where it is more than "
            "1 mm or 5 %; readers differ by more."
        )
        return [
            CondPageBreak(110),
            self._p("Measurements", self.free_heading),
            self._table(rows, widths, style, repeatRows=1, splitInRow=1),
            Spacer(1, 3),
            self._p(note, self.small),
        ]

    def _supervision(self) -> list[Any]:
        from reportlab.platypus import CondPageBreak, Spacer

        acts = self.content.supervision
        found: list[Any] = []
        if acts:
            rows = [[self._p(t, self.column) for t in ("Act", "Known by", "Physician", "Since", "How")]]
            for a in acts:
                absent = a.kind == "absent"
                rows.append(
                    [
                        self._p(ACTS.get(a.act, a.act), self.cell),
                        self._p("not documented" if absent else a.kind, self.cell if absent else self.strong),
                        self._p(a.by or "–", self.cell),
                        self._p(moment_words(a.at) or "–", self.cell),
                        self._p(a.words or "–", self.cell),
                    ]
                )
            style = [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("RIGHTPADDING", (0, 0), (-1, -1), 8),
                ("TOPPADDING", (0, 0), (-1, -1), 3.5),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 3.5),
                ("LINEBELOW", (0, 0), (-1, 0), 0.8, MUTED),
                ("LINEBELOW", (0, 1), (-1, -1), 0.4, RULE),
            ]
            widths = [148.0, 74.0, 86.0, 106.0, _ROOM - 414.0]
            found += [
                CondPageBreak(130),
                self._p("Supervision", self.free_heading),
                self._table(rows, widths, style, repeatRows=1, splitInRow=1),
                Spacer(1, 3),
            ]
        if self.content.prepared_by:
            found.append(self._p(f"Prepared by {', '.join(self.content.prepared_by)}.", self.body))
        return found

    def _signature(self) -> list[Any]:
        from reportlab.platypus import KeepTogether, Spacer

        content = self.content
        lines = [self._p(signature(content), self.lead)]
        if content.signed_by is not None and content.signed_by.npi and content.status != "draft":
            lines.append(self._p(f"NPI {content.signed_by.npi}", self.small))
        if content.predecessor:
            lines.append(self._p(f"Amends the report {content.predecessor}.", self.small))
        if content.pictures:
            said = f"{content.pictures_archived} of {len(content.pictures)} released pictures are in the archive."
            lines.append(self._p(said, self.small))
        return [Spacer(1, 10), KeepTogether(lines)]

    def _further_pictures(self, shown: list[KeyPicture]) -> list[Any]:
        from reportlab.platypus import CondPageBreak

        if not shown:
            return []
        return [CondPageBreak(260), self._p("Further pictures", self.heading), *self._picture_rows(shown, 3)]

    def _picture_rows(self, shown: list[KeyPicture], first: int) -> list[Any]:
        """Two beside each other, each as large as its half allows, caption below; a row never breaks."""
        found: list[Any] = []
        half = (_ROOM - _GAP) / 2
        for at in range(0, len(shown), 2):
            pair = shown[at : at + 2]
            alone = len(shown) == 1 and first == 1
            cells = [self._picture(p, _ROOM * 0.7 if alone else half, alone=alone) for p in pair]
            captions = [self._caption(p, first + at + n) for n, p in enumerate(pair)]
            while len(cells) < 2:
                cells.append("")
                captions.append("")
            style = [
                ("VALIGN", (0, 0), (-1, -1), "BOTTOM"),
                ("VALIGN", (0, 1), (-1, 1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("RIGHTPADDING", (0, 0), (-1, -1), 0),
                ("TOPPADDING", (0, 0), (-1, -1), 2),
                ("BOTTOMPADDING", (0, 0), (-1, 0), 2),
                ("BOTTOMPADDING", (0, 1), (-1, 1), 8),
                ("NOSPLIT", (0, 0), (-1, -1)),
            ]
            if alone:
                found.append(self._table([[cells[0]], [captions[0]]], [_ROOM], style))
                continue
            rows = [[cells[0], "", cells[1]], [captions[0], "", captions[1]]]
            found.append(self._table(rows, [half, _GAP, half], style))
        return found

    def _caption(self, picture: KeyPicture, number: int) -> Any:
        words = ". ".join(p for p in (picture.title, picture.technique) if p)
        return self._p(f"{number}  {words}", self.caption)

    def _picture(self, picture: KeyPicture, width: float, *, alone: bool = False) -> Any:
        """The picture in its half of the page; in a rehearsal an empty place of the same size."""
        rgb = self.pictures.get(picture.sop_uid)
        if rgb is None:
            return self._p("This picture is not at hand; it is in the archive.", self.small)
        from PIL import Image as Pixels
        from reportlab.platypus import Image, Spacer

        high, wide = rgb.shape[:2]
        scale = min(width / wide, (_TALLEST_ALONE if alone else _TALLEST) / high)
        if self.rehearsal:
            return Spacer(wide * scale, high * scale)
        png = BytesIO()
        Pixels.fromarray(np.ascontiguousarray(rgb)).save(png, "PNG", compress_level=1)
        png.seek(0)
        return Image(png, width=wide * scale, height=high * scale, hAlign="LEFT")
