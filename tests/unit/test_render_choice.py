"""Which renderer draws: a card that fails is left for the caster, a recipe's own renderer never is."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from render import camera, policy
from render.engine import Engine
from render.errors import RenderError
from render.geometry import Geometry
from render.policy import CASTER, FIXED_POINT, GPU
from render.stage import Stage
from render.view import Box, Clip, Labels, Look, ScenePlane, Segment, Technique, View, Window
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


def opened_gl() -> None:
    from render.policy import find

    if not find().gl:
        pytest.skip("OpenGL cannot be started here")


def alike(a: np.ndarray, b: np.ndarray) -> float:
    from skimage.metrics import structural_similarity

    return float(structural_similarity(a, b, channel_axis=2))


def test_the_card_shows_crop_cuts_and_segments_as_the_caster_does() -> None:
    """On the software card of this machine, if it has one: slow, so the volume is tiny."""
    opened_gl()
    volume = ball(40)
    box = Box(low_lps_mm=(0, 0, 8), high_lps_mm=(40, 40, 40))
    shown = (Segment(number=1, low=100.0, inside=box), Segment(number=0, visible=False))
    clip = (Clip(point_lps_mm=(22, 20, 20), normal_lps=(-1, 0, 0.2)),)
    engine, caster = Engine(volume, renderer=GPU), Engine(volume)
    plain = view(volume)
    for more in ({}, {"crop": box}, {"clips": clip}, {"segments": shown}, {}):
        theirs = engine.picture(plain.replace(overlays="none", cue=0.3, **more))
        ours = caster.picture(plain.replace(overlays="none", **more))
        assert theirs.renderer == GPU
        assert theirs.view.cue == 0  # VTK draws none, and the recipe says so
        assert alike(theirs.rgb, ours.rgb) > 0.85, more
        lit = ours.rgb.max(axis=2) > 60
        assert ((theirs.rgb.max(axis=2) > 60) == lit).mean() > 0.93, more
    again = Engine(volume).picture(View.from_json(engine.picture(plain).view.to_json()))
    assert again.renderer == GPU
    assert np.array_equal(again.rgb, engine.picture(plain).rgb)


def test_what_the_card_cannot_draw_the_caster_draws_for_that_view() -> None:
    opened_gl()
    volume = ball()
    engine = Engine(volume, renderer=GPU)
    plane = ScenePlane(point_lps_mm=(12, 12, 12), normal_lps=(0, 1, 0), window=Window(center=0, width=800))
    tinted = (Segment(number=1, low=100.0, colour="ff0000"),)
    for more in ({"planes": (plane,)}, {"segments": tinted}):
        made = engine.picture(view(volume).replace(**more))
        assert made.renderer == CASTER
        assert made.view.renderer == CASTER
    assert engine.picture(view(volume)).renderer == GPU  # the next view is the card's again


def test_a_volume_too_large_for_the_cards_textures_is_the_casters(monkeypatch: pytest.MonkeyPatch) -> None:
    opened_gl()
    told: list[str] = []
    volume = ball()
    monkeypatch.setattr("render.pipeline.mappers.texture_limit", lambda _window: 16)
    engine = Engine(volume, renderer=GPU, on_fallback=told.append)
    assert engine.picture(view(volume)).renderer == CASTER
    assert told == []  # the card is sound: other volumes are still its own


def test_a_card_that_crawls_under_the_hand_is_left_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    volume = ball()
    monkeypatch.setattr("render.engine._CRAWLS_S", -1.0)
    monkeypatch.setattr("render.pipeline.mappers.draw", lambda *_: np.zeros((60, 80, 3), np.uint8))
    engine = Engine(volume, renderer=GPU, on_fallback=told.append)
    drag = view(volume).replace(quality="drag")
    assert [engine.picture(drag).renderer for _ in range(4)] == [GPU, GPU, GPU, CASTER]
    assert told == ["was too slow under the hand"]


@pytest.mark.parametrize("fault", ["fails", "crawls"])
def test_a_card_that_fails_or_crawls_on_the_stage_is_remembered_from_one_start_to_the_next(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fault: str
) -> None:
    """The whole way: a made-up mapper, the stage, the file in the home, and the next start of the program."""
    card = {"name": "Some GPU", "version": "4.6", "software": False, "seconds": 0.02}
    monkeypatch.delenv("RENDERDESK_RENDERER", raising=False)
    monkeypatch.setattr(policy, "_ask", lambda: card)
    monkeypatch.setattr(policy, "_name", lambda: card)
    memory = tmp_path / policy.FILE
    policy.find.cache_clear()
    try:
        assert policy.choose_renderer(memory) == GPU
        if fault == "crawls":
            monkeypatch.setattr("render.engine._CRAWLS_S", -1.0)
            monkeypatch.setattr("render.pipeline.mappers.draw", lambda *_: np.zeros((60, 80, 3), np.uint8))
        else:
            monkeypatch.setattr("render.pipeline.mappers.draw", broken)
        volume = ball()
        stage = Stage(renderer=policy.choose_renderer(memory))
        stage.on_fallback = partial(policy.failed, memory)
        try:
            stage.set_volume(volume)
            drag = view(volume).replace(quality="drag", overlays="none")
            made = [stage.picture(drag.replace(scale=1.0 + n / 100)).renderer for n in range(4)]
            assert made[-1] == CASTER
            settled = stage.picture(view(volume).replace(overlays="none"))
            assert settled.renderer == CASTER
            assert np.array_equal(settled.rgb, Engine(volume).picture(view(volume).replace(overlays="none")).rgb)
        finally:
            stage.close()
        policy.find.cache_clear()  # the program starts anew
        again = policy.find(memory)
        assert again.renderer == CASTER
        assert again.remembered
        assert ("too slow" if fault == "crawls" else "gave no picture") in again.sentence
    finally:
        policy.find.cache_clear()
