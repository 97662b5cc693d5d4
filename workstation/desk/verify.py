"""Whether everything that is kept is still what was written: files, the journal's chain, the ledger's chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from workstation.desk.charge_ledger import broken_ledger

if TYPE_CHECKING:
    from collections.abc import Callable

    from workstation.desk.place import Place


class Verified(msgspec.Struct, frozen=True):
    """What was looked at, and each thing that is wrong in one sentence without identity.

    `elsewhere` counts files of studies that a department's other workstations hold and this home does not.
    """

    files: int
    journal_lines: int
    ledger_rows: int
    wrong: tuple[str, ...]
    elsewhere: int = 0


def verify(place: Place, progress: Callable[[int, int], None] | None = None) -> Verified:
    """Read every file against its checksum and both chains from their first line."""
    wrong: list[str] = list(place.db.check())
    items = place.library.instances()
    elsewhere = 0
    for number, item in enumerate(items, start=1):
        path = place.files.path(item.place)
        if not path.is_file() and place.db.shared and not path.parent.parent.is_dir():
            elsewhere += 1
        elif not path.is_file():
            wrong.append(f"The file {item.place} is missing.")
        elif not place.files.matches(item.place, item.sha256):
            wrong.append(f"The file {item.place} is not what was stored.")
        if progress is not None:
            progress(number, len(items))
    broken = place.journal.verify()
    if broken is not None:
        wrong.append(broken.sentence)
    sentence = broken_ledger(place)
    if sentence:
        wrong.append(sentence)
    return Verified(len(items) - elsewhere, place.journal.last_number(), place.ledger.count(), tuple(wrong), elsewhere)
