"""Surfaces and volumes as files, read back by other people's libraries."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest

from render import meshfile, volumefile
from render.errors import RenderError
from render.geometry import Geometry
from render.mesh import Mesh
from render.volume import Volume


def cube(side=20.0, at=(10.0, -30.0, 50.0), name="cube"):
    p = np.array([(x, y, z) for z in (0, 1) for y in (0, 1) for x in (0, 1)], dtype=np.float32) * side + np.array(at)
    t = [
        (0, 2, 1),
        (1, 2, 3),
        (4, 5, 6),
        (5, 7, 6),
        (0, 1, 4),
        (1, 5, 4),
        (2, 6, 3),
        (3, 6, 7),
        (0, 4, 2),
        (2, 4, 6),
        (1, 3, 5),
        (3, 7, 5),
    ]
    return Mesh(p.astype(np.float32), np.array(t, dtype=np.int32), name=name, colour="ff8000")


def read_3mf(content):
    """The package by the standard's own names (trimesh wants a further library for this one)."""
    import zipfile
    from xml.etree import ElementTree as ET

    import trimesh

    ns = {"m": "http://schemas.microsoft.com/3dmanufacturing/core/2015/02"}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        model = ET.fromstring(archive.read("3D/3dmodel.model"))
        ET.fromstring(archive.read("[Content_Types].xml"))
    assert model.get("unit") == "millimeter"
    objects = {o.get("id"): o for o in model.iterfind("m:resources/m:object", ns)}
    parts = []
    for item in model.iterfind("m:build/m:item", ns):
        thing = objects[item.get("objectid")]
        points = [[float(v.get(a)) for a in "xyz"] for v in thing.iterfind("m:mesh/m:vertices/m:vertex", ns)]
        faces = [
            [int(t.get(a)) for a in ("v1", "v2", "v3")] for t in thing.iterfind("m:mesh/m:triangles/m:triangle", ns)
        ]
        parts.append(trimesh.Trimesh(points, faces))
    return trimesh.util.concatenate(parts)


def test_a_cube_has_its_area_volume_and_is_closed():
    c = cube()
    assert c.area_mm2 == pytest.approx(6 * 400)
    assert c.volume_ml == pytest.approx(8.0)
    assert c.is_closed
    assert c.bounds_lps_mm == ((10, -30, 50), (30, -10, 70))
    assert not Mesh(c.points_lps_mm, c.triangles[:-1]).is_closed


def test_a_mesh_with_a_wrong_index_is_refused():
    with pytest.raises(RenderError, match="damaged"):
        Mesh(np.zeros((3, 3), np.float32), np.array([[0, 1, 3]], np.int32))


@pytest.mark.parametrize("suffix", meshfile.SUFFIXES)
@pytest.mark.parametrize("space", ["lps", "ras"])
def test_another_reader_finds_the_same_surface_on_the_same_side(suffix, space):
    import trimesh

    content = meshfile.write(suffix, [cube(), cube(5, (-40, 0, 0), "small")], space=space)
    if suffix == ".3mf":
        mesh = read_3mf(content)
    else:
        scene = trimesh.load(io.BytesIO(content), file_type=suffix[1:])
        mesh = scene.to_mesh() if hasattr(scene, "to_mesh") else scene
    if suffix == ".glb":  # metres, y up -> back to millimetres, z up
        mesh.apply_transform(np.array([[1e3, 0, 0, 0], [0, 0, -1e3, 0], [0, 1e3, 0, 0], [0, 0, 0, 1]]))
    sign = 1 if space == "lps" else -1
    low, high = mesh.bounds
    assert np.sort([low[0], high[0]]) == pytest.approx(np.sort([sign * -40, sign * 30]), abs=1e-3)
    assert np.sort([low[1], high[1]]) == pytest.approx(np.sort([sign * -30, sign * 5]), abs=1e-3)
    assert (low[2], high[2]) == pytest.approx((0, 70), abs=1e-3)
    assert mesh.volume == pytest.approx(8000 + 125, rel=1e-4)
    if suffix in (".stl", ".obj", ".ply"):
        assert f"SPACE={space.upper()}".encode() in content[:200]


