"""VTK used the way its own examples do, as something to measure beside: `renderdesk bench view`.

Not used for any picture of the program. Everything here keeps VTK's defaults on purpose.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkSMPTools, vtkUnsignedCharArray
from vtkmodules.vtkFiltersCore import vtkPolyDataNormals, vtkWindowedSincPolyDataFilter
from vtkmodules.vtkImagingCore import vtkImageReslice
from vtkmodules.vtkRenderingCore import vtkRenderer, vtkVolume
from vtkmodules.vtkRenderingVolume import vtkFixedPointVolumeRayCastMapper

from render import planes
from render.caster import smoothing
from render.errors import RenderError
from render.pipeline import isosurface, mappers
from render.view import Camera, Plane, Technique, View
from render.volume import Volume

Rgb = npt.NDArray[np.uint8]


class FixedPoint:
    """The fixed-point mapper with its defaults (automatic sample distances), one window kept for all frames.

    Parameters
    ----------
    volume : on a regular grid
    view : volume rendering with a look, or a maximum projection with a window; its size
    """

    def __init__(self, volume: Volume, view: View) -> None:
        self._volume = volume
        self._window = mappers.off_screen(view.size)
        image, matrix = mappers.image_of(volume)
        mapper = vtkFixedPointVolumeRayCastMapper()
        mapper.SetInputData(image)
        if view.technique is Technique.MIP:
            mapper.SetBlendModeToMaximumIntensity()
        shown = vtkVolume()
        shown.SetMapper(mapper)
        shown.SetProperty(mappers._property(volume, view))
        shown.SetUserMatrix(matrix)
        self._scene = vtkRenderer()
        self._scene.AddVolume(shown)
        self._window.AddRenderer(self._scene)

    def frame(self, camera: Camera) -> Rgb:
        """Draw and read back; (height, width, 3)."""
        mappers._aim(self._scene, camera)
        self._scene.ResetCameraClippingRange()
        self._window.Render()
        width, height = self._window.GetSize()
        pixels = vtkUnsignedCharArray()
        self._window.GetPixelData(0, 0, width - 1, height - 1, 0, pixels, 0)
        return np.ascontiguousarray(vtk_to_numpy(pixels).reshape(height, width, 3)[::-1])

    def close(self) -> None:
        """Give the window back."""
        self._window.Finalize()


class PyVista:
    """PyVista's own `add_volume` with its defaults."""

    def __init__(self, volume: Volume, size: tuple[int, int]) -> None:
        import pyvista

        image, _ = mappers.image_of(volume)
        self._plotter = pyvista.Plotter(off_screen=True, window_size=list(size))
        self._plotter.add_volume(pyvista.wrap(image))
        self._plotter.show(auto_close=False)
        self._turn = 0

    def frame(self) -> None:
        """Turn by 7 degrees, draw and read back."""
        self._plotter.camera.Azimuth(7)
        self._plotter.render()
        self._plotter.screenshot(return_img=True)

    def close(self) -> None:
        """Give the window back."""
        self._plotter.close()


class Reslice:
    """`vtkImageReslice` for one plane or slab, and a table from values to grey."""

    def __init__(
        self, volume: Volume, plane: Plane, size: tuple[int, int], slab_mm: float = 0.0, layers: int = 1
    ) -> None:
        image, matrix = mappers.image_of(volume)
        turn = np.array([[matrix.GetElement(r, c) for c in range(4)] for r in range(4)])
        back = np.linalg.inv(turn)
        right, down = (back[:3, :3] @ np.array(v) for v in (plane.right_lps, plane.down_lps))
        centre = (back @ np.array([*plane.centre_lps_mm, 1.0]))[:3]
        self._reslice = vtkImageReslice()
        self._reslice.SetInputData(image)
        self._reslice.SetOutputDimensionality(2)
        self._reslice.SetResliceAxesDirectionCosines(*right, *down, *np.cross(right, down))
        self._reslice.SetResliceAxesOrigin(*centre)
        self._reslice.SetInterpolationModeToLinear()
        scale = plane.mm_per_pixel
        self._reslice.SetOutputSpacing(scale, scale, slab_mm / (layers - 1) if layers > 1 else 1.0)
        self._reslice.SetOutputOrigin(-scale * (size[0] - 1) / 2, -scale * (size[1] - 1) / 2, 0.0)
        self._reslice.SetOutputExtent(0, size[0] - 1, 0, size[1] - 1, 0, 0)
        self._reslice.SetBackgroundLevel(float(volume.voxels.min()))
        if layers > 1:
            self._reslice.SetSlabModeToMean()
            self._reslice.SetSlabNumberOfSlices(layers)
            self._reslice.SetSlabSliceSpacingFraction(1.0)
        self._size = size

    def values(self) -> npt.NDArray[Any]:
        """(height, width) values of the plane, computed anew."""
        self._reslice.Modified()
        self._reslice.Update()
        flat = vtk_to_numpy(self._reslice.GetOutput().GetPointData().GetScalars())
        return flat.reshape(self._size[1], self._size[0])

    def grey(self, table: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """(height, width) grey through a table of 65 536 entries (int16 volumes)."""
        values = self.values()
        if values.dtype != np.int16:
            raise RenderError("bench", "The table of the peer is made for 16-bit volumes.")
        return table[values.view(np.uint16)]


def slab_layers(volume: Volume, thickness_mm: float) -> int:
    """As many layers as the program itself takes."""
    from render.view import Slab

    return planes.layers(volume, Slab(mode="mean", thickness_mm=thickness_mm))[0]


def smooth_with_one_thread(points: isosurface.F32, triangles: isosurface.I32) -> None:
    """Smoothing and normals with VTK's threading as its wheel sets it."""
    ours = vtkSMPTools.GetBackend()
    vtkSMPTools.SetBackend("Sequential")
    try:
        normals = vtkPolyDataNormals()
        normals.SetInputData(isosurface.poly(smoothed(points, triangles, 0.5), triangles))
        normals.SplittingOff()
        normals.ConsistencyOff()
        normals.AutoOrientNormalsOff()
        normals.Update()
    finally:
        vtkSMPTools.SetBackend(ours)


def smoothed(points: isosurface.F32, triangles: isosurface.I32, strength: float) -> isosurface.F32:
    """Points as VTK's own windowed sinc filter moves them; `strength` as for `isosurface.smoothed`."""
    sinc = vtkWindowedSincPolyDataFilter()
    sinc.SetInputData(isosurface.poly(points, triangles))
    sinc.SetNumberOfIterations(smoothing.ITERATIONS)
    sinc.SetPassBand(10 ** (-2 * strength))
    sinc.BoundarySmoothingOff()
    sinc.FeatureEdgeSmoothingOff()
    sinc.NonManifoldSmoothingOn()
    sinc.NormalizeCoordinatesOn()
    sinc.Update()
    return np.array(vtk_to_numpy(sinc.GetOutput().GetPoints().GetData()), dtype=np.float32)
