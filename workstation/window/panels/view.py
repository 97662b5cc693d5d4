"""*View*: technique, look, window, slab, region and surface of the pictures, and the physician's part in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from render.errors import RenderError
from render.view import Box, Surface, Technique, View, Window
from workstation.base.errors import RenderDeskError
from workstation.window.panels.acts import ActsCard
from workstation.window.panels.parts import CONTROL, Card, Choice, Panel, Words, button, field_row, row, swatch
from workstation.window.panels.scenery import SceneCard
from workstation.window.panels.threshold import Threshold
from workstation.window.panels.tissues import TISSUES, band_words, name_of, title_of
from workstation.window.words import sided as sided_of

if TYPE_CHECKING:
    from workstation.desk.desk import Desk
    from workstation.desk.session import Session
    from workstation.window.actions import Actions
    from workstation.window.stagehand import Stagehand

PLANES = ("axial", "coronal", "sagittal")
_TECHNIQUES = ((Technique.VR, "Volume"), (Technique.MIP, "MIP"), (Technique.SSD, "Surface"))
_SLABS = (("off", "Single slices"), ("mip", "Brightest (MIP)"), ("mean", "Average"), ("minip", "Darkest (MinIP)"))
# (axis in LPS, whether the high end is cut, words): +x is the patient's left, +y the back, +z the head
_CUTS = (
    (0, False, "Right"),
    (0, True, "Left"),
    (1, False, "Front"),
    (1, True, "Back"),
    (2, True, "Head"),
    (2, False, "Feet"),
)
_NO_CUT_MM = 0.5


class ViewPanel(Panel):
    """The second step."""

    step = "view"
    title = "View"

    def __init__(self, desk: Desk, session: Session, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk, self._session, self._actions = desk, session, actions
        self._filling = False
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(180)
        self.technique = Choice([(t.value, words) for t, words in _TECHNIQUES], self._pick_technique)
        self.looks = QListWidget()
        self.surface_part = QWidget()
        self._picture_card()
        self.scene = SceneCard(session, actions)
        self.add(self.scene)
        self._region_card()
        self._plane_card()
        self.acts = ActsCard(desk, session)
        self.add(self.acts)
        self.finish()
        actions.view_changed.connect(self.view_changed)
        self.refresh()

    # --- making the cards -------------------------------------------------------------------------------------

    def _picture_card(self) -> None:
        card = Card("3D picture")
        card.add(self.technique)
        self._fill_looks()
        card.add(self.looks)
        self._surface_controls()
        card.add(self.surface_part)
        self.tissue_words = Words("", "quiet")
        card.add(self.tissue_words)
        self.confirm_tissues = button("Confirm what is shown", self._confirm_tissues)
        self.confirm_tissues.setObjectName("field_tissues")
        card.add(self.confirm_tissues)
        self.add(card)

    def _fill_looks(self) -> None:
        from render import presets

        self.looks.setObjectName("Looks")
        self.looks.setIconSize(QSize(48, 12))
        self.looks.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.looks.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        modality = self._session.volume.modality
        for name in presets.names():
            preset = presets.get(name)
            if preset.modality and modality not in preset.modality:
                continue
            item = QListWidgetItem(preset.title)
            item.setData(Qt.ItemDataRole.UserRole, name)
            item.setSizeHint(QSize(0, CONTROL))
            self.looks.addItem(item)
        self._drawn = 0
        self.looks.setFixedHeight(min(max(self.looks.count(), 1), 7) * CONTROL + 4)
        self.looks.itemClicked.connect(self._pick_look)
        self.looks.itemActivated.connect(self._pick_look)
        QTimer.singleShot(0, self, self._draw_swatches)

    def _draw_swatches(self) -> None:
        """Paint one look's ramp after another, so that the panel stands at once."""
        from render import presets

        if self._drawn >= self.looks.count():
            return
        item = self.looks.item(self._drawn)
        self._drawn += 1
        try:
            look, _ = presets.resolve(item.data(Qt.ItemDataRole.UserRole), self._session.display)
        except RenderError:
            look = None
        if look is not None:
            drawn = swatch(tuple(colour for _, colour in look.colour), self.devicePixelRatioF())
            icon = QIcon(drawn)
            icon.addPixmap(drawn, QIcon.Mode.Selected)  # the ramp keeps its colours in the chosen row
            item.setIcon(icon)
        QTimer.singleShot(0, self, self._draw_swatches)

    def _plane_card(self) -> None:
        from render import presets

        card = Card("Slices")
        self.windows = QComboBox()
        self.windows.setObjectName("field_window")
        self.windows.setMinimumHeight(CONTROL)
        self._window_list: list[Window] = []
        # a magnetic resonance study has no fixed windows: they come from its own values
        found = presets.window_presets(self._session.volume.modality, self._session.display)
        for place, (title, window) in enumerate(found):
            self._window_list.append(window)
            key = str(place + 1) if place < 9 else ""
            self.windows.addItem(f"{title}   {key}".rstrip())
        self.windows.addItem("The file's own   0")
        self.windows.addItem("Own values")
        self.windows.activated.connect(self._pick_window)
        self.center = _spin(-5000, 60000)
        self.width_ = _spin(1, 60000)
        for spin in (self.center, self.width_):
            spin.editingFinished.connect(self._own_window)
        card.add(field_row("Window", self.windows))
        card.add(_equal(field_row("Centre", self.center), field_row("Width", self.width_)))
        self.slab = QComboBox()
        self.slab.setObjectName("field_slab")
        self.slab.setMinimumHeight(CONTROL)
        for mode, words in _SLABS:
            self.slab.addItem(words, mode)
        self.slab.activated.connect(lambda _i: self._actions.run(f"slab.{self.slab.currentData()}"))
        self.slab_mm = QDoubleSpinBox()
        self.slab_mm.setRange(0.5, 200)
        self.slab_mm.setDecimals(1)
        self.slab_mm.setSuffix(" mm")
        self.slab_mm.setMinimumHeight(CONTROL)
        self.slab_mm.lineEdit().setTextMargins(4, 0, 0, 0)
        self.slab_mm.editingFinished.connect(self._thicker)
        card.add(_equal(field_row("Slab", self.slab), field_row("Thickness", self.slab_mm)))
        self.add(card)

    def _region_card(self) -> None:
        card = Card("Region")
        card.add(Words("Cut away, measured from the edge of the volume.", "quiet"))
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        low, high = self._session.display.geometry.bounds_lps_mm
        self.cuts: list[QSpinBox] = []
        sided = sided_of(self._session.volume)
        for place, (axis, up, side) in enumerate(_CUTS):
            words = side if sided else f"{'xyz'[axis]} {'high' if up else 'low'}"
            spin = _spin(0, max(int(high[axis] - low[axis]) - 1, 0), " mm")
            spin.setAccessibleName(f"Cut away, {words.lower()}")
            spin.valueChanged.connect(self._cut)
            self.cuts.append(spin)
            label = QLabel(words)
            label.setProperty("role", "quiet")
            grid.addWidget(label, place // 2, place % 2 * 2)
            grid.addWidget(spin, place // 2, place % 2 * 2 + 1)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)
        card.add(grid)
        draw = button("Draw in a plane", lambda: self._actions.run("tool.crop"), "link")
        self.whole = button("Whole volume", lambda: self._actions.run("uncrop"), "link")
        card.add(row(draw, 12, self.whole, 0))
        self.confirm_region = button("Confirm this region", self._confirm_region)
        self.confirm_region.setObjectName("field_region")
        card.add(self.confirm_region)
        self.region_words = Words("", "quiet")
        card.add(self.region_words)
        self.add(card)
        self._later.timeout.connect(self._apply_cut)

    def _surface_controls(self) -> None:
        hounsfield = self._session.volume.units == "HU"
        column = QVBoxLayout(self.surface_part)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        self.tissue = QComboBox()
        self.tissue.setObjectName("field_tissue")
        self.tissue.setMinimumHeight(CONTROL)
        self.tissue.addItem("Own threshold", None)
        for tissue in TISSUES if hounsfield else ():
            self.tissue.addItem(tissue.title, tissue)
        self.tissue.activated.connect(self._pick_tissue)
        voxels = self._session.display.voxels
        top = float(voxels[:: max(voxels.shape[0] // 16, 1), ::8, ::8].max())
        unit = self._session.volume.units
        shown_unit = "" if unit == "arbitrary" else unit
        start = 226.0 if hounsfield else top / 2
        self.threshold = Threshold(-1024 if hounsfield else 0, min(top, 3000) if hounsfield else top, start, shown_unit)
        self.threshold.moved.connect(lambda value, done: self._put_surface(value, None, "", done=done))
        if hounsfield:
            column.addWidget(field_row("Tissue", self.tissue))
        else:
            column.addWidget(Words("There are no ready tissues for these values; set the threshold by eye.", "quiet"))
        column.addWidget(self.threshold)

    # --- what the person does ---------------------------------------------------------------------------------

    def _pick_technique(self, value: object) -> None:
        self._actions.run(f"technique.{value}")
        self.view_changed()

    def _pick_look(self, item: QListWidgetItem) -> None:
        self._actions.run(f"preset.{item.data(Qt.ItemDataRole.UserRole)}")
        self.view_changed()

    def _pick_window(self, place: int) -> None:
        if place < len(self._window_list):
            self._put_window(self._window_list[place])
        elif place == len(self._window_list) and self._on_planes() is not None:
            self._actions.run("window.0")
            self.view_changed()

    def _own_window(self) -> None:
        window = Window(center=float(self.center.value()), width=float(self.width_.value()))
        view = self._actions.view("axial")
        now = view.window if view else None
        if now is None or round(now.center) != window.center or round(now.width) != window.width:
            self._put_window(window)

    def _put_window(self, window: Window) -> None:
        hand = self._on_planes()
        if hand is not None:
            hand.set_window(window)
            self.view_changed()

    def _on_planes(self) -> Stagehand | None:
        """Who holds the panes, with a plane in hand: these values are the slices', not the 3D projection's."""
        hand = self._actions.stagehand
        if hand is not None and hand.active not in PLANES:
            hand.activate("axial")
        return hand

    def _thicker(self) -> None:
        view = self._actions.view("axial")
        if view is not None and view.slab is not None and view.slab.thickness_mm != self.slab_mm.value():
            self._actions.run("slab_mm", self.slab_mm.value())

    def _cut(self, _value: int) -> None:
        if not self._filling:
            self._later.start()

    def box(self) -> Box | None:
        """The box that the six numbers give; None when nothing is cut away."""
        low, high = (list(c) for c in self._session.display.geometry.bounds_lps_mm)
        if not any(spin.value() for spin in self.cuts):
            return None
        for (axis, at_high, _), spin in zip(_CUTS, self.cuts, strict=True):
            if at_high:
                high[axis] -= spin.value()
            else:
                low[axis] += spin.value()
        if any(a >= b for a, b in zip(low, high, strict=True)):
            return None
        return Box(low_lps_mm=(low[0], low[1], low[2]), high_lps_mm=(high[0], high[1], high[2]))

    def _apply_cut(self) -> None:
        view = self._actions.view("3d")
        box = self.box()
        if view is not None and view.crop != box:
            self._actions.show(view.replace(crop=box), "3d", "crop")

    def _confirm_region(self) -> None:
        view = self._actions.view("3d")
        if view is None or view.crop is None:
            return
        self._try(lambda: self._session.set_region("confirmed", self._region_said(view.crop), view.crop))

    def _confirm_tissues(self) -> None:
        view = self._actions.view("3d")
        if view is not None and self._tissues(view):
            look = view.look.name if view.look else ""
            self._try(lambda: self._session.set_tissues("confirmed", self._tissues(view), look))

    def _try(self, act: Callable[[], None]) -> None:
        try:
            act()
        except RenderDeskError as error:
            self._actions.say(error.sentence, "refused")
        self.acts.refresh()

    def _pick_tissue(self, _place: int) -> None:
        tissue = self.tissue.currentData()
        if tissue is not None:
            self._put_surface(tissue.low, tissue.high, tissue.title)

    def _put_surface(self, low: float, high: float | None, name: str, *, done: bool = True) -> None:
        before = self._actions.surface() or Surface(low=low)
        after = msgspec.structs.replace(before, low=low, high=high, name=name)
        self._actions.set_surface(after, done)
        self.view_changed()

    # --- showing ----------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        self.acts.refresh()
        self.view_changed()

    def view_changed(self, _pane: str = "") -> None:
        """Show the values of the panes as they are now."""
        view = self._actions.view("3d")
        self._filling = True
        self.technique.choose(view.technique.value if view else None)
        self._show_look(view)
        self._show_planes()
        self._show_region(view)
        self._show_surface(view)
        if view is not None:
            self.scene.show_view(view)
        self._filling = False

    def _show_look(self, view: View | None) -> None:
        name = view.look.name if view and view.look else ""
        for place in range(self.looks.count()):
            item = self.looks.item(place)
            if item.data(Qt.ItemDataRole.UserRole) == name and self.looks.currentItem() is not item:
                self.looks.setCurrentItem(item)
        if not name:
            self.looks.setCurrentRow(-1)
        said = self._tissues(view) if view else []
        may = self._desk.may("render")
        self.confirm_tissues.setEnabled(bool(said) and may)
        self.confirm_tissues.setToolTip(self._desk.why_not("render"))
        self.tissue_words.say(f"Shown: {'; '.join(said)}." if said else "")
        self.tissue_words.setVisible(bool(said))

    def _show_planes(self) -> None:
        view = self._actions.view("axial")
        window = view.window if view else None
        if window is not None:
            same = [w.center == window.center and w.width == window.width for w in self._window_list]
            self.windows.setCurrentIndex(same.index(True) if True in same else self.windows.count() - 1)
            if not self.center.hasFocus():
                self.center.setValue(round(window.center))
            if not self.width_.hasFocus():
                self.width_.setValue(round(window.width))
        slab = view.slab if view else None
        self.slab.setCurrentIndex(max(self.slab.findData(slab.mode if slab else "off"), 0))
        self.slab_mm.setEnabled(slab is not None)
        hand = self._actions.stagehand
        coming = hand.scene.slab_mm if hand is not None else self.slab_mm.value()  # that a slab would have
        if not self.slab_mm.hasFocus():
            self.slab_mm.setValue(slab.thickness_mm if slab is not None else coming)

    def _show_region(self, view: View | None) -> None:
        crop = view.crop if view else None
        if not self._later.isActive():
            low, high = self._session.display.geometry.bounds_lps_mm
            for (axis, at_high, _), spin in zip(_CUTS, self.cuts, strict=True):
                cut = 0.0
                if crop is not None:
                    cut = high[axis] - crop.high_lps_mm[axis] if at_high else crop.low_lps_mm[axis] - low[axis]
                if abs(spin.value() - cut) > _NO_CUT_MM:
                    spin.setValue(max(round(cut), 0))
        self.whole.setEnabled(crop is not None)
        self.confirm_region.setEnabled(crop is not None and self._desk.may("render"))
        self.confirm_region.setToolTip(self._desk.why_not("render"))
        self.region_words.say(
            f"Shown: {self._region_said(crop)}."
            if crop
            else "The whole volume is shown; a region has to be drawn first."
        )

    def _show_surface(self, view: View | None) -> None:
        technique = view.technique if view else None
        self.looks.setVisible(technique == Technique.VR and self.looks.count() > 0)
        self.surface_part.setVisible(technique == Technique.SSD)
        surface = self._actions.surface()
        self.surface_part.setVisible(technique == Technique.SSD or surface is not None)
        if surface is None:
            return
        self.threshold.put(surface.low)
        title = name_of(surface.low, surface.high)
        self.tissue.setCurrentIndex(max(self.tissue.findText(title), 0) if title else 0)

    def focus_field(self, field: str) -> None:
        """The tissue's field stands only beside a surface, so that comes first."""
        if field == "tissue" and not self.surface_part.isVisible():
            self._actions.run("technique.ssd")
            self.view_changed()
        super().focus_field(field)

    def _tissues(self, view: View) -> list[str]:
        from render import presets

        if view.technique == Technique.MIP:
            return ["the brightest values along each ray"]
        if view.technique == Technique.SSD:
            return [_surface_said(s, self._session.volume.units) for s in view.surfaces if s.visible]
        if view.look is None or not view.look.name:
            return []
        try:
            return [presets.get(view.look.name).title]
        except RenderError:
            return [view.look.name]

    def _region_said(self, box: Box | None) -> str:
        if box is None:
            return ""
        size = [b - a for a, b in zip(box.low_lps_mm, box.high_lps_mm, strict=True)]
        return f"a box of {size[0]:.0f} by {size[1]:.0f} by {size[2]:.0f} mm"


def _surface_said(surface: Surface, unit: str) -> str:
    name = title_of(surface)
    words = band_words(surface.low, surface.high, unit)
    return f"{name}, {words}" if name else words


def _spin(low: int, high: int, suffix: str = "") -> QSpinBox:
    made = QSpinBox()
    made.setRange(low, high)
    made.setSuffix(suffix)
    made.setMinimumHeight(CONTROL)
    made.setMinimumWidth(64)
    made.setKeyboardTracking(False)
    made.lineEdit().setTextMargins(4, 0, 0, 0)
    return made


def _equal(left: QWidget, right: QWidget) -> QWidget:
    made = QWidget()
    line = row(left, right)
    for part in (left, right):
        line.setStretchFactor(part, 1)
        line.setAlignment(part, Qt.AlignmentFlag.AlignTop)
    made.setLayout(line)
    return made