def test_stl_reads_back_and_a_cut_one_is_refused():
    content = meshfile.write(".stl", [cube()])
    back = meshfile.read_stl(content)
    assert back.volume_ml == pytest.approx(8.0)
    assert back.is_closed
    with pytest.raises(RenderError, match="complete"):
        meshfile.read_stl(content[:-1])


@pytest.mark.parametrize(("call", "match"), [((".dxf", "lps"), "written as"), ((".stl", "abc"), "lps or ras")])
def test_what_cannot_be_written_is_one_sentence(call, match):
    with pytest.raises(RenderError, match=match):
        meshfile.write(call[0], [cube()], space=call[1])
    with pytest.raises(RenderError, match="no surface"):
        meshfile.write(".stl", [Mesh(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32))])


def volume(shear=0.0, dtype=np.int16):
    affine = np.eye(4)
    a = np.radians(20)
    affine[:3, 2] = 0.7 * np.array([np.cos(a), np.sin(a), 0])
    affine[:3, 1] = 0.8 * np.array([-np.sin(a), np.cos(a), 0])
    affine[:3, 0] = (shear, 0, 2.5)
    affine[:3, 3] = (-10, -20, 30)
    v = np.arange(5 * 6 * 7).reshape(5, 6, 7).astype(dtype)
    return Volume(v, Geometry((5, 6, 7), affine), "HU", "d" * 32, "CT")


@pytest.mark.parametrize("suffix", ["nii.gz", "nrrd"])
@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_simpleitk_puts_every_voxel_at_the_same_place(tmp_path, suffix, dtype):
    import SimpleITK as sitk  # noqa: N813  the name that its users know

    v = volume(dtype=dtype)
    path = tmp_path / f"v.{suffix}"
    path.write_bytes(volumefile.nifti(v) if suffix == "nii.gz" else volumefile.nrrd(v))
    image = sitk.ReadImage(str(path))
    assert np.array_equal(sitk.GetArrayFromImage(image), v.voxels)
    for index in [(0, 0, 0), (4, 5, 6), (2, 3, 1)]:
        assert image.TransformIndexToPhysicalPoint(index[::-1]) == pytest.approx(v.geometry.to_lps(index), abs=1e-4)


def test_a_sheared_grid_keeps_its_shear_in_nifti():
    import gzip
    import struct

    v = volume(shear=0.9)
    head = gzip.decompress(volumefile.nifti(v))
    assert struct.unpack_from("<hh", head, 252) == (0, 1)
    rows = np.array([struct.unpack_from("<4f", head, 280 + 16 * i) for i in range(3)])
    lps = np.diag([-1, -1, 1]) @ (rows @ np.array([6, 5, 4, 1]))
    assert lps == pytest.approx(v.geometry.to_lps((4, 5, 6)), abs=1e-4)


def test_npz_is_byte_for_byte_what_numpy_writes():
    v = volume()
    theirs = io.BytesIO()
    text = np.array(json.dumps({**volumefile.meta(v), "more": 1}))
    np.savez(theirs, allow_pickle=False, voxels=v.voxels, affine_lps=v.geometry.affine_lps, meta=text)
    assert volumefile.npz(v, {"more": 1}) == theirs.getvalue()


def test_npz_holds_voxels_affine_and_meta_without_pickle():
    v = volume()
    with np.load(io.BytesIO(volumefile.npz(v)), allow_pickle=False) as z:
        assert np.array_equal(z["voxels"], v.voxels)
        assert z["voxels"].dtype == np.int16
        assert np.array_equal(z["affine_lps"], v.geometry.affine_lps)
        assert json.loads(str(z["meta"]))["units"] == "HU"
