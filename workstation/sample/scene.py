"""The whole body on one canvas, in the order in which its parts lie over each other."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from workstation.sample import body, bones, bowel, muscles, organs, vessels
from workstation.sample.curves import Doubles, table
from workstation.sample.space import Canvas, Grid, ellipsoid, paint, regular_grid

BEAD = (88.0, -112.5, 16.0)
"""Middle of the lead bead on the skin, on the patient's left, mm LPS."""
BEAD_RADIUS = 1.5


def paint_patient(canvas: Canvas) -> None:
    """Everything that belongs to the patient, and the bead on the skin."""
    paint_solid(canvas)
    vessels.paint_veins(canvas)
    vessels.paint_arteries(canvas)
    bowel.paint_small_bowel(canvas, list(loops()))
    paint_bead(canvas)


def paint_solid(canvas: Canvas) -> None:
    """All but vessels and small bowel."""
    body.paint_body(canvas)
    organs.paint_lungs(canvas)
    muscles.paint_muscles(canvas)
    bones.paint_canal(canvas)
    bones.paint_spine(canvas)
    bones.paint_ribs(canvas)
    bones.paint_pelvis(canvas)
    organs.paint_pelvic(canvas)
    bowel.paint_stomach(canvas)
    bowel.paint_colon(canvas)
    organs.paint_liver(canvas)
    organs.paint_spleen(canvas)
    organs.paint_kidneys(canvas)
    organs.paint_pancreas(canvas)


@lru_cache(maxsize=1)
def loops() -> tuple[Doubles, ...]:
    """The loops of small bowel: curves (n, 4) with the radius; the same for every grid."""
    # on a coarse canvas of its own, so that the loops lie the same way on every grid
    whole = regular_grid(3.0, 96, -150.0, 3.0, 90)
    canvas = Canvas(Grid(whole.x[4:-4], whole.y[6:64], whole.z))
    paint_solid(canvas)
    vessels.paint_great(canvas)
    block = canvas.everything()
    side = body.skin_depth(block)[1]
    wall = (
        canvas.depth - body.fat_thickness(block.z, side) - table(block.z, [(-160, 10), (-80, 14), (0, 21), (110, 16)])
    )
    return tuple(bowel.packed_loops(canvas, bowel.peritoneal_room(block, np.asarray(wall, np.float32))))


def paint_bead(canvas: Canvas) -> None:
    """The lead bead on the skin."""
    x, y, z = BEAD
    block = canvas.block((x - 5, y - 5, z - 5), (x + 5, y + 5, z + 5))
    if block is not None:
        paint(block, ellipsoid(block, BEAD, (BEAD_RADIUS,) * 3), 2600.0)
