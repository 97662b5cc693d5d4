"""The bar on top: whose pictures these are, as their own files say; what to know of them; and who is acting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QToolButton, QWidget

from workstation.window import names, words
from workstation.window.theme import tokens
from workstation.window.widgets import Elided, label, named, restate, tool, upright

if TYPE_CHECKING:
    from workstation.base.events import Actor
    from workstation.case.model import Case
    from workstation.window.actions import Actions

_PLAIN = ("DEMO", "SYNTHETIC", "CONFIRMED", "PHASE")  # every other badge is a caution


class Disc(QWidget):
    """Initials of the acting person."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(28, 28)
        self.text = ""
        self._ground = tokens.SELECTION

    def set_over(self, *, chosen: bool) -> None:
        """Whether it lies on a chosen row, whose colour it would vanish in."""
        self._ground = tokens.WINDOW if chosen else tokens.SELECTION
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._ground if self.text else tokens.HOVER))
        painter.drawEllipse(1, 1, 26, 26)
        font = painter.font()
        font.setPixelSize(tokens.LABEL)
        font.setWeight(font.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(QColor(tokens.TEXT))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.text)
        painter.end()


class PatientBar(QWidget):
    """Identity on the left, badges behind it, the acting person on the right, always. Signal `page(str)`."""

    page = Signal(str)

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        named(self, "PatientBar")
        self.setFixedHeight(tokens.BAR)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 12, 0)
        row.setSpacing(12)
        self.home = tool(glyph="arrow-left", tip=actions.qaction("library").toolTip())
        self.home.clicked.connect(lambda: actions.run("library"))
        row.addWidget(self.home)
        self.brand = label("RenderDesk", "heading")
        row.addWidget(self.brand)
        self.tabs: dict[str, QToolButton] = {}
        for name, title in (("studies", "Studies"), ("charges", "Charges")):
            tab = tool(title)
            tab.setCheckable(True)
            tab.clicked.connect(lambda *_, name=name: self.page.emit(name))
            self.tabs[name] = tab
            row.addWidget(tab)
        self.name = Elided(role="name", keep=260)
        self.script = Elided(role="quiet")
        self.ids = Elided(role="quiet", keep=96)
        self.born = Elided(role="quiet", keep=260)  # birth date and sex tell people apart: never cut
        self.study = Elided(keep=64)
        self.when = Elided(role="quiet", keep=100)  # the study's date
        self.line = upright()
        self.line.setFixedHeight(20)
        for part in (self.name, self.script, self.ids, self.born, self.line, self.study, self.when):
            row.addWidget(part)
        self.badges: tuple[str, ...] = ()
        self._badges = QHBoxLayout()
        self._badges.setSpacing(6)
        row.addLayout(self._badges)
        row.addStretch(1)
        self.acting = Elided(role="quiet", keep=80)
        self.person = Elided(keep=220)
        self.role = Elided(role="quiet", keep=110)
        for part in (self.acting, self.person, self.role):
            row.addWidget(part)
        self.person.setProperty("role", "strong")
        self.disc = Disc()
        row.addWidget(self.disc)
        self.user = tool(glyph="caret-down", tip="Switch user, lock")
        self.user.setPopupMode(self.user.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.user)
        for act in ("switch_user", "lock", "account", "keys", "quit"):
            menu.addAction(actions.qaction(act))
        self.user.setMenu(menu)
        row.addWidget(self.user)
        # a moment later: new badges know their size only when the style sheet has dressed them
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._make_room)
        self.show_case(None, ())
        self.show_actor(None)

    def show_case(self, case: Case | None, badges: tuple[str, ...], page: str = "studies") -> None:
        """Identity and badges of the opened case; without one the program's name, and pages ("" while one opens)."""
        there = case is not None
        for part in (self.name, self.script, self.ids, self.born, self.line, self.study, self.when, self.home):
            part.setVisible(there)
        self.brand.setVisible(not there)
        for name, tab in self.tabs.items():
            tab.setVisible(not there and bool(page))
            tab.setChecked(name == page)
        self._clear_badges()
        self.badges = badges
        if case is None:
            return
        who = case.patient
        self.name.set_whole(names.person(who.name))
        script = names.other_script(f"={who.name_ideographic}" if who.name_ideographic else who.name)
        self.script.set_whole(script)
        self.script.setVisible(bool(script))
        born = words.date(who.birth_date)
        self.ids.set_whole(f"ID {who.id}" if who.id else "no ID")
        self.born.set_whole(f"{f'born {born}' if born else 'birth date not known'}   {who.sex or 'sex not known'}")
        self.study.set_whole(case.study_description or f"{case.modality} study without a description")
        told = [words.date(case.study_date) or "date not known"]
        if case.accession:
            told.append(f"accession {case.accession}")
        self.when.set_whole(" · ".join(told))
        for badge in badges:
            plain = any(word in badge.upper() for word in _PLAIN)
            state = "" if plain else "wants"
            self._badges.addWidget(label(badge.upper(), "badge", state), 0, Qt.AlignmentFlag.AlignVCenter)
        self._soon.start()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        """Where room is short, whole words give way before anything of the patient, the badges or the person does.

        First "acting as"; then, when even shortened texts find no room, the role and what the study is called.
        """
        layout = self.layout()
        if layout is None:
            return
        there = self.study.whole and not self.name.isHidden()
        for part, wanted in ((self.acting, True), (self.role, True), (self.study, there), (self.line, there)):
            part.setVisible(bool(wanted))
        layout.setSpacing(12)
        if layout.sizeHint().width() > self.width():
            self.acting.setVisible(False)
        for part in (self.role, self.study):
            if layout.totalMinimumSize().width() <= self.width():
                break
            part.setVisible(False)
            self.line.setVisible(not self.study.isHidden())
        if layout.totalMinimumSize().width() > self.width():
            layout.setSpacing(6)
        layout.activate()  # now, not after a painting with cut badges

    def _clear_badges(self) -> None:
        while self._badges.count():
            item = self._badges.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()

    def show_actor(self, actor: Actor | None) -> None:
        """Who is acting from now on."""
        self.acting.set_whole("acting as" if actor else "")
        self.person.set_whole(actor.name if actor else "Nobody is signed in")
        self.role.set_whole(actor.role if actor else "")
        self.disc.setToolTip(f"{actor.name}, {actor.role}" if actor else "")
        self.disc.text = words.initials(actor.name) if actor else ""
        self.disc.update()
        restate(self.person, state="" if actor else "wants")
        self._soon.start()
