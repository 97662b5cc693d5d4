"""Where the panes stand: named layouts, one pane maximised and restored; each pane keeps what it shows."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from workstation.window.viewport import Pane
from workstation.window.widgets import named

# layout -> pane -> (row, column, rows, columns); panes that are not named are hidden
LAYOUTS: dict[str, dict[str, tuple[int, int, int, int]]] = {
    "four": {"axial": (0, 0, 3, 3), "3d": (0, 3, 3, 3), "coronal": (3, 0, 3, 3), "sagittal": (3, 3, 3, 3)},
    "3d": {"3d": (0, 0, 6, 4), "axial": (0, 4, 2, 2), "coronal": (2, 4, 2, 2), "sagittal": (4, 4, 2, 2)},
    "axial": {"axial": (0, 0, 6, 4), "3d": (0, 4, 2, 2), "coronal": (2, 4, 2, 2), "sagittal": (4, 4, 2, 2)},
    "mpr": {"axial": (0, 0, 6, 2), "coronal": (0, 2, 6, 2), "sagittal": (0, 4, 6, 2)},
}
TITLES = {"four": "Four Up", "3d": "3D Primary", "axial": "Axial Primary", "mpr": "MPR 1 x 3", "one": "One"}


class FourUp(QWidget):
    """The grid of panes. Signal `arranged(str layout)`."""

    arranged = Signal(str)

    def __init__(self, panes: dict[str, Pane]) -> None:
        super().__init__()
        named(self, "Panes")
        self.panes = panes
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(2)
        for k in range(6):
            self._grid.setRowStretch(k, 1)
            self._grid.setColumnStretch(k, 1)
            self._grid.setRowMinimumHeight(k, 0)
        self.layout_name = ""
        self.maximised = ""
        self.arrange("four")

    def arrange(self, name: str, alone: str = "") -> None:
        """Stand the panes as the layout says; "one" shows `alone`."""
        self.layout_name = name
        self.maximised = alone if name == "one" else ""
        self._stand({alone: (0, 0, 6, 6)} if name == "one" else LAYOUTS[name])
        self.arranged.emit(name)

    def maximise(self, pane: str) -> None:
        """Show one pane alone; again: as before."""
        if self.maximised:
            self.maximised = ""
            if self.layout_name == "one":
                self.layout_name = "four"
            self._stand(LAYOUTS[self.layout_name])
        else:
            self.maximised = pane
            self._stand({pane: (0, 0, 6, 6)})
        self.arranged.emit(self.layout_name)

    def shown(self) -> tuple[str, ...]:
        """Names of the panes that can be seen, in reading order."""
        if self.maximised:
            return (self.maximised,)
        return tuple(sorted(LAYOUTS[self.layout_name], key=lambda name: LAYOUTS[self.layout_name][name][:2]))

    def _stand(self, places: dict[str, tuple[int, int, int, int]]) -> None:
        self.setUpdatesEnabled(False)  # one paint for the whole change
        for name, pane in self.panes.items():
            self._grid.removeWidget(pane)
            if name in places:
                self._grid.addWidget(pane, *places[name])
            pane.setVisible(name in places)
        self.setUpdatesEnabled(True)
