"""Scans that are kept, so that a study is on screen at once: of rows that a person points at, and of what is open.

Files of the library never change, and whose they are is read again when they are decoded: a kept scan can be out of
date in nothing but what it lacks, and it is made anew when the study's list of files is another one.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from workstation.desk.scan_store import keep, kept, list_mark
from workstation.dicom.found import ScanResult
from workstation.dicom.scan import scan

KEPT = 4


class Scans:
    """The newest scans of library studies, by the files that they are of; all of them on disk, if there is a place.

    Parameters
    ----------
    place_of : study -> file in which its scan is kept
    most : how many stay in memory
    """

    def __init__(self, place_of: Callable[[str], Path] | None = None, most: int = KEPT) -> None:
        self._place_of = place_of
        self._lock = threading.Lock()
        self._most = most
        self._found: OrderedDict[bytes, ScanResult] = OrderedDict()
        self._writers: list[threading.Thread] = []
        self._under_way: dict[bytes, threading.Event] = {}

    def of(
        self,
        paths: list[Path],
        study_uid: str = "",
        progress: Callable[[int, int], None] | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> ScanResult:
        """The scan of these files, all of one study: the kept one, the one that is under way, or a new one."""
        key = list_mark(paths)
        while True:
            with self._lock:
                if key in self._found:
                    self._found.move_to_end(key)
                    return self._found[key]
                other = self._under_way.get(key)
                if other is None:
                    self._under_way[key] = threading.Event()
            if other is None:
                break
            while not other.wait(0.05):
                if stop is not None and stop():
                    return ScanResult()
        try:
            place = self._place_of(study_uid) if self._place_of is not None and study_uid else None
            found = kept(place, paths) if place is not None else None
            result = scan(paths, progress=progress, stop=stop) if found is None else found
            if stop is None or not stop():
                with self._lock:
                    self._found[key] = result
                    while len(self._found) > self._most:
                        self._found.popitem(last=False)
                if place is not None and found is None:
                    writer = threading.Thread(target=keep, args=(place, paths, result), name="keep-scan", daemon=True)
                    self._writers = [w for w in self._writers if w.is_alive()] + [writer]
                    writer.start()
        finally:
            with self._lock:
                self._under_way.pop(key).set()
        return result

    def settle(self) -> None:
        """Wait for scans and their writing: after a deletion nothing of the study may come to the disk again."""
        with self._lock:
            under_way = list(self._under_way.values())
        for event in under_way:
            event.wait(30)
        for writer in tuple(self._writers):
            writer.join(30)

    def forget(self) -> None:
        """Keep nothing: somebody else sits down, or files are gone."""
        with self._lock:
            self._found.clear()
