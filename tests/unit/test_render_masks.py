"""What looks are drawn within: airways, brain, object; against bodies whose truth is known."""

import dataclasses

import numpy as np
import pytest

from render import camera, presets, tones
from render.caster import within
from render.engine import Engine
from render.errors import RenderError
from render.view import Technique, View
from tests.picture.phantom import ball, geometry, volume
from workstation.desk.labels import removals_of

GRID = geometry((70, 84, 90), (2.5, 2.5, 2.5))


def ellipsoid(p, centre, radii):
    return np.linalg.norm((p - np.array(centre)) / np.array(radii), axis=-1)


def rod(p, a, b, radius):
    a, b = np.array(a, dtype=float), np.array(b, dtype=float)
    t = np.clip(((p - a) @ (b - a)) / ((b - a) @ (b - a)), 0, 1)[..., None]
    return np.linalg.norm(p - a - t * (b - a), axis=-1) < radius


def chest(p):
    """A body with two lungs of noisy parenchyma, a windpipe that forks into both, and gas in the bowel."""
    v = np.full(p.shape[:-1], -1000.0)
    v[(np.hypot(p[..., 0] / 95, p[..., 1] / 72) < 1) & (np.abs(p[..., 2]) < 200)] = 40
    noise = np.random.default_rng(1).normal(0, 25, v.shape)
    for side in (-1, 1):
        lung = ellipsoid(p, (side * 48, 0, -10), (32, 48, 60)) < 1
        v[lung] = -850 + noise[lung]
        v[rod(p, (0, 0, 20), (side * 50, 4, -30), 6.5)] = 40
    v[rod(p, (0, 0, 90), (0, 0, 20), 9)] = -1000
    for side in (-1, 1):
        v[rod(p, (0, 0, 22), (side * 50, 4, -30), 4.5)] = -1000
    v[ellipsoid(p, (0, -30, -70), (14, 14, 10)) < 1] = -1000
    return v


def at(found, v, place):
    mask, scale = found
    k, r, c = np.rint(v.geometry.to_index(place) * scale).astype(int)
    return int(mask[k, r, c])


@pytest.mark.parametrize("turned", [False, True])
def test_airways_follow_the_windpipe_into_both_lungs_and_no_further(turned):
    grid = geometry((70, 84, 90), (2.5, 2.5, 2.5), iop=(1, 0, 0, 0, -1, 0)) if turned else GRID
    v = volume(chest, grid)
    assert (v.geometry.affine_lps[2, 0] < 0) == turned  # slices that run to the feet are looked at from the head too
    found = within.mask(v, "airways")
    for place in ((0, 0, 60), (0, 0, 30), (-30, 2, -10), (30, 2, -10)):
        assert at(found, v, place) > 200
    for place in ((-60, 10, -30), (60, -10, 0), (0, -30, -70), (0, 60, 0)):
        assert at(found, v, place) < 10
    look, _ = presets.resolve("ct_airway", v)
    assert look.within == "airways"
    assert removals_of(v, View(technique=Technique.VR, look=look)) == ("AIRWAYS ONLY (AUTO)",)


def test_without_a_windpipe_the_look_falls_back_to_the_body_and_says_so():
    belly = volume(lambda p: np.where(ellipsoid(p, (0, 0, 0), (80, 60, 200)) < 1, 40.0, -1000.0), GRID)
    look, _ = presets.resolve("ct_airway", belly)
    assert look.within == "body"
    assert removals_of(belly, View(technique=Technique.VR, look=look)) == ("OUTSIDE OF BODY REMOVED (AUTO)",)


BRAIN = ((6, 12, 22), (62, 78, 58))


def head(p, coil=0.0):
    """Skin and fat, a dark skull, grey brain, a face in front below, a neck; brighter towards one side by a coil."""
    v = np.full(p.shape[:-1], 10.0)
    v[ellipsoid(p, (6, 12, 18), (84, 100, 80)) < 1] = 1500
    v[(ellipsoid(p, (6, -40, -40), (50, 45, 45)) < 1) | rod(p, (6, 30, -20), (6, 30, -120), 42)] = 700
    v[ellipsoid(p, BRAIN[0], np.array(BRAIN[1]) + 8) < 1] = 60
    v[ellipsoid(p, *BRAIN) < 1] = 900
    v[ellipsoid(p, (6, 12, 22), (14, 26, 12)) < 1] = 250  # ventricles
    v += np.random.default_rng(2).normal(0, 15, v.shape)
    return np.maximum(v * np.exp(coil * p[..., 1]), 0)


