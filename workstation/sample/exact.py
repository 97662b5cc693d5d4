"""Functions whose last digit differs between processors, taken in double precision and rounded once.

The generator works in single precision; sums, products and roots are the same everywhere, but not
`exp` and powers. In double precision their differences are too small to reach a stored value.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from workstation.sample.space import Array


def bell(squared: npt.ArrayLike) -> Array:
    """exp(-squared), single precision."""
    return np.exp(-np.asarray(squared, np.float64)).astype(np.float32)


def power(base: npt.ArrayLike, exponent: float) -> Array:
    """Base ** exponent for base >= 0, single precision."""
    return np.power(np.asarray(base, np.float64), exponent).astype(np.float32)


def length(x: npt.ArrayLike, y: npt.ArrayLike, z: npt.ArrayLike = 0.0) -> Array:
    """Root of the sum of squares, single precision."""
    a, b, c = (np.asarray(v, np.float32) for v in (x, y, z))
    return np.asarray(np.sqrt(a * a + b * b + c * c), np.float32)
