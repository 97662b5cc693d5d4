"""Surfaces as files, in millimetres, with the space named in each one.

STL (binary, 80-byte header), OBJ (Wavefront), PLY (binary little endian), GLB (glTF 2.0), 3MF (core 1.x).
glTF demands metres and y up: a node transform carries both, the buffer holds the millimetres unchanged.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from render.errors import RenderError
from render.mesh import Mesh

SUFFIXES = (".stl", ".obj", ".ply", ".glb", ".3mf")
_STL_TRIANGLE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])


def write(suffix: str, meshes: Sequence[Mesh], *, space: str = "lps") -> bytes:
    """File content for `suffix`; several meshes become several objects (STL and PLY: one joined).

    Raises
    ------
    RenderError
        ``suffix`` for another kind of file, ``space`` for another word than lps or ras, ``empty`` without triangles.
    """
    if space not in ("lps", "ras"):
        raise RenderError("space", "The space of a surface file is lps or ras.")
    if not any(len(m.triangles) for m in meshes):
        raise RenderError("empty", "There is no surface at this threshold.")
    writers: dict[str, Callable[[Sequence[Mesh], str], bytes]] = {
        ".stl": _stl,
        ".obj": _obj,
        ".ply": _ply,
        ".glb": _glb,
        ".3mf": _3mf,
    }
    if suffix.lower() not in writers:
        raise RenderError("suffix", f"A surface is written as {', '.join(SUFFIXES)}.")
    return writers[suffix.lower()]([m.in_space(space) for m in meshes], space)


def joined(meshes: Sequence[Mesh]) -> Mesh:
    """All meshes as one."""
    if len(meshes) == 1:
        return meshes[0]
    starts = np.cumsum([0, *[len(m.points_lps_mm) for m in meshes[:-1]]])
    return Mesh(
        np.concatenate([m.points_lps_mm for m in meshes]),
        np.concatenate([m.triangles + np.int32(s) for m, s in zip(meshes, starts, strict=True)]),
    )


def _note(space: str) -> str:
    return f"RenderDesk surface; SPACE={space.upper()}; unit millimetre"


def _stl(meshes: Sequence[Mesh], space: str) -> bytes:
    mesh = joined(meshes)
    corners = mesh.points_lps_mm[mesh.triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    rows = np.zeros(len(corners), dtype=_STL_TRIANGLE)
    rows["normal"] = np.divide(normals, length, out=np.zeros_like(normals), where=length > 0)
    rows["corners"] = corners
    # a header that begins with "solid" would be taken for the text form
    return _note(space).encode().ljust(80, b" ") + struct.pack("<I", len(rows)) + rows.tobytes()


def read_stl(content: bytes) -> Mesh:
    """Read a binary STL; equal corners become one point. LPS or RAS is the caller's to know.

    Raises
    ------
    RenderError
        code ``mesh`` when the length does not fit the count of triangles.
    """
    count = struct.unpack_from("<I", content, 80)[0] if len(content) >= 84 else -1
    if count < 0 or len(content) != 84 + count * _STL_TRIANGLE.itemsize:
        raise RenderError("mesh", "This is no complete binary STL file.")
    corners = np.frombuffer(content, dtype=_STL_TRIANGLE, offset=84)["corners"].reshape(-1, 3)
    points, index = np.unique(corners, axis=0, return_inverse=True)
    return Mesh(points.astype(np.float32), index.reshape(-1, 3).astype(np.int32))


def _obj(meshes: Sequence[Mesh], space: str) -> bytes:
    out = io.StringIO()
    out.write(f"# {_note(space)}\n")
    first = 1
    for number, mesh in enumerate(meshes, 1):
        out.write(f"o {mesh.name or f'surface_{number}'}\n")
        np.savetxt(out, mesh.points_lps_mm, fmt="v %.5f %.5f %.5f")
        if mesh.normals is not None:
            np.savetxt(out, mesh.normals, fmt="vn %.5f %.5f %.5f")
            faces = np.repeat(mesh.triangles + first, 2, axis=1)
            np.savetxt(out, faces, fmt="f %d//%d %d//%d %d//%d")
        else:
            np.savetxt(out, mesh.triangles + first, fmt="f %d %d %d")
        first += len(mesh.points_lps_mm)
    return out.getvalue().encode()


def _ply(meshes: Sequence[Mesh], space: str) -> bytes:
    mesh = joined(meshes)
    header = (
        f"ply\nformat binary_little_endian 1.0\ncomment {_note(space)}\n"
        f"element vertex {len(mesh.points_lps_mm)}\nproperty float x\nproperty float y\nproperty float z\n"
        f"element face {len(mesh.triangles)}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    faces = np.zeros(len(mesh.triangles), dtype=np.dtype([("n", "u1"), ("v", "<i4", 3)]))
    faces["n"], faces["v"] = 3, mesh.triangles
    return header.encode() + mesh.points_lps_mm.astype("<f4").tobytes() + faces.tobytes()


def _rgb(colour: str) -> tuple[float, float, float]:
    r, g, b = (int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4))
    return (r, g, b)


def _linear(value: float) -> float:
    """SRGB to linear light (IEC 61966-2-1), which glTF's colour factors are in."""
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def _glb(meshes: Sequence[Mesh], space: str) -> bytes:
    blob = bytearray()
    views: list[dict[str, int]] = []
    accessors: list[dict[str, object]] = []

    def add(array: npt.NDArray[np.generic], target: int, kind: str, component: int, **more: object) -> int:
        views.append({"buffer": 0, "byteOffset": len(blob), "byteLength": array.nbytes, "target": target})
        blob.extend(array.tobytes())
        blob.extend(b"\0" * (-len(blob) % 4))
        accessors.append(
            {
                "bufferView": len(views) - 1,
                "componentType": component,
                "count": array.size if kind == "SCALAR" else len(array),
                "type": kind,
                **more,
            }
        )
        return len(accessors) - 1

    nodes, shapes, materials = [], [], []
    for number, mesh in enumerate(meshes):
        points = np.ascontiguousarray(mesh.points_lps_mm, dtype="<f4")
        low, high = mesh.bounds_lps_mm
        attributes = {"POSITION": add(points, 34962, "VEC3", 5126, min=list(low), max=list(high))}
        if mesh.normals is not None:
            attributes["NORMAL"] = add(np.ascontiguousarray(mesh.normals, dtype="<f4"), 34962, "VEC3", 5126)
        index = add(np.ascontiguousarray(mesh.triangles, dtype="<u4"), 34963, "SCALAR", 5125)
        shapes.append(
            {"name": mesh.name, "primitives": [{"attributes": attributes, "indices": index, "material": number}]}
        )
        materials.append(
            {
                "pbrMetallicRoughness": {
                    "baseColorFactor": [*map(_linear, _rgb(mesh.colour)), 1.0],
                    "metallicFactor": 0.0,
                    "roughnessFactor": 0.6,
                }
            }
        )
        nodes.append({"mesh": number, "name": mesh.name or f"surface {number + 1}"})
    # z up in millimetres -> y up in metres: x' = x, y' = z, z' = -y (column-major 4 x 4)
    k = 0.001
    root = {
        "name": _note(space),
        "children": list(range(len(nodes))),
        "matrix": [k, 0, 0, 0, 0, 0, -k, 0, 0, k, 0, 0, 0, 0, 0, 1],
    }
    document = {
        "asset": {"version": "2.0", "generator": "RenderDesk", "extras": {"space": space.upper(), "unit": "mm"}},
        "scene": 0,
        "scenes": [{"nodes": [len(nodes)]}],
        "nodes": [*nodes, root],
        "meshes": shapes,
        "materials": materials,
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{"byteLength": len(blob)}],
    }
    text = json.dumps(document, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    body = struct.pack("<II", len(text), 0x4E4F534A) + text + struct.pack("<II", len(blob), 0x004E4942) + bytes(blob)
    return struct.pack("<III", 0x46546C67, 2, 12 + len(body)) + body


_3MF_TYPES = (
    '<?xml version="1.0" encoding="UTF-8"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/'
    'content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships'
    '+xml"/><Default Extension="model" ContentType="application/vnd.ms-package.3dmanufacturing-3dmodel+xml"/></Types>'
)
_3MF_RELATIONS = (
    '<?xml version="1.0" encoding="UTF-8"?><Relationships xmlns="http://schemas.openxmlformats.org/package/'
    '2006/relationships"><Relationship Target="/3D/3dmodel.model" Id="rel0" Type="http://schemas.microsoft.com/'
    '3dmanufacturing/2013/01/3dmodel"/></Relationships>'
)


def _3mf(meshes: Sequence[Mesh], space: str) -> bytes:
    out = io.StringIO()
    out.write(
        '<?xml version="1.0" encoding="UTF-8"?><model unit="millimeter" xml:lang="en-US" '
        'xmlns="http://schemas.microsoft.com/3dmanufacturing/core/2015/02">'
        f'<metadata name="Description">{_note(space)}</metadata><resources><basematerials id="1">'
    )
    for number, mesh in enumerate(meshes, 1):
        out.write(f'<base name="{_xml(mesh.name) or f"surface {number}"}" displaycolor="#{mesh.colour.upper()}FF"/>')
    out.write("</basematerials>")
    for number, mesh in enumerate(meshes):
        out.write(
            f'<object id="{number + 2}" type="model" pid="1" pindex="{number}" '
            f'name="{_xml(mesh.name) or f"surface {number + 1}"}"><mesh><vertices>'
        )
        np.savetxt(out, mesh.points_lps_mm, fmt='<vertex x="%.5f" y="%.5f" z="%.5f"/>')
        out.write("</vertices><triangles>")
        np.savetxt(out, mesh.triangles, fmt='<triangle v1="%d" v2="%d" v3="%d"/>')
        out.write("</triangles></mesh></object>")
    out.write("</resources><build>" + "".join(f'<item objectid="{n + 2}"/>' for n in range(len(meshes))))
    out.write("</build></model>")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, text in (
            ("[Content_Types].xml", _3MF_TYPES),
            ("_rels/.rels", _3MF_RELATIONS),
            ("3D/3dmodel.model", out.getvalue()),
        ):
            # a fixed date, so that the same surface gives the same bytes
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), text, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _xml(text: str) -> str:
    for plain, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(plain, escaped)
    return text
