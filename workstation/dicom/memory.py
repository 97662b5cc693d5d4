"""How much memory there is, and how much a volume takes. DICOM page 5, preflight."""

from __future__ import annotations

import os
from pathlib import Path

_SHARE = 0.7
_FIXED = 200_000_000


def needed(voxels: int, itemsize: int, plane: int, *, resampled: bool, workers: int) -> int:
    """Bytes while a volume is loaded and shown: V * (1.25, + 1 if resampled) + workers * 8 planes + 200 MB."""
    return int(voxels * itemsize * (2.25 if resampled else 1.25)) + workers * 8 * plane + _FIXED


def allowed() -> int | None:
    """Bytes that may be taken: 70 % of what is free or of the container's limit; None where nobody says."""
    free = [v for v in (_available(), _container()) if v is not None]
    return int(_SHARE * min(free)) if free else None


def _available() -> int | None:
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _container() -> int | None:
    """What is left under the limit of the control group (version 2, then 1)."""
    pairs = (
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.stat"),
        (
            "/sys/fs/cgroup/memory/memory.limit_in_bytes",
            "/sys/fs/cgroup/memory/memory.usage_in_bytes",
            "/sys/fs/cgroup/memory/memory.stat",
        ),
    )
    for limit, used, stat in pairs:
        try:
            most = int(Path(limit).read_text(encoding="ascii"))
            now = int(Path(used).read_text(encoding="ascii"))
            lines = Path(stat).read_text(encoding="ascii").splitlines()
        except (OSError, ValueError):
            continue
        # Cached files count as used but are given back when memory is wanted.
        cached = sum(
            int(line.split()[1]) for line in lines if line.split()[0] in ("inactive_file", "total_inactive_file")
        )
        return max(0, most - now + cached) if most < 1 << 60 else None
    return None
