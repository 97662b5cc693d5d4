"""The order for the 3D work: from an `order.json` beside the study, or from the series' own tags."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from billing.errors import FactsError
from billing.facts import SCHEMA, read_facts
from workstation.base.errors import InputRefused
from workstation.case.evidence import may_be_given
from workstation.case.model import Order

_LARGEST = 1 << 20


class Beside(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an `order.json` may hold beside the order's own fields."""

    study_uid: str = ""
    patient_id: str = ""
    given: dict[str, Any] = msgspec.field(default_factory=dict)
    protocol: str = ""
    note: str = ""


@dataclass(frozen=True)
class OrderFile:
    """The order of an `order.json`, which study it belongs to, and facts that only people know."""

    order: Order
    beside: Beside


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
        fields = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        beside = msgspec.convert({k: fields.pop(k) for k in Beside.__struct_fields__ if k in fields}, Beside)
        unknown = sorted(set(fields) - set(Order.__struct_fields__))
        if unknown:
            raise InputRefused("order_file", f"The order.json beside the study has an unknown field: {unknown[0]}.")
        read = OrderFile(msgspec.convert(fields, Order), beside)
    except OSError as error:
        raise InputRefused("order_file", "The order.json beside the study cannot be read.") from error
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise InputRefused("order_file", f"The order.json beside the study is not a valid order: {error}.") from error
    for name in read.beside.given:
        if not may_be_given(name) or name == "providers.teaching_attested":
            raise InputRefused("order_file", f"The order.json states {name}, which only the program's own record can.")
    _check_values(read.beside.given)
    return read


def _check_values(given: Mapping[str, Any]) -> None:
    """Refuse a value that the facts format does not know now, not when the charge is decided."""
    stated: dict[str, Any] = {"schema": SCHEMA}
    for path, value in given.items():
        group, dot, name = path.partition(".")
        if dot:
            stated.setdefault(group, {})[name] = value
        else:
            stated[group] = value
    try:
        read_facts(stated, at="given")
    except FactsError as error:
        raise InputRefused("order_file", f"The order.json beside the study is not a valid order: {error}") from error


def matches(read: OrderFile, study_uid: str, patient_id: str, accession: str) -> bool:
    """Whether the order is for this study: every identifier that it states agrees (clinical rules 1.3)."""
    return (
        read.beside.study_uid in ("", study_uid)
        and read.beside.patient_id in ("", patient_id)
        and (not read.order.accession or not accession or read.order.accession == accession)
    )


def order_of_tags(facts: Mapping[str, object]) -> Order | None:
    """What the series' tags say of the order: accession and referring physician; never that 3D was ordered."""
    accession = str(facts.get("accession") or "")
    referring = re.sub(r"[\^\s]+", " ", str(facts.get("referring") or "")).strip()
    if not accession and not referring:
        return None
    return Order(accession=accession, ordering_name=referring, source="tags")
