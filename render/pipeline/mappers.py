"""VTK's volume mappers: the second renderer, and the reference that tests compare the caster with."""

from __future__ import annotations

import os
import sys
import threading

import numpy as np
import numpy.typing as npt

if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
    # else VTK tries X first and prints a warning
    os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")

import vtkmodules.vtkRenderingFreeType
import vtkmodules.vtkRenderingOpenGL2  # noqa: F401
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonCore import VTK_FLOAT, VTK_SHORT, VTK_UNSIGNED_CHAR, vtkUnsignedCharArray
from vtkmodules.vtkCommonDataModel import vtkImageData, vtkPiecewiseFunction, vtkPlane
from vtkmodules.vtkCommonMath import vtkMatrix4x4
from vtkmodules.vtkRenderingCore import (
    vtkColorTransferFunction,
    vtkLight,
    vtkRenderer,
    vtkRenderWindow,
    vtkVolume,
    vtkVolumeProperty,
)
from vtkmodules.vtkRenderingOpenGL2 import vtkTextureObject
from vtkmodules.vtkRenderingVolume import vtkFixedPointVolumeRayCastMapper, vtkGPUVolumeRayCastMapper
from vtkmodules.vtkRenderingVolumeOpenGL2 import vtkOpenGLGPUVolumeRayCastMapper  # noqa: F401

from render.errors import RenderError
from render.tones import rgb_of
from render.view import Camera, Look, Technique, View
from render.volume import Volume

FIXED_POINT, GPU = "VTK fixed point", "VTK GPU"
_STEP = {"record": 0.5, "settled": 1.0, "drag": 1.42}


def off_screen(size: tuple[int, int]) -> vtkRenderWindow:
    """A window that no one sees.

    Raises
    ------
    RenderError
        code ``no_gl``: OpenGL cannot be started here.
    """
    window = vtkRenderWindow()
    window.SetOffScreenRendering(1)
    window.SetMultiSamples(0)
    window.SetSize(*size)
    if window.GetClassName() in {"vtkRenderWindow", ""}:
        raise RenderError("no_gl", "OpenGL cannot be started here, so this renderer is not available.")
    return window


def image_of(volume: Volume) -> tuple[vtkImageData, vtkMatrix4x4]:
    """VTK's image over the volume's own memory, and the matrix from its space to LPS."""
    slices, rows, columns = volume.geometry.shape
    dk, dr, dc = volume.geometry.spacing_mm
    image = vtkImageData()
    image.SetDimensions(columns, rows, slices)
    image.SetSpacing(dc, dr, dk)
    kind = VTK_SHORT if volume.voxels.dtype == np.int16 else VTK_FLOAT
    image.GetPointData().SetScalars(numpy_to_vtk(volume.voxels.ravel(), deep=False, array_type=kind))
    a = volume.geometry.affine_lps
    matrix = vtkMatrix4x4()
    for row in range(3):
        for column, (axis, length) in enumerate(((2, dc), (1, dr), (0, dk))):
            matrix.SetElement(row, column, a[row, axis] / length)
        matrix.SetElement(row, 3, a[row, 3])
    return image, matrix


def beyond(view: View) -> str:
    """What of a view VTK's mappers do not draw here, in words; "" when they draw all of it."""
    if view.technique not in {Technique.VR, Technique.MIP}:
        return "this projection"
    if any(s.visible for s in view.surfaces) and view.technique is Technique.VR:
        return "surfaces"
    if view.planes:
        return "planes"
    if view.look is not None and view.look.within:
        return "a part of a body"
    tinted = any(s.visible and (s.colour or s.opacity < 1) for s in view.segments)
    return "tinted segments" if tinted else ""


def texture_limit(window: vtkRenderWindow) -> int:
    """Voxels that a 3D texture of this OpenGL may have on a side; 0 when it does not say."""
    return max(0, int(vtkTextureObject.GetMaximumTextureSize3D(window)))


_here = threading.local()  # a window belongs to the thread that made it: each thread keeps its newest volume


