"""Ending what a killed program left half done: files of deleted studies, copies that the index never came to know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workstation.archive.files import remove_below

if TYPE_CHECKING:
    from workstation.desk.place import Place


def tidy(place: Place) -> int:
    """Bring disk and index together again; the number of files removed. Costs nothing where nothing is open.

    A study whose import was interrupted keeps its mark, and the images that are in the index: the next import of
    it completes them. Nothing is touched while any process copies files in.
    """
    place.files.sweep()
    removed = finish_leaving(place)
    interrupted = place.marks.arriving()
    if interrupted:
        with place.files.busy.alone() as alone:
            for study_uid in interrupted if alone else ():
                known = {i.place for i in place.library.instances(study_uid)}
                removed += place.files.remove_strangers(study_uid, known)
    return removed


def finish_leaving(place: Place, study_uid: str = "") -> int:
    """Remove files of deleted studies; the number removed. What cannot be removed now is tried again later.

    It happens inside the transaction that strikes them off the list, so that the same study coming in again, which
    begins with a transaction of its own, finds its folder either full or empty.
    """
    if not place.marks.leaving(study_uid):
        return 0
    removed = 0
    with place.db.writing():
        for name in place.marks.leaving(study_uid):
            if remove_below(place.home, place.home / name):
                place.marks.left(name)
                removed += 1
    return removed
