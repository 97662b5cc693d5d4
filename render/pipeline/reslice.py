"""Planes by VTK's reslicer: the second way, which tests and the bench hold against the kernels of `render.planes`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonCore import VTK_FLOAT, VTK_SHORT
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkImagingCore import vtkImageReslice

from render import planes
from render.errors import RenderError

if TYPE_CHECKING:
    from render.view import Plane, Slab
    from render.volume import Volume

_NOTHING = -1e30


def sample(
    volume: Volume, plane: Plane, size: tuple[int, int], slab: Slab | None = None, interpolation: str = "linear"
) -> npt.NDArray[np.float32]:
    """Values of a plane or slab of a regular volume without padding; see `render.planes.sample`.

    Returns
    -------
    (height, width) float32, NaN outside the grid

    Raises
    ------
    RenderError
        code ``renderer``: sheared, uneven or padded volumes, which this way does not know.
    """
    if volume.needs_display_copy or volume.padding is not None:
        raise RenderError("renderer", "VTK's reslicer is used here for regular volumes without padding alone.")
    slices, rows, columns = volume.geometry.shape
    edges = np.array(volume.geometry.spacing_mm)
    image = vtkImageData()
    image.SetDimensions(columns, rows, slices)
    image.SetSpacing(edges[2], edges[1], edges[0])
    kind = VTK_SHORT if volume.voxels.dtype == np.int16 else VTK_FLOAT
    image.GetPointData().SetScalars(numpy_to_vtk(volume.voxels.ravel(), deep=False, array_type=kind))
    count, apart = planes.layers(volume, slab)
    # the image's own frame: columns, rows, slices are its x, y, z
    turn = (volume.geometry.affine_lps[:3, :3] / edges)[:, ::-1]
    n = planes.normal(plane)
    origin = turn.T @ (planes.corner(plane, size) - volume.geometry.affine_lps[:3, 3])
    reslice = vtkImageReslice()
    reslice.SetInputData(image)
    reslice.SetOutputDimensionality(2)
    reslice.SetOutputScalarType(VTK_FLOAT)
    axes = (turn.T @ np.array(plane.right_lps), turn.T @ np.array(plane.down_lps), turn.T @ n)
    reslice.SetResliceAxesDirectionCosines(*(float(x) for axis in axes for x in axis))
    reslice.SetResliceAxesOrigin(*(float(x) for x in origin))
    reslice.SetOutputSpacing(plane.mm_per_pixel, plane.mm_per_pixel, apart if count > 1 else 1.0)
    reslice.SetOutputOrigin(0.0, 0.0, 0.0)
    reslice.SetOutputExtent(0, size[0] - 1, 0, size[1] - 1, 0, 0)
    reslice.SetBackgroundLevel(_NOTHING)
    reslice.BorderOn()
    if interpolation == "cubic" and count == 1:
        reslice.SetInterpolationModeToCubic()
    elif interpolation == "none":
        reslice.SetInterpolationModeToNearestNeighbor()
    else:
        reslice.SetInterpolationModeToLinear()
    if count > 1 and slab is not None:
        reslice.SetSlabNumberOfSlices(count)
        reslice.SetSlabSliceSpacingFraction(1.0)
        {"mip": reslice.SetSlabModeToMax, "minip": reslice.SetSlabModeToMin, "mean": reslice.SetSlabModeToMean}[
            slab.mode
        ]()
    reslice.Update()
    out = np.array(vtk_to_numpy(reslice.GetOutput().GetPointData().GetScalars()), dtype=np.float32)
    out = out.reshape(size[1], size[0])
    out[out < _NOTHING / 2] = np.nan
    return out
