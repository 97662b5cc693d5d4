"""*Site*: on what decisions stand beside the case: official tables with their age, site file, what was asked once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QGridLayout, QScrollArea, QVBoxLayout, QWidget

from workstation.base.errors import RenderDeskError
from workstation.window.panels.fact_words import fact_words
from workstation.window.panels.parts import Card, Rows, Rule, Words, sentence_row
from workstation.window.panels.questions import answer_words

if TYPE_CHECKING:
    from workstation.desk.charge_office import ReceiverLine
    from workstation.desk.charge_site import SitePage
    from workstation.desk.desk import Desk
    from workstation.window.actions import Actions

OLD_DAYS = {"pairs": 92, "units": 92, "fees": 92, "icd": 366, "taxonomy": 184, "localities": 366}
"""After so many days a table of this kind has a later one (quarterly, half-yearly, yearly)."""
_KINDS = {
    "pairs": "Edit pairs (NCCI)",
    "units": "Unit limits (MUE)",
    "fees": "Fee schedule (PPRRVU)",
    "localities": "Localities (GPCI)",
    "icd": "Diagnoses (ICD-10-CM)",
    "taxonomy": "Specialties (NUCC)",
}


class SiteView(QWidget):
    """Cards below each other; nothing is edited here but by hand in the files, with mistakes told by their line."""

    def __init__(self, desk: Desk, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk, self._actions = desk, actions
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(16, 12, 16, 16)
        column.setSpacing(12)
        self.word = Words("", state="refused")
        column.addWidget(self.word)
        self.cards: dict[str, tuple[Card, Rows]] = {}
        for name, title in (
            ("tables", "Official tables, and how old they are"),
            ("file", "Settings of the site file (site.toml)"),
            ("answered", "Asked once for this site"),
            ("receivers", "Receivers of charge messages"),
        ):
            card, rows = Card(title), Rows(0)
            card.add(rows)
            column.addWidget(card)
            self.cards[name] = (card, rows)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(body)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def refresh(self) -> None:
        """Read files and settings again."""
        try:
            page, links = self._desk.site_page(), self._desk.receivers()
        except RenderDeskError as error:
            self.word.say(error.sentence)
            self.word.show()
            for card, _ in self.cards.values():
                card.hide()
            return
        self.word.hide()
        shown = {
            "tables": _tables(page),
            "file": _settings(page),
            "answered": [
                _pair(fact_words(p), answer_words(p, v)) for p, v in sorted(page.answered.items()) if v is not None
            ],
            "receivers": [_receiver(r) for r in links],
        }
        empty = {
            "answered": "Nothing yet; the charge panel asks.",
            "receivers": "The site file names none: messages are written to the folder messages of the home.",
        }
        for name, (card, rows) in self.cards.items():
            parts: list[QWidget] = []
            for one in shown[name] or [Words(empty.get(name, ""), "quiet")]:
                if parts:
                    parts.append(Rule())
                parts.append(one)
            rows.fill(parts)
            card.show()


def _tables(page: SitePage) -> list[QWidget]:
    found: list[QWidget] = []
    for one in page.tables:
        if one["replaced"]:
            continue
        old = one["age_days"] > OLD_DAYS.get(str(one["kind"]), 366)
        kind = _KINDS.get(str(one["kind"]), str(one["kind"]))
        since = f"effective {one['effective']}, {one['age_days']} days old"
        told = f"{one['file']}, {since}; taken in {one['imported_at'][:10]}"
        found.append(
            sentence_row("wants" if old else "done", kind, f"{told}. A later one is due." if old else f"{told}.")
        )
    told = f"Effective {page.built_in.isoformat()}; asked where no imported table is for the day."
    return [*found, sentence_row("" if found else "wants", "The small set that came with the program", told)]


def _settings(page: SitePage) -> list[QWidget]:
    site = page.site
    stated = "" if page.has_file else " (there is no file; these are the program's own settings)"
    lines: list[tuple[str, str]] = [
        (f"A charge is late after{stated}", f"{site.late_days} days"),
        ("Payment locality", site.locality or "national, none is set"),
        ("Readers are qualifying participants", "yes" if site.qualifying_apm else "no"),
        ("Specialties accepted as readers", ", ".join(site.accepted_taxonomies) or "none beside the known ones"),
        ("Fees", ", ".join(f"{c}: {a} USD" for c, a in sorted(site.fees.items())) or "none; claims cannot be written"),
        ("Billing providers named", str(len(site.billers))),
    ]
    return [_pair(words, value) for words, value in lines]


def _receiver(one: ReceiverLine) -> QWidget:
    told = f"{one.host}, port {one.port}, {'encrypted' if one.encrypted else 'not encrypted'}"
    told += f"; {one.waiting} waiting, {one.unanswered} without an answer"
    return sentence_row("refused" if one.problem else "done", one.name, f"{told}. {one.problem}".strip())


def _pair(words: str, value: Any) -> QWidget:
    made = QWidget()
    grid = QGridLayout(made)
    grid.setContentsMargins(0, 6, 0, 6)
    grid.setHorizontalSpacing(16)
    label = Words(words, "quiet")
    label.setFixedWidth(320)
    text = str(value)
    grid.addWidget(label, 0, 0, Qt.AlignmentFlag.AlignTop)
    grid.addWidget(Words(text[:1].upper() + text[1:]), 0, 1, Qt.AlignmentFlag.AlignTop)
    grid.setColumnStretch(1, 1)
    return made
