"""*Segment*: what is told apart by a threshold now, how much of it there is, and plainly what is not there yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtWidgets import QCheckBox, QSlider, QWidget

from render.errors import RenderError
from render.view import Box, Segment, Surface, View
from workstation.base.errors import RenderDeskError
from workstation.window.icons import icon
from workstation.window.panels.parts import Card, Choice, Panel, Rows, Words, alive, button, field_row, sentence_row
from workstation.window.panels.scenery import (
    colour_button,
    eye_button,
    line_of,
    name_label,
    pick_colour,
    put_value,
    remove_button,
    run_later,
    share_slider,
)
from workstation.window.panels.tissues import band_words, title_of
from workstation.window.widgets import tool

if TYPE_CHECKING:
    from collections.abc import Callable

    from render.volume import Volume
    from workstation.desk.desk import Desk
    from workstation.desk.session import Session
    from workstation.window.actions import Actions
    from workstation.window.scenery import Scenery

_OVERLAYS = (("outline", "Outline"), ("fill", "Fill"), ("none", "Off"))


def voxel_volume_ml(volume: Volume, surface: Surface, crop: Box | None, stop: Callable[[], bool]) -> float | None:
    """Volume of the voxels in the surface's band, inside the box: counted, never from a smoothed mesh.

    Parameters
    ----------
    volume : voxels in their unit; a sheared grid counts right too (voxel volume is the determinant)
    surface : `low` and `high` in that unit
    crop : box in LPS millimetres, or None for the whole volume
    stop : asked once a slice

    Returns
    -------
    float or None
        Millilitres; None when stopped.
    """
    geometry = volume.geometry
    slices, rows, columns = geometry.shape
    count = 0
    grid = np.stack(np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij"), axis=-1).astype(np.float64)
    within = grid @ geometry.affine_lps[:3, 1:3].T + geometry.affine_lps[:3, 3]
    for k in range(slices):
        if stop():
            return None
        values = volume.voxels[k]
        mask = values >= surface.low
        if surface.high is not None:
            mask &= values <= surface.high
        if volume.padding is not None:
            mask &= (values < volume.padding[0]) | (values > volume.padding[1])
        if crop is not None and mask.any():
            lps = within + k * geometry.affine_lps[:3, 0]
            mask &= ((lps >= crop.low_lps_mm) & (lps <= crop.high_lps_mm)).all(axis=-1)
        count += int(np.count_nonzero(mask))
    return count * geometry.voxel_volume_mm3 / 1000.0


class SegmentPanel(Panel):
    """The third step."""

    step = "segment"
    title = "Segment"

    def __init__(self, desk: Desk, session: Session, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk, self._session, self._actions = desk, session, actions
        self._counted: tuple[Surface, Box | None, float] | None = None
        self._counting = False
        card = Card("Told apart by threshold")
        self._rows = Rows(4)
        card.add(self._rows)
        self.count = button("Count its volume", self._count)
        self.count.setObjectName("field_volume")
        card.add(self.count)
        self.choose = button("Choose a threshold", lambda: self.go_to.emit("view:tissue"), "link")
        card.add(self.choose)
        self.connected = QCheckBox("Only what hangs together with the crosshair")
        self.connected.setToolTip("Put the crosshair on the structure first")
        card.add(self.connected)
        self.keep = button("Keep as a segment", self._keep, "primary")
        self.keep.setToolTip("A segment has its own colour and can be shown, thinned or hidden in every view")
        card.add(self.keep)
        self.add(card)
        self._segments_card()
        missing = Card("Not in this version")
        missing.add(
            sentence_row(
                "",
                "Drawing, cutting and single organs at one click are not there yet.",
                "A threshold takes everything within its values; bone and a vessel filled with contrast can lie in "
                "the same band. What hangs together with the crosshair, or a region, tells them apart.",
            )
        )
        self.add(missing)
        self.finish()
        actions.view_changed.connect(self.refresh)
        self.refresh()

    def _segments_card(self) -> None:
        self.segments = Card("Segments")
        self._list = Rows(4)
        self._opacities: dict[int, QSlider] = {}
        self.segments.add(self._list)
        self.overlay = Choice(_OVERLAYS, self._draw_in_planes)
        self.segments.add(field_row("In the planes", self.overlay))
        self.rest = QCheckBox("3D shows the segments alone")
        self.rest.clicked.connect(self._hide_rest)
        self.segments.add(self.rest)
        self.segments.add(Words("A segment is a proposal until it is accepted; the pictures say so.", "quiet"))
        self.add(self.segments)

    def _scenery(self) -> Scenery | None:
        hand = self._actions.stagehand
        return None if hand is None else hand.scenery

    def _keep(self) -> None:
        surface, scenery = self._actions.surface(), self._scenery()
        if surface is None or scenery is None:
            return
        if self.connected.isChecked() and not self._crosshair_within(surface):
            self._actions.say("The crosshair stands beside this structure; put it on it first.", "wants")
            return
        count = 1 + sum(1 for s in scenery.view.segments if s.number)
        made = Segment(
            number=1,
            name=title_of(surface) or f"Segment {count}",
            low=surface.low,
            high=surface.high,
            inside=self._crop(),
            seed_lps_mm=self._actions.point() if self.connected.isChecked() else None,
            accepted=False,
        )
        try:
            scenery.add_segment(made)
        except RenderDeskError as error:
            self._actions.say(error.sentence, "refused")
            return
        if scenery.view.technique.value == "ssd":  # segments belong to the volume, not to a surface
            self._actions.run("technique.vr")
        self._actions.say(f"{made.name} is a segment now, proposed.", "done")
        self.refresh()

    def _crosshair_within(self, surface: Surface) -> bool:
        """Whether the voxel under the crosshair has a value of the surface's band."""
        hand = self._actions.stagehand
        value = None if hand is None else hand.scene.value_at(self._actions.point())
        return value is not None and value >= surface.low and (surface.high is None or value <= surface.high)

    def _draw_in_planes(self, value: object) -> None:
        scenery = self._scenery()
        if scenery is not None:
            for segment in scenery.view.segments:
                if segment.number:
                    scenery.change_segment(segment.number, overlay=value)

    def _hide_rest(self, hidden: bool) -> None:
        scenery = self._scenery()
        if scenery is not None:
            scenery.hide_rest(hidden)

    def _show_segments(self, view: View | None, scenery: Scenery | None) -> None:
        named = [s for s in view.segments if s.number] if view is not None else []
        self.segments.setVisible(bool(named))
        if scenery is None or not named:
            return
        if not self._list.stands(tuple((s.number, s.name, s.colour, s.visible, s.accepted) for s in named)):
            self._opacities = {}
            self._list.fill([self._row(s, scenery) for s in named])
        for one in named:
            put_value(self._opacities[one.number], round(100 * one.opacity))
        self.overlay.choose(named[0].overlay)
        self.rest.setChecked(scenery.rest_hidden)

    def _row(self, one: Segment, scenery: Scenery) -> QWidget:
        number = one.number

        def thin(value: int, done: bool) -> None:
            scenery.change_segment(number, opacity=max(value, 2) / 100, done=done)

        def paint() -> None:
            picked = pick_colour(self, one.colour)
            if picked:
                scenery.change_segment(number, colour=picked)

        slider = share_slider(f"Opacity of {one.name}", thin)
        self._opacities[number] = slider
        accept = tool(tip="Accepted" if one.accepted else "Accept this segment")
        accept.setIcon(icon("check-circle-fill" if one.accepted else "check-circle"))
        accept.setAccessibleName(accept.toolTip())
        accept.clicked.connect(lambda *_: run_later(lambda: scenery.change_segment(number, accepted=not one.accepted)))
        return line_of(
            eye_button(one.visible, one.name, lambda: scenery.change_segment(number, visible=not one.visible)),
            colour_button(one.colour, paint),
            name_label(one.name, False, lambda: None),
            slider,
            accept,
            remove_button(f"Remove {one.name}", lambda: scenery.remove_segment(number)),
        )

    def refresh(self, _pane: str = "") -> None:
        self._show_segments(self._actions.view("3d"), self._scenery())
        there = self._actions.surface() is not None
        self.keep.setVisible(there)
        self.connected.setVisible(there)
        surface, crop = self._actions.surface(), self._crop()
        if surface is None:
            self._rows.fill([Words("Nothing is told apart yet: no surface is shown in the 3D view.", "quiet")])
            self.count.hide()
            self.choose.setText("Choose a threshold")
            return
        self.choose.setText("Change the threshold")
        unit = self._session.volume.units
        name = title_of(surface) or "Everything above the threshold"
        parts: list[QWidget] = [Words(name, "strong"), Words(band_words(surface.low, surface.high, unit), "quiet")]
        where = "inside the region that is drawn" if crop else "in the whole volume"
        if self._counted is not None and self._counted[:2] == (surface, crop):
            parts.append(Words(f"{self._counted[2]:.1f} ml", "big"))
            parts.append(Words(f"Counted voxel by voxel, {where}. It is no measurement of an organ.", "quiet"))
        elif self._counting:
            parts.append(Words("Being counted ...", "quiet"))
        else:
            parts.append(Words(f"Volume {where}: not counted yet.", "quiet"))
        self._rows.fill(parts)
        self.count.setVisible(self._counted is None or self._counted[:2] != (surface, crop))
        self.count.setEnabled(not self._counting)

    def _crop(self) -> Box | None:
        view = self._actions.view("3d")
        return view.crop if view else None

    def _count(self) -> None:
        surface, crop, volume = self._actions.surface(), self._crop(), self._session.volume
        if surface is None or self._counting:
            return
        self._counting = True

        def work(_progress: Any, stop: Callable[[], bool]) -> float | None:
            return voxel_volume_ml(volume, surface, crop, stop)

        def done(millilitres: float | None) -> None:
            if alive(self):
                self._counting = False
                self._counted = None if millilitres is None else (surface, crop, millilitres)
                self.refresh()

        def failed(error: BaseException) -> None:
            if alive(self):
                self._counting = False
                self.refresh()
                if isinstance(error, RenderDeskError | RenderError):
                    self._actions.say(error.sentence, "refused")

        self._actions.job("Counting the volume", work, done, failed)
        self.refresh()
