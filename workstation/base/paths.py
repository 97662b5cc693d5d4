"""Where this installation keeps its things."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """The home: `RENDERDESK_HOME`, else the platform's own place for application data."""
    given = os.environ.get("RENDERDESK_HOME")
    if given:
        return Path(given)
    import platformdirs

    return Path(platformdirs.user_data_dir("RenderDesk", appauthor=False))


def cache() -> Path:
    """Place for what can be made again (compiled kernels)."""
    import platformdirs

    return Path(os.environ.get("RENDERDESK_CACHE") or platformdirs.user_cache_dir("RenderDesk", appauthor=False))
