"""*Segment*: what is told apart by a threshold now, how much of it there is, and plainly what is not there yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtWidgets import QWidget

from render.errors import RenderError
from render.view import Box, Surface
from workstation.base.errors import RenderDeskError
from workstation.window.panels.parts import Card, Panel, Rows, Words, alive, button, sentence_row
from workstation.window.panels.tissues import band_words, title_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from render.volume import Volume
    from workstation.desk.desk import Desk
    from workstation.desk.session import Session
    from workstation.window.actions import Actions


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
        self.add(card)
        missing = Card("Not in this version")
        missing.add(
            sentence_row(
                "",
                "Growing from a point, drawing, cutting and naming of single organs are not there yet.",
                "What you see is everything within the values above, in the region; bone and a vessel filled with "
                "contrast can lie in the same band. For a picture without the table or ribs, draw a region.",
            )
        )
        self.add(missing)
        self.finish()
        actions.view_changed.connect(self.refresh)
        self.refresh()

    def refresh(self, _pane: str = "") -> None:
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
