"""VTK: surfaces from voxels, and its volume mappers as a second renderer. Nothing else knows VTK."""

from __future__ import annotations

from vtkmodules.vtkCommonCore import vtkSMPTools

# the wheel's default back end is a single thread; this alone halves surfaces, smoothing and normals
vtkSMPTools.SetBackend("STDThread")
