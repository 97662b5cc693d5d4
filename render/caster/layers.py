"""Everything of a scene that is no volume: surfaces and planes of the patient, as layers of every pixel by depth."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from render import camera as cameras
from render import tones
from render.caster import portions, sheets, triangles
from render.tones import rgb_of

if TYPE_CHECKING:
    from render.mesh import Mesh
    from render.view import Camera, ScenePlane
    from render.volume import Volume

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Stop = Callable[[], bool]

_MATERIAL = np.array([0.16, 0.84, 0.18, 24.0])
_HARDLY = 0.02  # of the light that goes through so many walls nothing is to be seen any more
_WALLS = 8
_EDGE_POINTS = 1.5
_AT_ONCE = 50_000  # points or triangles
STRIP = 16  # rows of a picture that are drawn at once


def walls(cover: float, *, quick: bool = False) -> int:
    """How many walls of a surface of this opacity are to be drawn: one when it is opaque, at most eight."""
    if cover >= 0.999:
        return 1
    most = 2 if quick else _WALLS
    return max(2, min(most, math.ceil(math.log(_HARDLY) / math.log(1 - max(cover, 1e-3)))))


@dataclass(frozen=True, eq=False)
class Drawn:
    """A mesh before one eye: what every band of the picture needs of it.

    `points` in pixels with the depth in mm, float32; `cuts` half-spaces of the picture (see `triangles.nearest`).
    """

    points: F32
    triangles: npt.NDArray[np.int32]
    normals: F32
    kept: npt.NDArray[np.uint8]
    cuts: F64
    colour: F64
    cover: float
    count: int
    turned_away: bool
    size: tuple[int, int]
    parallel: bool
    cancelled: Stop | None = None

    @property
    def is_solid(self) -> bool:
        """Whether nothing is to be seen through it."""
        return self.count == 1

    @cached_property
    def strips(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """Numbers of the triangles that may be seen in each strip of `STRIP` rows, and where each strip's begin."""
        width, height = self.size
        count = len(self.triangles)
        strips, parts = -(-height // STRIP), -(-count // _AT_ONCE)
        within = np.empty((count, 2), dtype=np.uint16)
        many = np.zeros((parts, strips), dtype=np.int32)
        portions.run(
            lambda begin, end: triangles.strips(
                self.points, self.triangles, self.kept, not self.parallel, self.turned_away, height, width, STRIP,
                begin, end, within, many[begin // _AT_ONCE],
            ),
            count, _AT_ONCE, self.cancelled, told=False,
        )  # fmt: skip
        ends = many.T.cumsum(dtype=np.int64).reshape(strips, parts)
        places = np.ascontiguousarray((ends - many.T).T)
        begins = np.concatenate([[0], ends[:, -1]]) if parts else np.zeros(strips + 1, dtype=np.int64)
        order = np.empty(int(begins[-1]), dtype=np.int32)
        portions.run(
            lambda begin, end: triangles.listed(within, begin, end, places[begin // _AT_ONCE], order),
            count, _AT_ONCE, self.cancelled, told=False,
        )  # fmt: skip
        return order, begins


def before(
    mesh: Mesh,
    camera: Camera,
    size: tuple[int, int],
    colour: tuple[float, float, float],
    cover: float,
    cuts_lps: F64,
    *,
    quick: bool = False,
    cancelled: Stop | None = None,
) -> Drawn:
    """A mesh as an eye sees it.

    Parameters
    ----------
    cuts_lps : (n, 4) half-spaces of the patient that are kept, ``a . lps + d >= 0``
    """
    p = mesh.points_lps_mm
    points = np.empty((len(p), 3), dtype=np.float32)
    eye, axes = np.array(camera.position_lps_mm, dtype=np.float64), cameras.axes(camera)
    angle = 2 * math.tan(math.radians(camera.angle_deg) / 2)
    scale = size[1] / (camera.height_mm if camera.parallel else angle)
    middle = np.array([(size[0] - 1) / 2, (size[1] - 1) / 2])
    portions.run(
        lambda first, end: triangles.project(
            p, eye, *axes, scale, middle, not camera.parallel, first, end, points
        ),
        len(p), _AT_ONCE, cancelled, told=False,
    )  # fmt: skip
    kept = np.ones(len(p), dtype=np.uint8)
    for row in cuts_lps:
        kept &= (p @ row[:3] + row[3] >= 0).astype(np.uint8)
    normals = mesh.normals if mesh.normals is not None else vertex_normals(mesh)
    count = walls(cover, quick=quick)
    seen = picture_cuts(camera, size, cuts_lps)
    # from outside, the nearest wall of what is closed and not cut open shows its outer side
    turned_away = count > 1 or len(cuts_lps) > 0 or not (mesh.whole and _outside(mesh, eye, axes[2], camera))
    return Drawn(
        points, mesh.triangles, normals, kept, seen, np.array(colour), cover, count, turned_away, size,
        camera.parallel, cancelled,
    )  # fmt: skip


def _outside(mesh: Mesh, eye: F64, forward: F64, camera: Camera) -> bool:
    """Whether an eye stands outside of the box around a mesh (parallel: before all of it)."""
    low, high = (np.array(corner) for corner in mesh.bounds_lps_mm)
    if camera.parallel:
        return float(np.where(forward > 0, low - eye, high - eye) @ forward) > 0
    return bool(((eye < low) | (eye > high)).any())


def picture_cuts(camera: Camera, size: tuple[int, int], cuts_lps: F64) -> F64:
    """Half-spaces of the patient in a picture's own coordinates (see `triangles.nearest`)."""
    right, down, forward = cameras.axes(camera)
    eye = np.array(camera.position_lps_mm)
    half_x, half_y = (size[0] - 1) / 2, (size[1] - 1) / 2
    out = np.empty((len(cuts_lps), 4))
    for n, row in enumerate(cuts_lps):
        a, b, c = float(row[:3] @ right), float(row[:3] @ down), float(row[:3] @ forward)
        there = float(row[:3] @ eye) + float(row[3])
        if camera.parallel:
            mm = camera.height_mm / size[1]
            out[n] = a * mm, b * mm, c, there - (a * half_x + b * half_y) * mm
        else:
            mm = 2 * math.tan(math.radians(camera.angle_deg) / 2) / size[1]
            out[n] = a * mm, b * mm, c - (a * half_x + b * half_y) * mm, there
    return out


def draw(
    meshes: Sequence[Drawn],
    camera: Camera,
    size: tuple[int, int],
    rows: tuple[int, int],
    room: int = 0,
    cancelled: Stop | None = None,
) -> tuple[F32, F32]:
    """Rows of meshes, each in its own layers, the walls of each nearest first; what a solid one hides is left out.

    Parameters
    ----------
    rows : the first is a multiple of `STRIP`
    room : layers kept free behind those of the meshes

    Returns
    -------
    way along each pixel's ray in mm, (rows, width, layers), 1e30 where there is nothing; premultiplied colour and
    opacity, (rows, width, layers, 4)
    """
    width, height = size
    first, last = rows
    tall = last - first
    depth = np.full((tall, width, sum(m.count for m in meshes) + room), triangles.NOTHING, dtype=np.float32)
    owner = np.full(depth.shape, -1, dtype=np.int32)
    solid = np.full((tall, width), triangles.NOTHING, dtype=np.float32)
    filled = np.zeros((len(meshes), tall, width), dtype=np.uint8)
    out = np.zeros((*depth.shape, 4), dtype=np.float32)
    begins = np.concatenate([[0], np.cumsum([m.count for m in meshes])]).astype(int)
    right, down, forward = cameras.axes(camera)
    scale = 2 * math.tan(math.radians(camera.angle_deg) / 2) / height
    perspective = not camera.parallel
    lists = [m.strips for m in meshes]
    # what hides comes first, so that what is hidden need not be kept
    in_turn = sorted(range(len(meshes)), key=lambda n: not meshes[n].is_solid)

    def part(begin: int, end: int) -> None:
        for strip in range(begin, end):
            top, bottom = strip * STRIP, min(tall, (strip + 1) * STRIP)
            for n in in_turn:
                mesh, (order, starts) = meshes[n], lists[n]
                number = first // STRIP + strip
                own = order[starts[number] : starts[number + 1]]
                triangles.nearest(
                    mesh.points, mesh.triangles, mesh.kept, own, mesh.cuts, perspective, first, top, bottom,
                    begins[n], begins[n + 1], mesh.is_solid, solid, filled[n], depth, owner,
                )  # fmt: skip
            for n, mesh in enumerate(meshes):
                triangles.shade(
                    mesh.points, mesh.triangles, mesh.normals, perspective, right, down, forward, scale, mesh.colour,
                    mesh.cover, _MATERIAL, (height - 1) / 2, first, top, bottom, begins[n], begins[n + 1], depth,
                    owner, out,
                )  # fmt: skip

    portions.run(part, -(-tall // STRIP), 1, cancelled)
    return depth, out


def draw_plane(
    volume: Volume,
    plane: ScenePlane,
    others: tuple[ScenePlane, ...],
    eye: tuple[F64, F64, F64, F64],
    *,
    parallel: bool,
    rows: int,
    width: int,
    scale: float,
    inverted: bool,
    lines: bool,
    into: tuple[F32, F32, int],
    cancelled: Stop | None = None,
) -> None:
    """A plane of the patient where the rays of a picture's rows pass it.

    Parameters
    ----------
    volume : on a regular grid
    eye : (origin, across, along, ahead) of the rows' rays in index space (see `rays.cast_tiles`)
    scale : device pixels per point, for the edge
    into : what `draw` returns, and the number of the layer that the plane becomes
    """
    way = np.full((rows, width), triangles.NOTHING, dtype=np.float32)
    values = np.full((rows, width), np.nan, dtype=np.float32)
    edge = np.zeros((rows, width), dtype=np.float32)
    inside = np.zeros((rows, width), dtype=np.float32)
    whose = np.zeros((rows, width), dtype=np.uint8)
    mine = sheets.plane_of(volume.geometry, plane.point_lps_mm, plane.normal_lps)
    crossing = [sheets.plane_of(volume.geometry, o.point_lps_mm, o.normal_lps) for o in others] if lines else []
    beside = np.array(crossing, dtype=np.float64).reshape(-1, 4)
    faces, slopes = sheets.faces_of(volume.geometry, plane.normal_lps)
    bent = np.array([sheets.across(plane.normal_lps, o.normal_lps) for o in others] if lines else [], dtype=np.float64)

    def part(top: int, end: int) -> None:
        sheets.cross(
            volume.voxels, mine, beside, bent, faces, slopes, *eye, not parallel, _EDGE_POINTS * scale, top, end,
            way, values, edge, whose, inside,
        )  # fmt: skip

    portions.run(part, rows, max(4, rows // 32), cancelled)
    grey = tones.grey(values, plane.window, inverted=inverted)
    outlines = [p.outline for p in (plane, *others)]
    drawn = np.array([bool(o) for o in outlines], dtype=np.float32)
    colours = np.array([rgb_of(o or "000000") for o in outlines], dtype=np.float32)
    ramp = max(plane.window.width * 0.1, 1e-3)
    clear_below = -math.inf if plane.clear_below is None else plane.clear_below
    depth, out, layer = into
    portions.run(
        lambda top, end: sheets.paint(
            grey, values, edge, inside, whose, drawn, colours, plane.opacity, clear_below, ramp, way, layer, top, end,
            depth, out,
        ),
        rows, max(4, rows // 32), cancelled,
    )  # fmt: skip


def sort(depth: F32, colour: F32) -> tuple[F32, F32]:
    """Layers of every pixel nearest first, in place; and without those that no pixel needs."""
    if depth.shape[2] > 1:
        portions.run(
            lambda first, end: triangles.sort_layers(first, end, depth, colour), len(depth), max(1, len(depth) // 16)
        )
    # what stands in no pixel need not be looked at in any
    used = max(1, triangles.deepest(depth))
    if used == depth.shape[2]:
        return depth, colour
    return np.ascontiguousarray(depth[:, :, :used]), np.ascontiguousarray(colour[:, :, :used])


def joined(depth: F32, colour: F32) -> tuple[F32, F32]:
    """Sorted layers of 2 x 2 pixels as those of one, with one more where an edge needs it (see `triangles.joined`)."""
    tall, width, layers = depth.shape[0] // 2, depth.shape[1] // 2, depth.shape[2] + 1
    into = np.empty((tall, width, layers), dtype=np.float32), np.empty((tall, width, layers, 4), dtype=np.float32)
    portions.run(lambda first, end: triangles.joined(first, end, depth, colour, *into), tall, max(1, tall // 16))
    return into


def lighter(mesh: Mesh, edge_mm: float) -> Mesh:
    """The same surface with one point per cell of this edge: for the moving hand."""
    low, high = (np.array(corner, dtype=np.float64) for corner in mesh.bounds_lps_mm)
    normals = mesh.normals if mesh.normals is not None else vertex_normals(mesh)
    whose = np.full(tuple(int(n) for n in (high - low) / edge_mm + 1), -1, dtype=np.int32)
    points, turned, left = np.empty_like(mesh.points_lps_mm), np.empty_like(normals), np.empty_like(mesh.triangles)
    count, many = triangles.clustered(
        mesh.points_lps_mm, normals, mesh.triangles, low, 1 / edge_mm, whose, points, turned, left
    )
    return replace(
        mesh, points_lps_mm=points[:count].copy(), triangles=left[:many].copy(), normals=turned[:count].copy()
    )


def vertex_normals(mesh: Mesh) -> F32:
    """Normals of the points: mean of their triangles', weighted by area; (N, 3) unit float32."""
    c = mesh.corners_mm
    faces = np.cross(c[:, 1] - c[:, 0], c[:, 2] - c[:, 0])
    sums = np.zeros((len(mesh.points_lps_mm), 3))
    for corner in range(3):
        for axis in range(3):
            sums[:, axis] += np.bincount(mesh.triangles[:, corner], faces[:, axis], len(sums))
    size = np.linalg.norm(sums, axis=1, keepdims=True)
    return (sums / np.maximum(size, 1e-12)).astype(np.float32)
