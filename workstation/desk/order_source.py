"""The order for the 3D work: from an `order.json` beside the study, or from the series' own tags."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from workstation.base.errors import InputRefused
from workstation.case.evidence import may_be_given
from workstation.case.model import Order

_LARGEST = 1 << 20


class OrderFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an `order.json` holds: the order, the study it belongs to, and facts that only people know."""

    order: Order
    study_uid: str = ""
    patient_id: str = ""
    given: dict[str, Any] = msgspec.field(default_factory=dict)
    anatomy: str | None = None
    target: str | None = None
    protocol: str = ""
    note: str = ""


def order_file(folder: Path) -> OrderFile | None:
    """The `order.json` of a folder, or None when there is none.

    Raises
    ------
    InputRefused
        ``order_file``: the file is there and cannot be used; the sentence names the field.
    """
    path = folder / "order.json"
    if not path.is_file():
        return None
    try:
        if path.stat().st_size > _LARGEST:
            raise InputRefused("order_file", "The order.json beside the study is too large to be an order.")
        read = msgspec.json.decode(path.read_bytes(), type=OrderFile)
    except OSError as error:
        raise InputRefused("order_file", "The order.json beside the study cannot be read.") from error
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise InputRefused("order_file", f"The order.json beside the study is not a valid order: {error}.") from error
    for name in read.given:
        if not may_be_given(name):
            raise InputRefused("order_file", f"The order.json states {name}, which only the program's own record can.")
    return read


def matches(read: OrderFile, study_uid: str, patient_id: str, accession: str) -> bool:
    """Whether the order is for this study: every identifier that it states agrees (clinical rules 1.3)."""
    return (
        read.study_uid in ("", study_uid)
        and read.patient_id in ("", patient_id)
        and (not read.order.accession or not accession or read.order.accession == accession)
    )


def order_of_tags(facts: Mapping[str, object]) -> Order | None:
    """What the series' tags say of the order: accession and referring physician; never that 3D was ordered."""
    accession = str(facts.get("accession") or "")
    referring = re.sub(r"[\^\s]+", " ", str(facts.get("referring") or "")).strip()
    if not accession and not referring:
        return None
    return Order(accession=accession, ordering_name=referring, source="tags")
