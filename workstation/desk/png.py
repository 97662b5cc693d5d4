"""PNG bytes of a picture and back: what drafts are kept as, and what goes into files for people."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt

from workstation.base.errors import ArchiveError


def png_bytes(rgb: npt.NDArray[np.uint8], *, fast: bool = True) -> bytes:
    """Encode (height, width, 3) uint8; no metadata."""
    from PIL import Image

    into = io.BytesIO()
    Image.fromarray(rgb).save(into, "PNG", compress_level=1 if fast else 6)
    return into.getvalue()


def rgb_of(png: bytes) -> npt.NDArray[np.uint8]:
    """Decode to (height, width, 3) uint8.

    Raises
    ------
    ArchiveError
        ``damaged``: the bytes are no PNG.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(png)) as image:
            return np.asarray(image.convert("RGB"))
    except OSError as error:
        raise ArchiveError("damaged", "A draft picture cannot be read; make it again.") from error
