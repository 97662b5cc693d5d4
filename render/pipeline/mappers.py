"""VTK's volume mappers: the second renderer, and the reference that tests compare the caster with."""

from __future__ import annotations

import os
import sys

import numpy as np
import numpy.typing as npt

if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
    # else VTK tries X first and prints a warning
    os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")

import vtkmodules.vtkRenderingFreeType
import vtkmodules.vtkRenderingOpenGL2  # noqa: F401
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonCore import VTK_FLOAT, VTK_SHORT, vtkUnsignedCharArray
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
    return "segments" if view.segments else ""


def draw(volume: Volume, view: View, renderer: str) -> npt.NDArray[np.uint8]:
    """A picture by VTK: volume rendering or maximum intensity; (height, width, 3) uint8.

    Parameters
    ----------
    volume : on a regular grid
    renderer : ``"VTK fixed point"`` or ``"VTK GPU"``

    Raises
    ------
    RenderError
        codes ``no_gl``, ``renderer`` (unknown name, or a view that it cannot draw), ``gl_failed``.
    """
    if renderer not in {FIXED_POINT, GPU}:
        raise RenderError("renderer", f"There is no renderer {renderer}.")
    why_not = beyond(view)
    if why_not:
        raise RenderError("renderer", f"{renderer} does not draw {why_not} here; the CPU caster does.")
    if view.camera is None:
        raise RenderError("recipe", "A 3D picture needs a camera.")
    window = off_screen(view.size)
    try:
        image, matrix = image_of(volume)
        mapper = vtkFixedPointVolumeRayCastMapper() if renderer == FIXED_POINT else vtkGPUVolumeRayCastMapper()
        step = view.step_mm or _STEP[view.quality] * min(volume.geometry.spacing_mm)
        mapper.SetInputData(image)
        mapper.SetAutoAdjustSampleDistances(0)  # the automatic mode follows the clock: no recipe could repeat it
        mapper.SetSampleDistance(step)
        if renderer == FIXED_POINT:
            mapper.SetInteractiveSampleDistance(step)
        mapper.SetImageSampleDistance(1.0)
        if view.technique is Technique.MIP:
            mapper.SetBlendModeToMaximumIntensity()
        _crop(mapper, view)
        shown = vtkVolume()
        shown.SetMapper(mapper)
        shown.SetProperty(_property(volume, view))
        shown.SetUserMatrix(matrix)
        scene = vtkRenderer()
        scene.AddVolume(shown)
        top, bottom = view.background
        scene.SetBackground(*rgb_of(bottom))
        scene.SetBackground2(*rgb_of(top))
        scene.SetGradientBackground(top != bottom)
        _aim(scene, view.camera)
        light = vtkLight()
        light.SetLightTypeToHeadlight()
        light.SetAmbientColor(1.0, 1.0, 1.0)  # else the fixed-point mapper leaves the ambient share out
        scene.AddLight(light)
        window.AddRenderer(scene)
        scene.ResetCameraClippingRange()
        window.Render()
        pixels = vtkUnsignedCharArray()
        width, height = view.size
        window.GetPixelData(0, 0, width - 1, height - 1, 0, pixels, 0)
        flat = vtk_to_numpy(pixels)
        if flat.size != width * height * 3:
            raise RenderError("gl_failed", "OpenGL gave no picture, so this renderer is not available.")
        return np.ascontiguousarray(flat.reshape(height, width, 3)[::-1])
    finally:
        window.Finalize()


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
