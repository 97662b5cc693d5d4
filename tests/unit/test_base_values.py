"""The shared values: letters, geometry, recipes, UIDs, atomic writes, logging without a patient."""

from __future__ import annotations

import errno
import json
import logging
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from render.errors import GeometryError, RenderError
from render.geometry import Geometry, letters
from render.view import Camera, Technique, View, Window
from workstation.base import atomic, log, uids
from workstation.base.errors import RenderDeskError


@pytest.mark.parametrize(
    ("direction", "expected"),
    [
        ((0, 0.966, -0.259), "PF"),
        ((0, 0.998, -0.07), "P"),
        ((1, 1, 0), "LP"),
        ((1, -1, 1), "LAH"),
        ((-0.2, 0.05, 0.97), "HR"),
        ((1, 0, 0), "L"),
        ((-1, 0, 0), "R"),
        ((0, 1, 0), "P"),
        ((0, -1, 0), "A"),
        ((0, 0, 1), "H"),
        ((0, 0, -1), "F"),
    ],
)
def test_letters_follow_the_rule(direction, expected):
    assert letters(direction) == expected


def _rotation(angles):
    a, b, c = angles
    rx = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    ry = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    rz = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return rx @ ry @ rz


grids = st.builds(
    lambda angles, spacing, shear, origin: (angles, spacing, shear, origin),
    st.tuples(*[st.floats(-3, 3)] * 3),
    st.tuples(*[st.floats(0.2, 9)] * 3),
    st.floats(-0.5, 0.5),
    st.tuples(*[st.floats(-500, 500)] * 3),
)


@given(grids, st.tuples(*[st.floats(0, 100)] * 3))
def test_index_to_patient_and_back(grid, index):
    angles, spacing, shear, origin = grid
    m = _rotation(angles) @ np.array([[0, 0, 1], [shear, 1, 0], [1, 0, 0.0]]) @ np.diag(spacing)
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = m, origin
    g = Geometry((101, 101, 101), affine)
    assert np.allclose(g.to_index(g.to_lps(index)), index, atol=1e-6)
    assert g.spacing_mm[1:] == pytest.approx((np.linalg.norm(m[:, 1]), np.linalg.norm(m[:, 2])))


def test_a_sheared_grid_keeps_its_shear_and_its_normal_spacing():
    tilt = np.radians(18.5)
    affine = np.eye(4)
    affine[:3, 0] = (0, 0, 2.5)
    affine[:3, 1] = 0.5 * np.array([0, np.cos(tilt), -np.sin(tilt)])
    affine[:3, 2] = (0.5, 0, 0)
    g = Geometry((10, 20, 20), affine)
    assert g.shear_deg == pytest.approx(18.5)
    assert g.spacing_mm == pytest.approx((2.5 * np.cos(tilt), 0.5, 0.5))
    assert not g.is_regular
    assert np.linalg.det(g.affine_lps[:3, :3]) < 0


@pytest.mark.parametrize("broken", [np.zeros((4, 4)), np.full((4, 4), np.nan), np.eye(3)])
def test_a_grid_that_is_none_is_refused(broken):
    with pytest.raises(GeometryError):
        Geometry((2, 2, 2), broken)


def test_a_recipe_reads_back_equal_and_refuses_unknown_fields():
    view = View(
        technique=Technique.VR,
        window=Window(center=40, width=400),
        camera=Camera(position_lps_mm=(0, -500, 0), focal_lps_mm=(0, 0, 0), up_lps=(0, 0, 1)),
    )
    assert View.from_json(view.to_json()) == view
    assert View.from_json(view.to_json()).digest == view.digest
    assert view.replace(size=(10, 10)).digest != view.digest
    with pytest.raises(RenderError, match="recipe"):
        View.from_json(view.to_json().replace(b'"technique"', b'"technic"'))


@given(st.text(max_size=40), st.lists(st.text(max_size=60), max_size=4))
def test_derived_uids_are_valid_and_stable(kind, parts):
    uid = uids.derived_uid(kind, *parts)
    assert uids.is_valid(uid)
    assert uid == uids.derived_uid(kind, *parts)


def test_new_uids_are_valid_and_differ():
    many = {uids.new_uid() for _ in range(100)}
    assert len(many) == 100
    assert all(map(uids.is_valid, many))
    assert not uids.is_valid("1.02.3")
    assert not uids.is_valid("1..3")
    assert not uids.is_valid("1." + "2" * 70)


@pytest.mark.parametrize("fails", ["fsync", "replace", "open"])
@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, "disk_full"), (errno.EACCES, "unwritable")])
def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(tmp_path, monkeypatch, fails, number, code):
    target = tmp_path / "kept.bin"
    target.write_bytes(b"old")

    def broken(*_args, **_kwargs):
        raise OSError(number, "no")

    with monkeypatch.context() as patch:
        if fails == "fsync":
            patch.setattr(os, "fsync", broken)
        elif fails == "replace":
            patch.setattr(Path, "replace", broken)
        else:
            patch.setattr(Path, "open", broken)
        with pytest.raises(RenderDeskError) as refused:
            atomic.write_bytes(target, b"new")
    assert refused.value.code == code
    assert target.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["kept.bin"]


def test_an_existing_output_is_kept_without_force(tmp_path):
    target = tmp_path / "there.bin"
    target.write_bytes(b"old")
    with pytest.raises(RenderDeskError, match="already there"):
        atomic.write_bytes(target, b"new", force=False)
    assert target.read_bytes() == b"old"


def test_no_name_reaches_the_log(own_home):
    log.start_logging()
    try:
        logging.getLogger("renderdesk.test").info("opened %s with %d slices", "CANARY^ZYX", 300)
        logging.getLogger("renderdesk.test").info("opened %s", log.ref("CANARY^ZYX"))
        try:
            raise ValueError("CANARY^ZYX")
        except ValueError as error:
            place = log.note_defect(error)
    finally:
        root = logging.getLogger("renderdesk")
        for handler in list(root.handlers):
            handler.close()
            root.removeHandler(handler)
    text = Path(place).read_text()
    assert "CANARY" not in text
    lines = [json.loads(line) for line in text.splitlines()]
    assert "300 slices" in lines[0]["text"]
    assert str(log.ref("CANARY^ZYX")) in lines[1]["text"]
    assert lines[2]["defect"][0] == "ValueError"
