"""*Charges*: the worklist, the department's figures, the payers' records and the site, as pages behind one tab."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QPushButton, QStackedWidget, QVBoxLayout, QWidget

from workstation.window.charges_view import ChargesView
from workstation.window.figures_view import FiguresView
from workstation.window.panels.parts import button, row
from workstation.window.payers_view import PayersView
from workstation.window.site_view import SiteView

if TYPE_CHECKING:
    from workstation.desk.desk import Desk
    from workstation.window.actions import Actions

_PAGES = (("worklist", "Worklist"), ("figures", "Figures"), ("payers", "Payers"), ("site", "Site"))


class ChargesPage(QWidget):
    """Four pages; the worklist is there at once, the others are made when they are first wanted."""

    open_case = Signal(str)
    open_at = Signal(str, str)

    def __init__(self, desk: Desk, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk, self._actions = desk, actions
        self.tabs: dict[str, QPushButton] = {}
        bar = row(spacing=4)
        bar.setContentsMargins(12, 8, 16, 0)
        for number, (name, title) in enumerate(_PAGES, 1):
            tab = button(title, partial(self.show_page, name), "plain", f"{title}  [Alt+{number}]")
            tab.setCheckable(True)
            self.tabs[name] = tab
            bar.addWidget(tab)
            short = QShortcut(QKeySequence(f"Alt+{number}"), self)
            short.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            short.activated.connect(partial(self.show_page, name))
        bar.addStretch(1)
        self.stack = QStackedWidget()
        self.worklist = ChargesView(desk, actions)
        self.worklist.open_case.connect(self.open_case)
        self.worklist.open_at.connect(self.open_at)
        self.pages: dict[str, QWidget] = {"worklist": self.worklist}
        self.stack.addWidget(self.worklist)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(bar)
        column.addWidget(self.stack, 1)
        self.show_page("worklist", fresh=False)

    def show_page(self, name: str, *, fresh: bool = True) -> None:
        """Show one of the pages, counted and decided anew."""
        if name not in self.pages:
            kinds: dict[str, Callable[[Desk, Actions], QWidget]] = {
                "figures": FiguresView,
                "payers": PayersView,
                "site": SiteView,
            }
            made = kinds[name](self._desk, self._actions)
            self.pages[name] = made
            self.stack.addWidget(made)
        for own, tab in self.tabs.items():
            tab.setChecked(own == name)
        self.stack.setCurrentWidget(self.pages[name])
        if fresh and name == "worklist":
            self.worklist.refresh()
        self.pages[name].setFocus()

    def refresh(self) -> None:
        """Show what is in front anew."""
        refresh = getattr(self.stack.currentWidget(), "refresh", None)
        if refresh is not None:
            refresh()
