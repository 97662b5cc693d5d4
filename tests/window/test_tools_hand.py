"""What a hand does to a view, against arithmetic done here; no Qt and no picture in it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from render import camera as cameras
from render import planes
from render.view import Box, Camera, Plane, Technique, View, Window
from workstation.window.models.oblique import degrees_off, lines_in, meeting, turned
from workstation.window.tools.base import Cross, Measure, Pointer, Preview, Refused, Region, Turn, lps_of, pixel_of
from workstation.window.tools.crop import CropTool, box_from, rectangle, sides_at
from workstation.window.tools.cross import CrossTool, Grip, TurnTool, grip_at
from workstation.window.tools.eye import PanTool, RotateTool, ZoomTool, zoomed
from workstation.window.tools.measure import AngleTool, LengthTool, on_plane
from workstation.window.tools.window import WindowTool, dragged

AXIAL = Plane(centre_lps_mm=(10.0, -20.0, 30.0), right_lps=(1, 0, 0), down_lps=(0, 1, 0), mm_per_pixel=0.5)
PLANE = View(technique=Technique.MPR, size=(201, 101), plane=AXIAL, window=Window(center=40, width=400))
WIDE = PLANE.replace(size=(401, 301))
THREE = {
    name: PLANE.replace(plane=Plane(centre_lps_mm=(10.0, -20.0, 30.0), right_lps=r, down_lps=d, mm_per_pixel=0.5))
    for name, (r, d) in planes.STANDARD.items()
}
LINES = lines_in("axial", THREE)  # the coronal's lies level, the sagittal's upright
SCENE = View(
    technique=Technique.VR,
    size=(300, 200),
    camera=Camera(position_lps_mm=(0, -800, 0), focal_lps_mm=(0, 0, 0), up_lps=(0, 0, 1), height_mm=400),
)


def test_a_pixel_right_is_half_a_millimetre_to_the_patients_left():
    middle = lps_of(PLANE, Pointer(100, 50))
    assert middle == pytest.approx((10, -20, 30))
    assert lps_of(PLANE, Pointer(101, 53)) == pytest.approx((10.5, -18.5, 30))


@pytest.mark.parametrize("view", [PLANE, SCENE], ids=["plane", "3d"])
def test_pixel_and_point_are_each_others_inverse(view):
    for x, y in ((0, 0), (17.25, 3.5), (view.size[0] - 1, view.size[1] - 1)):
        point = lps_of(view, Pointer(x, y))
        assert pixel_of(view, point) == pytest.approx((x, y), abs=1e-9)


def test_points_of_a_scene_lie_where_the_camera_projects_them():
    point = lps_of(SCENE, Pointer(200, 20))
    assert cameras.project(SCENE.camera, SCENE.size, [point])[0][:2] == pytest.approx((200, 20))


def test_perspective_has_no_point_under_the_pointer():
    import msgspec

    view = SCENE.replace(camera=msgspec.structs.replace(SCENE.camera, parallel=False))
    assert lps_of(view, Pointer(10, 10)) is None


def test_window_drag_right_is_wider_and_down_is_brighter():
    after = dragged(Window(center=40, width=512), 10, 6)
    assert (after.width, after.center) == (532, 28)  # a pixel is 512/256 = 2; down lowers the level: brighter
    assert dragged(Window(center=40, width=100), 3, 0).width == 103  # never less than one unit a pixel
    assert dragged(Window(center=0, width=20), -500, 0).width >= 1


def test_window_drag_counts_points_of_the_hand_not_device_pixels():
    tool = WindowTool()
    view = PLANE.replace(scale=2.0)
    tool.press(view, None, Pointer(0, 0))
    moved = tool.move(view, None, Pointer(40, 0))
    assert isinstance(moved, Turn)
    assert moved.view.window.width == pytest.approx(round(400 + 20 * 400 / 256))
    assert not moved.done
    let_go = tool.release(moved.view, None, Pointer(40, 0))
    assert let_go.done
    assert let_go.view.window == moved.view.window


def test_a_press_without_a_move_changes_nothing():
    for tool in (WindowTool(), PanTool(), ZoomTool(), RotateTool()):
        view = SCENE if isinstance(tool, RotateTool) else PLANE
        tool.press(view, None, Pointer(5, 5))
        assert tool.release(view, None, Pointer(5, 5)) is None


def test_a_volume_rendering_has_no_window_and_says_so():
    assert isinstance(WindowTool().press(SCENE, None, Pointer(1, 1)), Refused)


@pytest.mark.parametrize("view", [PLANE, SCENE], ids=["plane", "3d"])
def test_pan_keeps_the_point_under_the_hand(view):
    tool = PanTool()
    held = lps_of(view, Pointer(20, 30))
    tool.press(view, None, Pointer(20, 30))
    after = tool.move(view, None, Pointer(77, 12)).view
    assert lps_of(after, Pointer(77, 12)) == pytest.approx(held, abs=1e-9)


@pytest.mark.parametrize("view", [PLANE, SCENE], ids=["plane", "3d"])
def test_zoom_keeps_the_point_where_it_began(view):
    held = lps_of(view, Pointer(33, 44))
    after = zoomed(view, 1.7, Pointer(33, 44))
    assert lps_of(after, Pointer(33, 44)) == pytest.approx(held, abs=1e-9)
    a, b = lps_of(after, Pointer(0, 0)), lps_of(after, Pointer(10, 0))
    c, d = lps_of(view, Pointer(0, 0)), lps_of(view, Pointer(10, 0))
    assert math.dist(c, d) / math.dist(a, b) == pytest.approx(1.7)


def test_zoom_stops_before_nothing_can_be_seen():
    view = PLANE
    for _ in range(200):
        view = zoomed(view, 2.0)
    assert view.plane.mm_per_pixel == pytest.approx(0.01)


def test_rotating_keeps_distance_and_head_up():
    tool = RotateTool()
    tool.press(SCENE, None, Pointer(100, 100))
    turned = tool.move(SCENE, None, Pointer(190, 100)).view.camera
    eye = np.subtract(turned.position_lps_mm, turned.focal_lps_mm)
    assert np.linalg.norm(eye) == pytest.approx(800)
    assert turned.up_lps == pytest.approx((0, 0, 1))
    # object turned 45 degrees to the right: the eye went from anterior towards the patient's right
    assert eye / 800 == pytest.approx((-math.sqrt(0.5), -math.sqrt(0.5), 0))


def test_a_plane_is_not_rotated():
    assert isinstance(RotateTool().press(PLANE, None, Pointer(1, 1)), Refused)


def test_the_crosshair_tells_its_parts():
    point = (10.0, -20.0, 99.0)  # not on the plane: its foot counts

    def told(x, y):
        grip = grip_at(WIDE, point, Pointer(x, y), LINES)
        return None if grip is None else (grip.part, grip.line.plane if grip.line else "")

    assert told(200, 150) == ("centre", "")
    assert told(203, 100) == ("line", "sagittal")
    assert told(150, 148) == ("line", "coronal")
    assert told(203, 40) == ("turn", "sagittal")  # from 2/3 of the way to the letters at the edge on
    assert told(40, 148) == told(360, 152) == ("turn", "coronal")
    assert told(40, 40) is None


def test_dragging_one_line_moves_the_point_along_one_direction():
    tool = CrossTool((10.0, -20.0, 30.0), Grip("line", LINES[1], LINES[0]))
    tool.press(PLANE, None, Pointer(100, 20))
    moved = tool.move(PLANE, None, Pointer(140, 90))
    assert isinstance(moved, Cross)
    assert moved.point_lps_mm == pytest.approx((30, -20, 30))


def test_a_line_that_lies_askew_moves_its_own_plane_alone():
    """Whatever the hand does along the line: the crossing runs along the other line, so that plane stays."""
    askew = lines_in(
        "axial", THREE | {n: turned(THREE[n], (0, 0, 1), 30, (10, -20, 30)) for n in ("coronal", "sagittal")}
    )
    coronal, sagittal = (next(x for x in askew if x.plane == name) for name in ("coronal", "sagittal"))
    tool = CrossTool((10.0, -20.0, 30.0), Grip("line", sagittal, coronal))
    tool.press(WIDE, None, Pointer(200, 150))
    moved = np.subtract(tool.move(WIDE, None, Pointer(260, 190)).point_lps_mm, (10, -20, 30))
    x, y = coronal.direction
    assert moved[0] * y - moved[1] * x == pytest.approx(0, abs=1e-9)  # it stays on the coronal plane
    hand = np.array([30.0, 20.0, 0.0])
    dx, dy = sagittal.direction
    assert (moved - hand)[0] * dy - (moved - hand)[1] * dx == pytest.approx(0, abs=1e-9)  # and reaches the hand's line


@pytest.mark.parametrize(("pane", "axis"), [("axial", (0, 0, 1)), ("coronal", (0, 1, 0)), ("sagittal", (-1, 0, 0))])
def test_turning_a_line_turns_the_two_other_planes_and_the_line_comes_under_the_hand(pane, axis):
    point = (10.0, -20.0, 30.0)
    view = THREE[pane].replace(size=(401, 301))
    line = next(one for one in lines_in(pane, THREE) if abs(one.direction[0]) > 0.9)  # the level one
    others = tuple(name for name in THREE if name != pane)
    tool = TurnTool(point, line, others)
    assert tool.press(view, None, Pointer(360, 150)) is None
    # 30 degrees from the picture's right towards its foot
    at = Pointer(200 + 160 * math.cos(math.radians(30)), 150 + 160 * math.sin(math.radians(30)))
    tilt = tool.move(view, None, at)
    assert tilt.planes == others
    assert tilt.degrees == pytest.approx(30)
    assert tilt.axis_lps == pytest.approx(axis)  # away from the viewer: right x down
    after = THREE | {name: turned(THREE[name], tilt.axis_lps, tilt.degrees, point) for name in others}
    now = next(one for one in lines_in(pane, after) if one.plane == line.plane)
    assert now.direction == pytest.approx((math.cos(math.radians(30)), math.sin(math.radians(30))))
    normals = {name: planes.normal(view.plane) for name, view in after.items()}
    for a, b in (("axial", "coronal"), ("coronal", "sagittal"), ("sagittal", "axial")):
        assert normals[a] @ normals[b] == pytest.approx(0, abs=1e-9)  # still square to each other
    assert [round(degrees_off(after[name].plane, name), 6) for name in THREE] == [0 if n == pane else 30 for n in THREE]
    assert meeting([v.plane for v in after.values()]) == pytest.approx(point)


def test_shift_turns_to_whole_steps_of_the_line_and_alt_turns_one_plane_alone():
    tool = TurnTool((10.0, -20.0, 30.0), LINES[0], ("coronal", "sagittal"))
    tool.press(WIDE, None, Pointer(360, 150))
    at = (200 + 160 * math.cos(math.radians(40)), 150 + 160 * math.sin(math.radians(40)))
    assert tool.move(WIDE, None, Pointer(*at, shift=True)).degrees == pytest.approx(45)
    alone = tool.release(WIDE, None, Pointer(*at, alt=True))
    assert (alone.planes, alone.done) == ((LINES[0].plane,), True)
    assert tool.move(WIDE, None, Pointer(*at)) is None


def test_a_click_on_a_lines_end_turns_nothing():
    tool = TurnTool((10.0, -20.0, 30.0), LINES[0], ("coronal", "sagittal"))
    tool.press(WIDE, None, Pointer(360, 150))
    assert tool.release(WIDE, None, Pointer(360, 150)) is None


def test_length_by_drag_gives_the_two_points():
    tool = LengthTool()
    assert isinstance(tool.press(PLANE, None, Pointer(0, 50)), Preview)
    assert len(tool.move(PLANE, None, Pointer(30, 50)).points_lps_mm) == 2
    made = tool.release(PLANE, None, Pointer(60, 50))
    assert isinstance(made, Measure)
    assert math.dist(*made.points_lps_mm) == pytest.approx(30)
    assert made.plane_normal_lps == pytest.approx((0, 0, 1))
    assert not tool.begun


def test_length_by_two_clicks_gives_the_same():
    tool = LengthTool()
    tool.press(PLANE, None, Pointer(0, 50))
    assert tool.release(PLANE, None, Pointer(1, 50)) is None  # a click, no drag
    tool.press(PLANE, None, Pointer(60, 50))
    made = tool.release(PLANE, None, Pointer(60, 50))
    assert math.dist(*made.points_lps_mm) == pytest.approx(30)


def test_an_angle_wants_three_points_and_escape_begins_anew():
    tool = AngleTool()
    for x, y in ((0, 0), (50, 0)):
        tool.press(PLANE, None, Pointer(x, y))
        assert tool.release(PLANE, None, Pointer(x, y)) is None
    tool.cancel()
    assert not tool.begun
    results = []
    for x, y in ((0, 0), (50, 0), (50, 50)):
        tool.press(PLANE, None, Pointer(x, y))
        results.append(tool.release(PLANE, None, Pointer(x, y)))
    assert isinstance(results[-1], Measure)
    assert len(results[-1].points_lps_mm) == 3


def test_points_of_two_planes_are_never_one_measurement():
    tool = LengthTool()
    tool.press(PLANE, None, Pointer(0, 0))
    tool.release(PLANE, None, Pointer(0, 0))
    other = PLANE.replace(
        plane=Plane(centre_lps_mm=(0, 0, 0), right_lps=(1, 0, 0), down_lps=(0, 0, -1), mm_per_pixel=1)
    )
    tool.press(other, None, Pointer(5, 5))
    assert tool.release(other, None, Pointer(5, 5)) is None


def test_nothing_is_measured_in_a_projection():
    assert isinstance(LengthTool().press(SCENE, None, Pointer(1, 1)), Refused)


def test_a_crop_bounds_two_directions_and_leaves_the_third():
    tool = CropTool()
    tool.press(PLANE, None, Pointer(60, 30))
    region = tool.release(PLANE, None, Pointer(140, 90))
    assert isinstance(region, Region)
    assert region.done
    box = box_from(region, ((-100, -100, -100), (100, 100, 100)), None)
    assert box.low_lps_mm == pytest.approx((-10, -30, -100))
    assert box.high_lps_mm == pytest.approx((30, 0, 100))
    again = Box(low_lps_mm=(-50, -50, -5), high_lps_mm=(50, 50, 5))
    assert box_from(region, ((-100, -100, -100), (100, 100, 100)), again).low_lps_mm[2] == -5


def test_a_slip_of_the_hand_crops_nothing():
    region = Region(((0, 0, 0), (2, 50, 0)), (0, 0, 1), done=True)
    assert box_from(region, ((-100, -100, -100), (100, 100, 100)), None) is None


def test_a_measurement_shows_only_on_its_plane():
    on = ((0.0, 0.0, 30.4), (5.0, 0.0, 30.0))
    assert on_plane(PLANE, on, within_mm=1.0)
    assert not on_plane(PLANE.replace(plane=planes.scroll(AXIAL, 4)), on, within_mm=1.0)
    assert not on_plane(SCENE, on)


def test_a_side_or_corner_of_the_crop_is_taken_and_moves_alone():
    box = Box(low_lps_mm=(-20, -40, 0), high_lps_mm=(40, 0, 60))
    # the plane's middle pixel (200, 150) is (10, -20); half a millimetre a pixel
    assert rectangle(WIDE, box) == pytest.approx((140, 110, 260, 190))
    assert sides_at(WIDE, box, Pointer(142, 150)) == {0}
    assert sides_at(WIDE, box, Pointer(258, 188)) == {2, 3}
    assert sides_at(WIDE, box, Pointer(200, 150)) == frozenset(), "inside a new box is drawn"
    assert sides_at(WIDE, box, Pointer(142, 300)) == frozenset()
    assert sides_at(WIDE, None, Pointer(142, 150)) == frozenset()
    cursors = [CropTool(box, frozenset(s)).cursor for s in ((), (0,), (3,), (0, 1), (2, 1))]
    assert cursors == ["cross", "across", "along", "falling", "rising"]
    tool = CropTool(box, sides_at(WIDE, box, Pointer(142, 150)))
    tool.press(WIDE, None, Pointer(142, 150))
    assert tool.move(WIDE, None, Pointer(142, 150)) is None, "a click changes nothing"
    tool.move(WIDE, None, Pointer(152, 190))
    moved = tool.release(WIDE, None, Pointer(162, 170))
    bounds = ((-100, -100, -100), (100, 100, 100))
    assert box_from(moved, bounds, box) == Box(low_lps_mm=(-10, -40, 0), high_lps_mm=(40, 0, 60))
    turned_plane = turned(WIDE, (0, 0, 1), 20, (10, -20, 30))
    assert rectangle(turned_plane, box) is None
    assert sides_at(turned_plane, box, Pointer(142, 150)) == frozenset()
