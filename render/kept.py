"""Values that are worked out once per volume and forgotten with it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from typing import Concatenate

    from render.volume import Volume

P = ParamSpec("P")
T = TypeVar("T")


def per_volume(work: Callable[Concatenate[Volume, P], T]) -> Callable[Concatenate[Volume, P], T]:
    """Remember the results of a function of a volume; a plain cache would keep the voxels alive after closing."""
    results: WeakKeyDictionary[Volume, dict[Any, T]] = WeakKeyDictionary()

    @wraps(work)
    def remembered(volume: Volume, /, *args: P.args, **kwargs: P.kwargs) -> T:
        known = results.setdefault(volume, {})
        key = (args, tuple(sorted(kwargs.items())))
        if key not in known:
            known[key] = work(volume, *args, **kwargs)
        return known[key]

    return remembered