def draw(
    volume: Volume, view: View, renderer: str, shown: npt.NDArray[np.uint8] | None = None
) -> npt.NDArray[np.uint8]:
    """A picture by VTK: volume rendering or maximum intensity; (height, width, 3) uint8.

    Window, mapper and textures of the last volume of a thread are kept, so that the next picture of it is quick.

    Parameters
    ----------
    volume : on a regular grid
    renderer : ``"VTK fixed point"`` or ``"VTK GPU"``
    shown : for views with segments: (slices, rows, columns) 255 where something is shown, else 0

    Raises
    ------
    RenderError
        codes ``no_gl``, ``renderer`` (unknown name, or a view that it cannot draw), ``texture`` (the volume is
        larger than the card's textures), ``gl_failed``.
    """
    if renderer not in {FIXED_POINT, GPU}:
        raise RenderError("renderer", f"There is no renderer {renderer}.")
    why_not = beyond(view) or ("segments" if view.segments and (shown is None or renderer != GPU) else "")
    if why_not:
        raise RenderError("renderer", f"{renderer} does not draw {why_not} here; the CPU caster does.")
    if view.camera is None:
        raise RenderError("recipe", "A 3D picture needs a camera.")
    kept: _Scene | None = getattr(_here, "scene", None)
    if kept is None or kept.volume is not volume or kept.renderer != renderer:
        forget()
        kept = _here.scene = _Scene(volume, view.size, renderer)
    try:
        return kept.draw(view, shown)
    except BaseException:
        forget()
        raise


def forget() -> None:
    """Let go of what this thread keeps of its last volume."""
    kept: _Scene | None = getattr(_here, "scene", None)
    _here.scene = None
    if kept is not None:
        kept.window.Finalize()


class _Scene:
    """A window with one volume in it."""

    def __init__(self, volume: Volume, size: tuple[int, int], renderer: str) -> None:
        self.volume, self.renderer = volume, renderer
        self.window = off_screen(size)
        if renderer == GPU:
            self.window.Render()
            limit = texture_limit(self.window)
            if limit and max(volume.geometry.shape) > limit:
                self.window.Finalize()
                raise RenderError(
                    "texture",
                    f"The graphics card holds at most {limit} voxels on a side; the CPU caster draws this one.",
                )
        self.image, matrix = image_of(volume)
        self.mapper = vtkFixedPointVolumeRayCastMapper() if renderer == FIXED_POINT else vtkGPUVolumeRayCastMapper()
        self.mapper.SetInputData(self.image)
        self.mapper.SetAutoAdjustSampleDistances(0)  # the automatic mode follows the clock: no recipe could repeat it
        self.mapper.SetImageSampleDistance(1.0)
        self.shown = vtkVolume()
        self.shown.SetMapper(self.mapper)
        self.shown.SetUserMatrix(matrix)
        self.scene = vtkRenderer()
        self.scene.AddVolume(self.shown)
        light = vtkLight()
        light.SetLightTypeToHeadlight()
        light.SetAmbientColor(1.0, 1.0, 1.0)  # else the fixed-point mapper leaves the ambient share out
        self.scene.AddLight(light)
        self.window.AddRenderer(self.scene)
        self._mask: object = None

    def draw(self, view: View, shown: npt.NDArray[np.uint8] | None) -> npt.NDArray[np.uint8]:
        assert view.camera is not None
        step = view.step_mm or _STEP[view.quality] * min(self.volume.geometry.spacing_mm)
        mapper = self.mapper
        mapper.SetSampleDistance(step)
        if self.renderer == FIXED_POINT:
            mapper.SetInteractiveSampleDistance(step)
        if view.technique is Technique.MIP:
            mapper.SetBlendModeToMaximumIntensity()
        else:
            mapper.SetBlendModeToComposite()
        mapper.RemoveAllClippingPlanes()
        _crop(mapper, view)
        if self.renderer == GPU and shown is not self._mask:
            self._mask = shown
            mapper.SetMaskInput(None if shown is None else _mask_of(shown, self.image))
            mapper.SetMaskTypeToBinary()
        self.shown.SetProperty(_property(self.volume, view))
        top, bottom = view.background
        self.scene.SetBackground(*rgb_of(bottom))
        self.scene.SetBackground2(*rgb_of(top))
        self.scene.SetGradientBackground(top != bottom)
        _aim(self.scene, view.camera)
        self.window.SetSize(*view.size)
        self.scene.ResetCameraClippingRange()
        self.window.Render()
        pixels = vtkUnsignedCharArray()
        width, height = view.size
        self.window.GetPixelData(0, 0, width - 1, height - 1, 0, pixels, 0)
        flat = vtk_to_numpy(pixels)
        if flat.size != width * height * 3:
            raise RenderError("gl_failed", "OpenGL gave no picture, so this renderer is not available.")
        return np.ascontiguousarray(flat.reshape(height, width, 3)[::-1])


