"""Cameras and letters: what stands at the edges, how the hand turns, what is framed."""

import numpy as np
import pytest

from render import camera
from render.errors import RenderError
from render.view import Camera
from tests.picture.phantom import EYES, OPPOSITE, ball, geometry, volume

SIZE = (200, 160)
V = volume(ball((0, 0, 0), 50.0))


def edges(eye):
    right, down, _ = camera.axes(eye)
    return camera.letters(right, down)


@pytest.mark.parametrize("name", list(EYES))
def test_letters_of_the_six_views(name):
    right, top = EYES[name]
    assert edges(camera.standard(V, name, SIZE)) == (OPPOSITE[right], right, top, OPPOSITE[top])


def test_letters_with_feet_and_head_as_others_write_them():
    assert camera.letters((1, 0, 0), (0, 0, -1), feet="I", head="S") == ("R", "L", "S", "I")
    assert camera.letters((1, 1, 0), (0, 0, -1)) == ("RA", "LP", "H", "F")


def test_the_hand_takes_the_front_of_the_object_with_it():
    eye = camera.standard(V, "A", SIZE)
    front = np.array([[0.0, -50.0, 0.0]])
    before = camera.project(eye, SIZE, front)[0]
    right = camera.project(camera.rotate(eye, 20, 0), SIZE, front)[0]
    down = camera.project(camera.rotate(eye, 0, 20), SIZE, front)[0]
    assert right[0] > before[0] + 5
    assert right[1] == pytest.approx(before[1], abs=1e-6)
    assert down[1] > before[1] + 5
    ball_way = camera.rotate(eye, 20, 0, trackball=True)
    assert camera.project(ball_way, SIZE, front)[0][0] == pytest.approx(right[0])


def test_the_turntable_keeps_the_head_up_and_stops_at_the_poles():
    eye = camera.standard(V, "A", SIZE)
    for _ in range(30):
        eye = camera.rotate(eye, 33, 11)
        right, down, _ = camera.axes(eye)
        assert abs(right[2]) < 1e-9
        assert down[2] < 1e-9
    _, _, forward = camera.axes(eye)
    assert forward[2] == pytest.approx(-1)  # looking down from the head, and still there
    around = camera.standard(V, "L", SIZE)
    for _ in range(36):
        around = camera.rotate(around, 10, 0)
    assert around.position_lps_mm == pytest.approx(camera.standard(V, "L", SIZE).position_lps_mm)


def test_zoom_and_pan():
    eye = camera.standard(V, "A", SIZE)
    assert camera.mm_per_pixel(camera.zoom(eye, 2.0), SIZE) == pytest.approx(camera.mm_per_pixel(eye, SIZE) / 2)
    there = camera.project(camera.pan(eye, 15, -7, SIZE), SIZE, [(0, 0, 0)])[0]
    assert there[:2] - camera.project(eye, SIZE, [(0, 0, 0)])[0][:2] == pytest.approx((15, -7))
    deep = camera.standard(V, "A", SIZE, parallel=False)
    assert camera.mm_per_pixel(camera.zoom(deep, 2.0), SIZE) == pytest.approx(camera.mm_per_pixel(deep, SIZE) / 2)


@pytest.mark.parametrize("parallel", [True, False])
def test_the_object_fills_the_picture_and_is_not_cut(parallel):
    v = volume(ball((15, -10, 8), 40.0), geometry((60, 60, 60), (3.0, 3.0, 3.0)))
    for name in EYES:
        eye = camera.standard(v, name, SIZE, parallel=parallel)
        rim = np.array([15, -10, 8]) + 40 * np.array(
            [
                (np.cos(a) * np.cos(b), np.sin(a) * np.cos(b), np.sin(b))
                for a in np.arange(0, 6.3, 0.3)
                for b in (-1.5, -1, 0, 1)
            ]
        )
        xy = camera.project(eye, SIZE, rim)[:, :2]
        assert (xy >= 0).all()
        assert (xy <= np.array(SIZE) - 1).all()
        assert np.ptp(xy[:, 1]) > SIZE[1] * (0.7 if parallel else 0.4)


def test_a_thin_duct_is_framed_as_far_as_it_goes():
    """A bladder and a duct 4 mm wide that runs far from it, as in an MRCP: nothing of it is cut off."""

    def value(p):
        v = np.full(p.shape[:-1], 100.0)
        v[np.linalg.norm(p / (12, 12, 20), axis=-1) < 1] = 900
        v[(np.hypot(p[..., 1], p[..., 2] - 10) < 2.1) & (p[..., 0] > 0) & (p[..., 0] < 70)] = 900
        return v

    v = volume(value, geometry((140, 140, 160), (1.0, 1.0, 1.0)), units="arbitrary", modality="MR")
    low, high = camera.object_box(v, 500.0)
    assert high[0] >= 68
    assert low[0] == pytest.approx(-12, abs=6)


def test_specks_do_not_widen_the_frame():
    clean = camera.object_box(volume(ball((0, 0, 0), 50.0)))
    speckled = ball((0, 0, 0), 50.0)

    def value(p):
        v = speckled(p)
        v[4, 4, 4] = 1000
        return v

    assert camera.object_box(volume(value)) == clean


def test_perspective_draws_near_things_larger():
    eye = camera.standard(V, "A", SIZE, parallel=False)
    near, far = camera.project(eye, SIZE, [(10, -50, 0), (10, 50, 0)])[:, 0] - (SIZE[0] - 1) / 2
    assert near > far > 0
    assert np.isnan(camera.project(eye, SIZE, [np.array(eye.position_lps_mm) * 1.5])[0, 0])


def test_angles_as_angiographers_say_them():
    eye = camera.standard(V, "A", SIZE)
    assert camera.angles(eye) == "AP"
    assert camera.angles(camera.standard(V, "P", SIZE)) == "PA"
    assert camera.angles(camera.standard(V, "L", SIZE)) == "LEFT LATERAL"
    assert camera.angles(camera.rotate(eye, -30, 0)) == "LAO 30"
    assert camera.angles(camera.rotate(eye, 45, 10)) == "RAO 45 CRA 10"
    assert camera.angles(camera.rotate(eye, -150, -20)) == "LPO 30 CAU 20"


def test_a_camera_that_looks_nowhere_is_refused():
    with pytest.raises(RenderError, match="looks nowhere"):
        camera.axes(Camera(position_lps_mm=(0, 0, 0), focal_lps_mm=(0, 0, 0), up_lps=(0, 0, 1)))
    with pytest.raises(RenderError, match="looks nowhere"):
        camera.axes(Camera(position_lps_mm=(0, 0, 9), focal_lps_mm=(0, 0, 0), up_lps=(0, 0, 1)))
    with pytest.raises(RenderError, match="no view"):
        camera.standard(V, "X", SIZE)
