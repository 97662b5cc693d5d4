"""How it looks: voxels and a :class:`~render.view.View` in, a picture or a surface out.

Knows numpy, VTK, numba, Pillow and msgspec; knows no Qt, no DICOM and nothing of the program around it.
Everything is DICOM patient space (LPS, millimetres); arrays are ``[slice, row, column]``.
"""
