"""Where the bundled study lies: beside the packages in a checkout, or where the installation put it."""

from __future__ import annotations

from pathlib import Path

import workstation
from workstation.base.errors import InputRefused


def bundled_study() -> Path:
    """Folder ``sample_dicom``.

    Raises
    ------
    InputRefused
        ``no_sample``: this installation came without it.
    """
    folder = Path(workstation.__file__).resolve().parent.parent / "sample_dicom"
    if not (folder / "manifest.json").is_file():
        raise InputRefused("no_sample", "The bundled study is missing; the program's folder is incomplete.")
    return folder
