"""Key objects: which pictures matter and why, or which are rejected (PS3.3 A.35.4, PS3.16 TID 2010)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from workstation.base.errors import InputRefused
from workstation.dicom import codes
from workstation.dicom.sr_content import document, image, observers, root, text
from workstation.dicom.write_common import begin, date_text, evidence, local_time, time_text
from workstation.dicom.written import (
    COMPREHENSIVE_3D_SR_CLASS,
    ENHANCED_SR_CLASS,
    KOS_CLASS,
    PDF_CLASS,
    SERIES_NUMBER,
    Equipment,
    Reference,
)

if TYPE_CHECKING:
    from workstation.base.events import Actor

Title = Literal["of_interest", "for_surgeon", "for_report", "rejected_quality", "rejected_safety"]
_NO_IMAGES = {ENHANCED_SR_CLASS, COMPREHENSIVE_3D_SR_CLASS, PDF_CLASS}


def key_objects(
    source: Dataset,
    references: Sequence[Reference],
    *,
    sop_uid: str,
    series_uid: str,
    equipment: Equipment,
    now: datetime,
    author: Actor,
    title: Title = "for_report",
    description: str = "",
    instance_number: int = 1,
    study: Mapping[str, str] | None = None,
) -> Dataset:
    """A key object selection.

    Parameters
    ----------
    references : pictures and documents in the order in which they matter
    title : why they were chosen; the two rejections retract what was sent
    description : a sentence for the person who receives it

    Raises
    ------
    InputRefused
        Nothing was chosen.
    """
    if not references:
        raise InputRefused("nothing_chosen", "No picture is chosen.")
    at = local_time(now, source)
    ds = begin(
        source,
        sop_class=KOS_CLASS,
        sop_uid=sop_uid,
        series_uid=series_uid,
        series_number=SERIES_NUMBER["key_images"],
        instance_number=instance_number,
        modality="KO",
        description=codes.KEY_TITLES[title].meaning,
        equipment=equipment,
        now=now,
        study=study,
    )
    ds.ContentDate, ds.ContentTime = date_text(at), time_text(at)
    ds.ReferencedPerformedProcedureStepSequence = Items([])
    # every instance is evidence of the study in which it lies; the module knows only the current sequence
    evidence(ds, [Reference(r.sop_class, r.sop_uid, r.series_uid, r.study_uid) for r in references])
    others = list(ds.pop("PertinentOtherEvidenceSequence").value) if "PertinentOtherEvidenceSequence" in ds else []
    ds.CurrentRequestedProcedureEvidenceSequence = Items(
        [*(ds.get("CurrentRequestedProcedureEvidenceSequence") or []), *others]
    )
    children = observers(author, equipment)
    if description:
        children.append(text("CONTAINS", codes.KEY_DESCRIPTION, description))
    for r in references:
        if r.sop_class in _NO_IMAGES:
            children.append(document("CONTAINS", codes.REPORT_TITLE, r))
        else:
            children.append(image("CONTAINS", None, r))
    root(ds, codes.KEY_TITLES[title], "2010", *children)
    return ds
