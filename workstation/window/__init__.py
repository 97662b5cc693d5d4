"""The window: the only importers of PySide6, which is made safe here for a long day on Python 3.11."""

from __future__ import annotations

import ctypes
import sys

_MANY = 1 << 40


def _keep_singletons() -> None:
    """Give None and its like so many references that nothing can use them up.

    PySide6 6.12 is built with headers of Python 3.12, where these objects are immortal and are returned without
    counting (PEP 683). On 3.11 every call that returns None then takes one reference too many: measured, 6000
    calls of `processEvents` end in "Fatal Python error: none_dealloc". Python 3.12 does the same as this, itself.
    """
    if sys.implementation.name != "cpython" or sys.version_info >= (3, 12):
        return
    for one in (None, True, False, NotImplemented, Ellipsis):
        ctypes.c_ssize_t.from_address(id(one)).value += _MANY


_keep_singletons()
