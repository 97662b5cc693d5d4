"""Deleting a study: its files, index rows and drafts go, the fact stays in the journal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from workstation.archive.files import name_of
from workstation.base.errors import InputRefused, RenderDeskError
from workstation.base.events import CaseKey
from workstation.desk.charge_tasks import charges_left
from workstation.desk.housekeeping import finish_leaving
from workstation.desk.open_study import stored_case
from workstation.desk.scan_store import scan_path
from workstation.desk.thumbnails import thumbnail_places

if TYPE_CHECKING:
    from workstation.base.events import Actor
    from workstation.desk.place import Place


@dataclass(frozen=True)
class Deletion:
    """What goes with a study.

    Parameters
    ----------
    needs_reason : something of it was released, signed or charged
    charges : ids of the active charges that rest on it; they stay, and the biller is asked about each
    """

    study_uid: str
    images: int
    drafts: int
    state: str
    needs_reason: bool
    charges: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """For the person who decides, without identity."""
        drafts = f" and {self.drafts} draft pictures" if self.drafts else ""
        record = " Parts of it are released, signed or charged." if self.needs_reason else ""
        return f"{self.images} stored images{drafts} of this study would be deleted for good.{record}{self._charged}"

    @property
    def _charged(self) -> str:
        if not self.charges:
            return ""
        if len(self.charges) == 1:
            return f" Charge {self.charges[0]} rests on it and is not taken back; the biller is asked about it."
        listed = ", ".join(self.charges)
        return f" Charges {listed} rest on it and are not taken back; the biller is asked about each."


def deletion_of(place: Place, study_uid: str) -> Deletion:
    """What deleting would take away.

    Raises
    ------
    InputRefused
        ``unknown_study``; ``part`` of a split study, whose files are not its own.
    """
    row = place.library.study(study_uid)
    if row.part_of:
        raise InputRefused(
            "part", "These images lie in one study with another patient's; delete that study, or take its split back."
        )
    charges = charges_left(place, study_uid, *place.library.parts_of(study_uid))
    return Deletion(
        study_uid=study_uid,
        images=row.images,
        drafts=len(_draft_places(place, study_uid)),
        state=row.state,
        needs_reason=bool(charges) or row.state in ("released", "signed", "charged"),
        charges=charges,
    )


def delete_study(place: Place, actor: Actor | None, study_uid: str, reason: str) -> Deletion:
    """Delete it. Index and journal change in one transaction; after it the files go, at the latest at the next start.

    Raises
    ------
    InputRefused
        ``unknown_study``; ``reason``: something of it was released, signed or charged and no reason is given.
    """
    asked = deletion_of(place, study_uid)
    if asked.needs_reason and (actor is None or not reason.strip()):
        raise InputRefused(
            "reason", "Parts of this study are released, signed or charged; an administrator must give a reason."
        )
    row = place.library.study(study_uid)
    reports, charge = _record(place, study_uid)
    with place.db.writing():
        series, parts = list(place.library.series_of(study_uid)), tuple(place.library.parts_of(study_uid))
        others = [*_draft_places(place, study_uid), *thumbnail_places(place, study_uid)]
        for uid in (study_uid, *parts):
            scan = scan_path(place.home, place.installation, uid)
            if scan.is_file():
                others.append(scan.relative_to(place.home).as_posix())
        held = place.library.remove_study(study_uid)
        place.marks.leaves(study_uid, [*(f"files/{i.place}" for i in held), *others])
        place.act(
            "study_deleted",
            actor,
            CaseKey(row.patient_key, study_uid),
            images=len(held),
            files=len(held) + len(others),
            state=row.state,
            reports=reports,
            charge_id=charge,
            tasks=list(charges_left(place, study_uid, *parts)),
            series=series,
            reason=reason.strip(),
        )
    finish_leaving(place, study_uid)
    return asked


def _draft_places(place: Place, study_uid: str) -> list[str]:
    folder = place.home / "drafts" / name_of(study_uid)
    return [p.relative_to(place.home).as_posix() for p in folder.glob("*") if p.is_file()]


def _record(place: Place, study_uid: str) -> tuple[list[str], str]:
    """Reports and charge of the case; a case that another version wrote does not keep its study from being deleted."""
    try:
        case = stored_case(place, study_uid)
    except RenderDeskError:
        return [], ""
    return ([r.sop_uid for r in case.reports], case.charge) if case is not None else ([], "")