@pytest.mark.parametrize("coil", [0.0, 0.008])
def test_the_brain_is_found_whole_and_alone(coil):
    v = volume(lambda p: head(p, coil), geometry((80, 96, 84), (2.5, 2.5, 2.5)), units="arbitrary", modality="MR")
    mask, scale = within.mask(v, "brain")
    assert mask.size > 1
    steps = np.rint(1 / scale).astype(int)
    k, r, c = np.meshgrid(*(np.arange(n) * s for n, s in zip(mask.shape, steps, strict=True)), indexing="ij")
    truth = ellipsoid(v.geometry.to_lps(np.stack([k, r, c], axis=-1).reshape(-1, 3)), *BRAIN).reshape(mask.shape) < 1
    got = mask > 127
    assert 2 * (got & truth).sum() / (got.sum() + truth.sum()) > 0.93
    look, _ = presets.resolve("mr_brain", v)
    assert look.within == "brain"
    assert removals_of(v, View(technique=Technique.VR, look=look)) == ("BRAIN ONLY (AUTO)",)
    # the scale comes from the brain, not from the fat around it
    assert look.opacity[-1][0] < (1600 if coil == 0 else 2000)
    # and the eye is set to what is shown
    low, high = camera.object_box(v, presets.framing("mr_brain", look), "brain")
    assert np.abs((np.array(low) + high) / 2 - BRAIN[0]).max() < 8
    assert np.abs((np.array(high) - low) / 2 - BRAIN[1]).max() < 10


def test_what_is_no_head_keeps_everything_and_claims_nothing():
    def leg(p):
        away = np.hypot(p[..., 0], p[..., 1])
        return np.where(away < 55, 600.0, 5.0) + np.where(away < 25, 500.0, 0.0)

    knee = volume(leg, GRID, units="arbitrary", modality="MR")
    look, _ = presets.resolve("mr_brain", knee)
    assert look.within == ""
    assert removals_of(knee, View(technique=Technique.VR, look=look)) == ()


def test_the_least_signal_of_an_mr_is_that_of_the_object_not_of_the_air():
    """A dark duct inside a bright block: MinIP shows it, though air is darker still."""

    def block(p):
        v = np.where(np.abs(p).max(axis=-1) < 60, 800.0, 5.0)
        v[np.hypot(p[..., 0] - 20, p[..., 2]) < 8] = np.where(np.abs(p[..., 1]) < 40, 200.0, 800.0)[
            np.hypot(p[..., 0] - 20, p[..., 2]) < 8
        ]
        return v

    v = volume(block, geometry((60, 60, 60), (2.5, 2.5, 2.5)), units="arbitrary", modality="MR")
    size = (120, 120)
    view = View(
        technique=Technique.MINIP,
        size=size,
        camera=camera.standard(v, "A", size),
        window=tones.from_range(0, 1000),
        overlays="none",
    )
    rgb = Engine(v).picture(view).rgb
    x, y = camera.project(view.camera, size, [(20, 0, 0)])[0][:2]
    duct = int(rgb[round(float(y)), round(float(x)), 0])
    beside = int(rgb[round(float(y)), size[0] - 1 - round(float(x)), 0])
    assert duct == pytest.approx(0.2 * 255, abs=12)
    assert beside == pytest.approx(0.8 * 255, abs=12)
    assert removals_of(v, view) == ("OUTSIDE OF BODY REMOVED (AUTO)",)


def test_a_projection_is_black_beyond_the_volume_whatever_the_ground():
    v = volume(ball((0, 0, 0), 30.0))
    eye = camera.zoom(camera.standard(v, "A", (90, 90)), 0.3)
    view = View(
        technique=Technique.MIP, size=(90, 90), camera=eye, background=("405060", "102030"), overlays="none",
        window=tones.from_range(-1000, 1000),
    )  # fmt: skip
    rgb = Engine(v).picture(view).rgb
    assert rgb[0, 0].tolist() == [0, 0, 0]
    assert rgb[45, 45].min() > 100


def test_pet_is_looked_at_in_suv_whatever_unit_it_was_filed_in():
    factor = 2.5e-4
    pet = volume(ball((0, 0, 0), 40.0, 6.0 / factor, 0.0), units="BQML", modality="PT")
    with pytest.raises(RenderError, match="SUV"):
        presets.resolve("pet_hot", pet)
    pet = dataclasses.replace(pet, suv_factor=factor)
    look, _ = presets.resolve("pet_hot", pet)
    assert [x for x, _ in look.opacity] == pytest.approx([2 / factor, 4 / factor, 8 / factor])
    assert presets.choose(pet, {}) == "pet_hot"
    window = tones.default_window(pet)
    assert (window.center + window.width / 2) * factor == pytest.approx(7.0)
    assert presets.window_presets("PT", pet)[0][1].width * factor == pytest.approx(5.0)
    assert tones.as_shown(pet, 4 / factor) == (pytest.approx(4.0), "SUV")
    assert tones.as_shown(volume(ball((0, 0, 0), 20.0)), 40.0) == (40.0, "HU")