def _mask_of(shown: npt.NDArray[np.uint8], image: vtkImageData) -> vtkImageData:
    mask = vtkImageData()
    mask.SetDimensions(*image.GetDimensions())
    mask.SetSpacing(*image.GetSpacing())
    flat = numpy_to_vtk(np.ascontiguousarray(shown).ravel(), deep=True, array_type=VTK_UNSIGNED_CHAR)
    mask.GetPointData().SetScalars(flat)
    return mask


def _aim(scene: vtkRenderer, eye: Camera) -> None:
    camera = scene.GetActiveCamera()
    camera.SetPosition(*eye.position_lps_mm)
    camera.SetFocalPoint(*eye.focal_lps_mm)
    camera.SetViewUp(*eye.up_lps)
    camera.SetParallelProjection(eye.parallel)
    camera.SetParallelScale(eye.height_mm / 2)
    camera.SetViewAngle(eye.angle_deg)


def _crop(mapper: vtkFixedPointVolumeRayCastMapper | vtkGPUVolumeRayCastMapper, view: View) -> None:
    cuts = [(c.point_lps_mm, c.normal_lps) for c in view.clips]
    if view.crop is not None:
        for axis in range(3):
            for place, sign in ((view.crop.low_lps_mm, 1.0), (view.crop.high_lps_mm, -1.0)):
                n = [0.0, 0.0, 0.0]
                n[axis] = sign
                cuts.append((place, (n[0], n[1], n[2])))
    for place, normal in cuts:
        plane = vtkPlane()
        plane.SetOrigin(*place)
        plane.SetNormal(*normal)
        mapper.AddClippingPlane(plane)


def _property(volume: Volume, view: View) -> vtkVolumeProperty:
    look = _window_look(view) if view.look is None else view.look
    opacity, colour = vtkPiecewiseFunction(), vtkColorTransferFunction()
    for value, share in look.opacity:
        opacity.AddPoint(value, share)
    for value, text in look.colour:
        colour.AddRGBPoint(value, *rgb_of(text))
    result = vtkVolumeProperty()
    result.SetScalarOpacity(opacity)
    result.SetColor(colour)
    result.SetScalarOpacityUnitDistance(1.0)
    result.SetInterpolationTypeToLinear()
    if view.technique is Technique.VR:
        result.ShadeOn()
        result.SetAmbient(look.ambient)
        result.SetDiffuse(look.diffuse)
        result.SetSpecular(look.specular)
        result.SetSpecularPower(look.power)
        if look.gradient:
            # VTK's unit of gradients is per mean voxel edge (measured on ramps of several spacings)
            edge = float(np.mean(volume.geometry.spacing_mm))
            factor = vtkPiecewiseFunction()
            for slope, share in look.gradient:
                factor.AddPoint(slope * edge, share)
            result.SetGradientOpacity(factor)
    return result


def _window_look(view: View) -> Look:
    assert view.window is not None
    low, high = view.window.center - view.window.width / 2, view.window.center + view.window.width / 2
    return Look(
        name="window", version="", opacity=((low, 1.0), (high, 1.0)), colour=((low, "000000"), (high, "ffffff"))
    )
