"""Which renderer draws: a card that fails is left for the caster, a recipe's own renderer never is."""

from __future__ import annotations

import numpy as np
import pytest

from render import camera
from render.engine import Engine
from render.errors import RenderError
from render.geometry import Geometry
from render.policy import CASTER, FIXED_POINT, GPU
from render.stage import Stage
from render.view import Labels, Look, Technique, View
from render.volume import Volume


def ball(n: int = 24) -> Volume:
    grid = np.indices((n, n, n)) - (n - 1) / 2
    values = (400 - 30 * np.sqrt((grid**2).sum(axis=0))).astype(np.int16)
    affine = np.array([[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]], float)
    return Volume(values, Geometry((n, n, n), affine), "HU", "b" * 32, modality="CT")


def view(volume: Volume, renderer: str = "") -> View:
    look = Look(name="t", version="1", opacity=((0, 0), (200, 0.3)), colour=((0, "804020"), (300, "ffffff")))
    size = (80, 60)
    return View(
        technique=Technique.VR, size=size, look=look, camera=camera.standard(volume, "A", size), renderer=renderer
    )


def broken(*_: object, **__: object) -> object:
    raise RenderError("no_gl", "The graphics card could not draw this.")


def test_a_card_that_fails_is_left_for_the_caster(monkeypatch: pytest.MonkeyPatch) -> None:
    volume = ball()
    engine = Engine(volume, renderer=GPU)
    monkeypatch.setattr("render.pipeline.mappers.draw", broken)
    made = engine.picture(view(volume))
    assert made.renderer == CASTER
    assert made.view.renderer == CASTER
    assert engine.renderer == CASTER
    assert np.array_equal(made.rgb, Engine(volume).picture(view(volume)).rgb)


def test_a_recipe_that_names_its_renderer_is_refused_where_it_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    volume = ball()
    monkeypatch.setattr("render.pipeline.mappers.draw", broken)
    with pytest.raises(RenderError):
        Engine(volume).picture(view(volume, GPU))


def test_the_stage_keeps_the_renderer_of_what_is_shown() -> None:
    stage = Stage()
    try:
        volume = ball()
        stage.set_volume(volume)
        assert stage.picture(view(volume), Labels()).renderer == CASTER
        stage.use_renderer(FIXED_POINT)
        assert stage.picture(view(volume), Labels()).renderer == CASTER
        stage.set_volume(volume)
        assert stage.picture(view(volume), Labels()).renderer == FIXED_POINT
    finally:
        stage.close()
