"""Ending what a killed program left half done: files of deleted studies, copies that the index never came to know,
charge messages that lay aside while they were taken back.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from workstation.archive.files import name_of, remove_below
from workstation.base.errors import RenderDeskError
from workstation.desk.message_files import put_back
from workstation.desk.thumbnails import thumbnail_path
from workstation.dicom import unpacked

if TYPE_CHECKING:
    from workstation.desk.place import Place


def tidy(place: Place) -> int:
    """Bring disk and index together again; the number of files removed. Costs nothing where nothing is open.

    A study whose import was interrupted keeps its mark, and the images that are in the index: the next import of
    it completes them. Nothing is touched while any process copies files in.
    """
    place.files.sweep()
    unpacked.sweep()
    removed = finish_leaving(place)
    with contextlib.suppress(RenderDeskError):
        # a mistake in the site file is told where charges are sent, and must not keep anybody from the pictures
        put_back(place)
    if place.db.shared:
        removed += follow_deletions(place)
    interrupted = place.marks.arriving()
    if interrupted:
        with place.files.busy.alone() as alone:
            for study_uid in interrupted if alone else ():
                known = {i.place for i in place.library.instances(study_uid)}
                removed += place.files.remove_strangers(study_uid, known)
    return removed


def follow_deletions(place: Place) -> int:
    """Remove this home's copies of studies that were deleted at another workstation; the number of files removed.

    Only what the journal names as deleted goes, and only while the index does not know it again.
    """
    gone = {
        e.event.case.study_uid: e.event.payload.get("series") or ()
        for e in place.journal.of_kinds("study_deleted")
        if e.event.case is not None
    }
    removed = 0
    for study_uid, series in gone.items():
        folders = [place.files.root / name_of(study_uid), place.home / "drafts" / name_of(study_uid)]
        pictures = [thumbnail_path(place, str(uid)) for uid in series]
        if not any(p.exists() for p in (*folders, *pictures)):
            continue
        with place.files.busy.alone() as alone:
            if not alone or place.library.holds(study_uid):
                continue
            for path in (*(f for folder in folders for f in folder.rglob("*") if f.is_file()), *pictures):
                removed += path.is_file() and remove_below(place.home, path)
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
