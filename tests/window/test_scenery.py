"""What stands in the 3D picture, by hand: cutting planes, planes, surfaces, segments, the cube; all of it undoable."""

import math

import msgspec
import numpy as np
import pytest

from render import camera as cameras
from render.view import Camera, Clip, Surface, Technique, View
from tests.window.conftest import settle
from workstation.window.models.scene import outline_of
from workstation.window.tools.base import Face, Pointer, Refused, Turn
from workstation.window.tools.clip import ClipTool, moved
from workstation.window.tools.cube import CubeTool, face_at

EYE = Camera(position_lps_mm=(0, -800, 0), focal_lps_mm=(0, 0, 0), up_lps=(0, 0, 1), height_mm=400)
SCENE = View(technique=Technique.VR, size=(300, 200), camera=EYE)


# ---- arithmetic of the hand


def test_a_plane_seen_from_the_side_follows_the_hand_along_its_normal():
    # normal to the patient's left: on the right of the picture; 2 mm a pixel
    view = SCENE.replace(clips=(Clip(point_lps_mm=(10, 5, 7), normal_lps=(1, 0, 0)),))
    after = moved(view, Pointer(100, 50), Pointer(110, 90), 0)
    assert after.clips[0].point_lps_mm == pytest.approx((30, 5, 7))
    assert after.clips[0].normal_lps == (1, 0, 0)


def test_a_plane_seen_face_on_goes_deeper_when_the_hand_goes_up():
    for sign in (1.0, -1.0):
        view = SCENE.replace(clips=(Clip(point_lps_mm=(0, 0, 0), normal_lps=(0, sign, 0)),))
        after = moved(view, Pointer(100, 50), Pointer(130, 40), 0)
        assert after.clips[0].point_lps_mm == pytest.approx((0, 20, 0))  # away from the eye in front


def test_ctrl_tilts_and_leaves_the_point():
    view = SCENE.replace(clips=(Clip(point_lps_mm=(3, 4, 5), normal_lps=(0, 1, 0)),))
    after = moved(view, Pointer(0, 0), Pointer(50, 0, ctrl=True), 0).clips[0]
    assert after.point_lps_mm == (3, 4, 5)
    angle = math.degrees(math.acos(np.array(after.normal_lps) @ (0, 1, 0)))
    assert angle == pytest.approx(20, abs=1e-6)
    assert after.normal_lps[2] == pytest.approx(0)


def test_the_clip_tool_gives_one_change_and_refuses_without_a_plane():
    assert isinstance(ClipTool(0).press(SCENE, None, Pointer(0, 0)), Refused)
    view = SCENE.replace(clips=(Clip(point_lps_mm=(0, 0, 0), normal_lps=(1, 0, 0)),))
    tool = ClipTool(0)
    assert tool.press(view, None, Pointer(10, 10)) is None
    going = tool.move(view, None, Pointer(15, 10))
    assert isinstance(going, Turn)
    assert not going.done
    done = tool.release(view, None, Pointer(15, 10))
    assert isinstance(done, Turn)
    assert done.done
    assert done.what == "crop"


