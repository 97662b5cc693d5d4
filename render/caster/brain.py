"""The brain in an MR of the head, for looking only: what is left when scalp, skull and face are taken off.

By shape and signal alone: the signal is evened out (coils brighten what is near them), tissue of the brain's signal
deep under the skin is worn down until it no longer hangs together with the face, its largest part is grown
back and closed. The strength of the wearing down is the least that leaves a plausible brain; where none does,
nothing is masked and the picture does not claim it. Tried on three public T1 series (3D, 3D with a strong coil
profile, and 2D with gaps) and on the synthetic head.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

_EVEN_MM = 22.0  # width of the Gaussian by which the signal is evened out
_SKIN_MM, _DEEP_MM = 5.0, 20.0
_BRIGHTEST = 2.2  # times the median of the deep tissue: fat and vessels beyond it are no brain
_WORN_MM = (3.0, 4.0, 5.0, 6.5, 8.0)
_BACK_MM, _CLOSED_MM = 2.5, 8.0
_PLAUSIBLE_ML = (700.0, 1900.0)


def brain(signal: npt.NDArray[Any], foreground: float, edges: Floats) -> Bools | None:
    """Voxels of the brain, or None where none can be told apart.

    Parameters
    ----------
    signal : (slices, rows, columns), any unit
    foreground : signal from which a voxel belongs to the head
    edges : (3,) mm
    """
    from scipy import ndimage

    def depth(mask: Bools) -> Floats:
        return np.asarray(ndimage.distance_transform_edt(mask, sampling=edges))

    head = _head(signal, foreground)
    if head is None:
        return None
    even = _evened(signal, head, edges)
    # outside the volume is air too
    under_skin = depth(np.pad(head, 1))[1:-1, 1:-1, 1:-1]
    deep = even[under_skin > _DEEP_MM]
    if len(deep) < 1000:
        return None
    tissue = _between(deep[deep < np.percentile(deep, 95)])
    like_brain = (even > tissue) & (even < _BRIGHTEST * float(np.median(deep))) & (under_skin > _SKIN_MM)
    inside = depth(like_brain)
    for worn in _WORN_MM:
        core = _largest(inside > worn)
        if core is None:
            return None
        grown = (depth(~core) <= worn + _BACK_MM) & (under_skin > _SKIN_MM)
        rim = [(int(np.ceil(_CLOSED_MM / mm)) + 1,) * 2 for mm in edges]
        wide = depth(~np.pad(grown, rim)) <= _CLOSED_MM
        closed: Bools = (depth(wide) > _CLOSED_MM)[tuple(slice(a, -b) for a, b in rim)]
        _fill(closed)
        millilitres = float(np.count_nonzero(closed)) * float(edges.prod()) / 1000
        if _PLAUSIBLE_ML[0] <= millilitres <= _PLAUSIBLE_ML[1]:
            return closed
    return None


def _head(signal: npt.NDArray[Any], foreground: float) -> Bools | None:
    head = _largest(signal > foreground)
    if head is not None:
        _fill(head)
    return head


def _evened(signal: npt.NDArray[Any], head: Bools, edges: Floats) -> npt.NDArray[np.float32]:
    from scipy import ndimage

    def wide(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return np.asarray(ndimage.gaussian_filter(values, _EVEN_MM / edges, truncate=2.5))

    plain = signal.astype(np.float32)
    dull = np.minimum(plain, np.float32(np.percentile(plain[head], 90)))  # fat under the skin must not lead
    profile = wide(dull * head) / np.maximum(wide(head.astype(np.float32)), np.float32(1e-3))
    return np.where(head, plain / np.maximum(profile, np.float32(1e-3)), np.float32(0)).astype(np.float32)


def _between(values: npt.NDArray[np.float32]) -> float:
    from render import tones

    return tones.otsu(values)


def _largest(mask: Bools) -> Bools | None:
    from scipy import ndimage

    parts, count = ndimage.label(mask)
    if count == 0:
        return None
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return np.asarray(parts == int(sizes.argmax()), dtype=bool)


def _fill(mask: Bools) -> None:
    from scipy import ndimage

    for axis in range(3):
        for section in np.moveaxis(mask, axis, 0):
            section[:] = ndimage.binary_fill_holes(section)
