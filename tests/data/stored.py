"""The check-sum of INDEX.md: stored values as they were before the rescale, in the order of their places."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np

from workstation.dicom.decode import Pixels
from workstation.dicom.found import VolumeFound
from workstation.dicom.header import read_header


def svsha(volumes: Iterable[VolumeFound]) -> str:
    """First 16 hex digits of SHA-256 over little-endian int32, sorted along n, then by InstanceNumber."""
    frames = []
    for volume in volumes:
        n = volume.geometry.normal_lps
        tile = volume.facts["tile"]
        for frame in volume.frames:
            if frame is not None:
                place = round(float(n @ np.array(frame.position_lps_mm)), 3)
                frames.append((place, frame.instance_number or 0, frame.frame, frame, tile))
    digest = hashlib.sha256()
    for *_, frame, tile in sorted(frames, key=lambda f: f[:3]):
        pixels = Pixels(read_header(frame.path))
        with frame.path.open("rb", buffering=0) as file:
            image = pixels.read(file, 0 if tile else frame.frame)
        if tile:
            y, x = divmod(frame.frame, image.shape[1] // tile[1])
            image = image[y * tile[0] : (y + 1) * tile[0], x * tile[1] : (x + 1) * tile[1]]
        digest.update(np.ascontiguousarray(image, "<i4").tobytes())
    return digest.hexdigest()[:16]