def test_the_outline_of_a_cutting_plane_lies_on_it_and_on_the_box():
    corners = np.array([(x, y, z) for x in (0, 10) for y in (0, 20) for z in (0, 30)], dtype=float)
    clip = Clip(point_lps_mm=(5, 10, 15), normal_lps=(1, 1, 0.5))
    outline = np.array(outline_of(corners, clip))
    n = np.array(clip.normal_lps)
    assert len(outline) >= 3
    assert np.abs((outline - clip.point_lps_mm) @ n).max() < 1e-9
    assert (outline >= -1e-9).all()
    assert (outline <= np.array((10, 20, 30)) + 1e-9).all()
    edges = np.linalg.norm(outline - np.roll(outline, 1, axis=0), axis=1)
    across = np.linalg.norm(outline[0] - outline[len(outline) // 2])
    assert edges.max() <= across + 30  # in order around: no edge runs across
    assert outline_of(corners, Clip(point_lps_mm=(100, 0, 0), normal_lps=(1, 0, 0))) == ()


@pytest.mark.parametrize("letter", "APLRSI")
def test_each_face_of_the_cube_is_found_where_it_is_drawn(letter):
    eye = cameras.rotate(cameras.facing(EYE, letter), 25.0, 0.0) if letter in "APLR" else cameras.facing(EYE, letter)
    right, down, _ = cameras.axes(eye)
    n = np.array(cameras.STANDARD[letter][0])
    cube = (250.0, 150.0, 20.0)
    x, y = cube[0] + float(n @ right) * 20, cube[1] + float(n @ down) * 20
    assert face_at(eye, cube, x, y) == letter
    assert face_at(eye, cube, x + 80, y) == ""
    tool = CubeTool(letter)
    assert tool.press(SCENE, None, Pointer(x, y)) is None
    assert tool.release(SCENE, None, Pointer(x, y)) is None  # without a picture there is no cube


@pytest.mark.parametrize(("start", "end"), [("A", "L"), ("A", "P"), ("L", "S"), ("R", "I"), ("S", "I")])
def test_the_eye_travels_at_an_even_distance_and_arrives(start, end):
    a, b = cameras.facing(EYE, start), cameras.facing(EYE, end)
    away = [np.linalg.norm(cameras.between(a, b, s).position_lps_mm) for s in (0.0, 0.2, 0.5, 0.9)]
    assert away == pytest.approx([800] * 4)
    assert cameras.between(a, b, 1.0) == b
    near = cameras.between(a, b, 0.999)
    assert np.linalg.norm(np.subtract(near.position_lps_mm, b.position_lps_mm)) < 6
    assert cameras.between(a, b, 0.0).position_lps_mm == pytest.approx(a.position_lps_mm)
    assert np.array(cameras.axes(near)) == pytest.approx(np.array(cameras.axes(b)), abs=0.01)


# ---- in the window


def scene_of(window):
    return window.case.hand.scene.views["3d"]


def test_planes_go_into_the_3d_picture_follow_the_crosshair_and_can_be_undone(opened, qtbot):
    hand, run = opened.case.hand, opened.actions_.run
    run("planes3d")
    settle(opened, qtbot)
    assert {p.name for p in scene_of(opened).planes} == {"axial", "coronal", "sagittal"}
    qtbot.waitUntil(lambda: len(opened.case.panes["3d"].viewport.picture.view.planes) == 3, timeout=30000)
    low, _ = hand.scene.volume.geometry.bounds_lps_mm
    hand.centre((0.0, 0.0, low[2] + 10))
    qtbot.waitUntil(
        lambda: opened.case.panes["3d"].viewport.picture.view.planes[0].point_lps_mm[2] == pytest.approx(low[2] + 10),
        timeout=15000,
    )
    run("undo")
    assert scene_of(opened).planes == ()
    run("redo")
    assert len(scene_of(opened).planes) == 3
    run("technique.mip")  # a projection has none; they come back with the volume
    qtbot.waitUntil(lambda: opened.case.panes["3d"].viewport.picture.view.planes == (), timeout=30000)


def test_a_cut_along_the_view_is_said_journaled_moved_and_undone(opened, qtbot):
    hand, run = opened.case.hand, opened.actions_.run
    run("clip")
    settle(opened, qtbot)
    assert hand.tool == "clip"
    (clip,) = scene_of(opened).clips
    assert clip.point_lps_mm == hand.scene.point
    assert np.array(clip.normal_lps) @ np.array(cameras.axes(scene_of(opened).camera)[2]) == pytest.approx(1)
    assert "CUT" in opened.case.session.labels(hand.dressed("3d", "settled")).badges
    assert len(opened.case.panes["3d"].viewport._guide) >= 3
    hand.scenery.move_clip(0, 12.0)
    hand.scenery.tilt_clip(0, 15.0, "up")
    hand.scenery.flip_clip(0)
    run("clip")
    assert len(scene_of(opened).clips) == 2
    for _ in range(4):
        run("undo")
    assert scene_of(opened).clips == (clip,)
    run("unclip")
    assert scene_of(opened).clips == ()
    lines = opened.case.session.place.journal.entries(opened.case.session.key.study_uid)
    regions = [e.event.payload for e in lines if e.event.kind == "region_set"]
    assert [r["how"] for r in regions][:2] == ["clip", "clip"]
    for _ in range(8):
        opened.actions_.run("clip")
    assert len(scene_of(opened).clips) <= 6


def test_surfaces_have_their_rows(opened, qtbot):
    hand, run = opened.case.hand, opened.actions_.run
    run("step.view")
    run("technique.ssd")
    hand.scenery.add_surface(Surface(low=-300.0, name="Skin"))
    assert len(scene_of(opened).surfaces) == 2
    assert scene_of(opened).surfaces[1].opacity < 1  # it would hide the other one
    assert scene_of(opened).surfaces[0].colour != scene_of(opened).surfaces[1].colour
    assert hand.surface().name == "Skin"
    hand.scenery.choose_surface(0)
    hand.set_surface(msgspec.structs.replace(hand.surface(), low=300.0))
    assert [s.low for s in scene_of(opened).surfaces] == [300.0, -300.0]
    hand.scenery.change_surface(1, visible=False)
    panel = opened.case.area.widget()
    assert panel.scene.surfaces.column.count() == 2
    hand.scenery.remove_surface(1)
    hand.scenery.remove_surface(0)
    assert scene_of(opened).technique is Technique.VR
    assert scene_of(opened).surfaces == ()


def test_a_threshold_dragged_beyond_everything_leaves_the_other_surfaces_and_says_so(opened, qtbot):
    hand = opened.case.hand
    opened.actions_.run("technique.ssd")
    hand.scenery.add_surface(Surface(low=-300.0, name="Skin"))
    hand.scenery.choose_surface(0)
    port, said = opened.case.panes["3d"].viewport, []
    opened.actions_.said.connect(lambda sentence, kind: said.append(sentence))

    def shows(low, notes):
        picture = port.picture
        shown = [] if picture is None else [s.low for s in picture.view.surfaces]
        return shown[:1] == [low] and len(picture.notes) == notes

    for low in (9000.0, 9010.0):
        hand.set_surface(Surface(low=low), done=False)
        qtbot.waitUntil(lambda low=low: shows(low, 1), timeout=30000)
    hand.set_surface(Surface(low=9020.0))
    qtbot.waitUntil(lambda: shows(9020.0, 1) and port.picture.view.quality == "settled", timeout=30000)
    assert "There is nothing of surface 9000 HU in this volume, so the picture is without it." in said
    hand.set_surface(Surface(low=-200.0))
    qtbot.waitUntil(lambda: shows(-200.0, 0), timeout=30000)
    hand.scenery.remove_surface(1)
    hand.set_surface(Surface(low=9000.0), done=False)
    qtbot.waitUntil(lambda: port.picture is None, timeout=30000)
    assert port._sentence == "Nothing in this volume lies within the threshold, so there is no surface."
    hand.set_surface(Surface(low=-200.0))
    qtbot.waitUntil(lambda: shows(-200.0, 0), timeout=30000)


def test_a_threshold_becomes_a_segment_in_every_pane(opened, qtbot):
    hand, run = opened.case.hand, opened.actions_.run
    run("technique.ssd")
    hand.set_surface(Surface(low=50.0, name="Body"))
    run("step.segment")
    panel = opened.case.area.widget()
    panel.connected.setChecked(True)
    hand.set_surface(Surface(low=9000.0, name="Nothing"))
    panel._keep()
    assert scene_of(opened).segments == ()  # the crosshair stands on nothing of it
    hand.set_surface(Surface(low=50.0, name="Body"))
    panel.connected.setChecked(False)
    panel._keep()
    settle(opened, qtbot)
    (segment,) = scene_of(opened).segments
    assert (segment.number, segment.low, segment.name, segment.accepted) == (1, 50.0, "Body", False)
    assert scene_of(opened).technique is Technique.VR
    axial = hand.dressed("axial", "record")
    assert axial.segments == (segment,)
    assert "SEGMENTATION NOT ACCEPTED" in opened.case.session.labels(axial).badges
    hand.scenery.change_segment(1, accepted=True, visible=False)
    hand.scenery.hide_rest(True)
    labels = opened.case.session.labels(hand.dressed("3d", "record"))
    assert "BODY REMOVED (MANUAL)" in labels.badges
    assert "SEGMENTATION NOT ACCEPTED" not in labels.badges
    record = hand.record_view("3d")
    assert record.background == ("000000", "000000")
    assert record.cue == 0
    hand.scenery.remove_segment(1)
    assert scene_of(opened).segments == ()
    run("undo")
    assert {s.number for s in scene_of(opened).segments} == {0, 1}


def test_a_click_on_the_cube_turns_the_eye(opened, qtbot):
    from PySide6.QtCore import QPoint, Qt

    opened.actions_.run("layout.3d")
    settle(opened, qtbot)
    port = opened.case.panes["3d"].viewport
    qtbot.waitUntil(lambda: port.picture is not None and port.picture.cube is not None, timeout=15000)
    hand = opened.case.hand
    hand.gestures.effect(port, Face("L"), 0.0)
    qtbot.waitUntil(lambda: hand._turning is None, timeout=15000)
    settle(opened, qtbot)
    assert scene_of(opened).camera.position_lps_mm[0] > 100
    qtbot.waitUntil(lambda: port.picture.letters[1] == "P", timeout=15000)
    x, y, _ = port.picture.cube
    hand.motion = False
    opened.actions_.run("view.A")
    settle(opened, qtbot)
    qtbot.waitUntil(lambda: port.picture.letters[1] == "L", timeout=15000)
    before = scene_of(opened).camera
    scale = port.width() / port.view.size[0]
    at = QPoint(round(x * scale), round(y * scale))
    qtbot.mouseClick(port, Qt.MouseButton.LeftButton, pos=at)  # the face that looks at us: nothing to turn
    assert scene_of(opened).camera == before


@pytest.mark.parametrize("how", ["drag", "undo"])
def test_a_pane_that_changed_its_size_under_the_hand_is_drawn_in_its_own_size(opened, qtbot, how):
    """The hand began on a view of before, or undo brings one back: its size is of a pane that is no longer so large."""
    from PySide6.QtCore import QPoint, Qt

    port, run = opened.case.panes["3d"].viewport, opened.actions_.run
    run("clip")
    settle(opened, qtbot)
    small = port.device_size()
    middle = QPoint(port.width() // 2, port.height() // 2)
    if how == "drag":
        qtbot.mousePress(port, Qt.MouseButton.LeftButton, pos=middle)
        qtbot.mouseMove(port, middle + QPoint(0, 6))
    run("layout.3d")
    settle(opened, qtbot, 200)
    assert port.device_size() != small
    if how == "drag":
        for n in range(8, 30, 4):
            qtbot.mouseMove(port, middle + QPoint(0, n))
        qtbot.mouseRelease(port, Qt.MouseButton.LeftButton, pos=middle + QPoint(0, 30))
    else:
        run("undo")
    settle(opened, qtbot)
    assert scene_of(opened).size == port.device_size()
    qtbot.waitUntil(
        lambda: port.picture.view.size == port.device_size() and port.picture.view.quality == "settled", timeout=30000
    )
