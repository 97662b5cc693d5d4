"""A volume as a file: NPZ (LPS affine), NIfTI-1 (RAS by convention), NRRD (LPS named in the header)."""

from __future__ import annotations

import gzip
import io
import json
import struct
import zipfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import IO

import numpy as np
import numpy.typing as npt

from render.volume import Volume

SUFFIXES = (".npz", ".nii.gz", ".nrrd")
# PS3.3 is LPS, NIfTI-1 is RAS: x and y change sign
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def meta(volume: Volume) -> dict[str, object]:
    """What goes with the voxels, without any identity of the patient."""
    g = volume.geometry
    out: dict[str, object] = {
        "schema": "renderdesk.volume/1",
        "space": "LPS",
        "unit": "mm",
        "units": volume.units,
        "modality": volume.modality,
        "spacing_mm": list(g.spacing_mm),
        "shear_deg": round(g.shear_deg, 6),
        "filled": list(volume.filled),
        "findings": list(volume.findings),
        "padding": list(volume.padding) if volume.padding else None,
        "resampled": volume.resampled,
        "reduced": volume.reduced,
        "lossy": volume.lossy,
        "digest": volume.digest,
    }
    if volume.positions_lps is not None:
        out["positions_lps"] = volume.positions_lps.tolist()
    return out


def npz(volume: Volume, extra: Mapping[str, object] | None = None) -> bytes:
    """Arrays `voxels`, `affine_lps`, `meta` (JSON text) and, for uneven spacing, `positions_lps` (slices, 3)."""
    out = io.BytesIO()
    npz_into(out, volume, extra)
    return out.getvalue()


def npz_into(file: IO[bytes], volume: Volume, extra: Mapping[str, object] | None = None) -> None:
    """As `npz`, into an open file: the voxels go there slice by slice, no copy of them is made.

    Their digest, which `meta` holds, is made by another thread meanwhile.
    """
    with ThreadPoolExecutor(1) as pool, zipfile.ZipFile(file, "w") as archive:
        told = pool.submit(meta, volume)
        with archive.open("voxels.npy", "w", force_zip64=True) as member:
            # What `numpy.savez` writes, which would copy all voxels twice.
            np.lib.format.write_array_header_1_0(member, np.lib.format.header_data_from_array_1_0(volume.voxels))
            for plane in volume.voxels:
                member.write(np.ascontiguousarray(plane).data)
        arrays: dict[str, npt.NDArray[np.generic]] = {
            "affine_lps": volume.geometry.affine_lps,
            "meta": np.array(json.dumps({**told.result(), **(extra or {})})),
        }
        if volume.positions_lps is not None:
            arrays["positions_lps"] = volume.positions_lps
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)


def nifti(volume: Volume) -> bytes:
    """Gzipped NIfTI-1 with a scanner sform (code 1); sheared grids keep their shear there.

    The qform is written (code 1) only where the grid is orthogonal, because a quaternion cannot shear.
    Axis order in the file is (column, row, slice). Layout: the NIfTI-1 header of the NIMH, 2003 (nifti1.h).
    """
    k, r, c = volume.geometry.shape
    affine = _LPS_TO_RAS @ volume.geometry.affine_lps[:, [2, 1, 0, 3]]
    step, rows, columns = (float(np.linalg.norm(affine[:3, i])) for i in (2, 1, 0))
    code, bits = (4, 16) if volume.voxels.dtype == np.int16 else (16, 32)
    quaternion, factor = (0.0, 0.0, 0.0), 1.0
    qform = 1 if volume.geometry.is_regular else 0
    if qform:
        quaternion, factor = _quaternion(affine[:3, :3])
    head = bytearray(352)
    struct.pack_into("<i", head, 0, 348)
    struct.pack_into("<8h", head, 40, 3, c, r, k, 1, 1, 1, 1)
    struct.pack_into("<hh", head, 70, code, bits)
    struct.pack_into("<8f", head, 76, factor, columns, rows, step, 0, 0, 0, 0)
    struct.pack_into("<fff", head, 108, 352.0, 1.0, 0.0)
    head[123] = 2  # millimetres
    head[148:228] = b"RenderDesk".ljust(80, b"\0")
    struct.pack_into("<hh", head, 252, qform, 1)
    struct.pack_into("<6f", head, 256, *quaternion, *affine[:3, 3])
    for i in range(3):
        struct.pack_into("<4f", head, 280 + 16 * i, *affine[i])
    head[344:348] = b"n+1\0"
    little = volume.voxels.astype(volume.voxels.dtype.newbyteorder("<"), copy=False)
    return gzip.compress(bytes(head) + little.tobytes(), compresslevel=1, mtime=0)


def _quaternion(m: npt.NDArray[np.float64]) -> tuple[tuple[float, float, float], float]:
    """Quaternion (b, c, d) and qfac of a rotation with possible reflection, as nifti1.h defines them."""
    rotation = m / np.linalg.norm(m, axis=0)
    factor = 1.0 if np.linalg.det(rotation) > 0 else -1.0
    rotation = rotation * np.array([1.0, 1.0, factor])
    # the eigenvector of the largest eigenvalue is the quaternion (Bar-Itzhack 2000), stable for half turns too
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = rotation
    k = (
        np.array(
            [
                [xx - yy - zz, 0, 0, 0],
                [yx + xy, yy - xx - zz, 0, 0],
                [zx + xz, zy + yz, zz - xx - yy, 0],
                [zy - yz, xz - zx, yx - xy, xx + yy + zz],
            ]
        )
        / 3.0
    )
    values, vectors = np.linalg.eigh(k)
    b, c, d, a = vectors[:, int(np.argmax(values))]
    if a < 0:
        b, c, d = -b, -c, -d
    return (float(b), float(c), float(d)), factor


def nrrd(volume: Volume) -> bytes:
    """NRRD 4, gzip, space left-posterior-superior; axes in the file (column, row, slice)."""
    a = volume.geometry.affine_lps
    k, r, c = volume.geometry.shape
    kind = "int16" if volume.voxels.dtype == np.int16 else "float"
    directions = " ".join("(" + ",".join(f"{float(v):.12g}" for v in a[:3, i]) + ")" for i in (2, 1, 0))
    origin = ",".join(f"{float(v):.12g}" for v in a[:3, 3])
    lines = [
        "NRRD0004",
        "# RenderDesk",
        f"type: {kind}",
        "dimension: 3",
        "space: left-posterior-superior",
        f"sizes: {c} {r} {k}",
        f"space directions: {directions}",
        "kinds: domain domain domain",
        "endian: little",
        "encoding: gzip",
        'space units: "mm" "mm" "mm"',
        f"space origin: ({origin})",
    ]
    lines += [
        f"{key}:={json.dumps(value)}" for key, value in meta(volume).items() if key in ("units", "filled", "findings")
    ]
    little = volume.voxels.astype(volume.voxels.dtype.newbyteorder("<"), copy=False)
    return ("\n".join(lines) + "\n\n").encode() + gzip.compress(little.tobytes(), compresslevel=1, mtime=0)
