"""What is kept of an official file: its rows of use as JSON, without a descriptor of any procedure code.

The published file itself is not kept: its descriptors are the AMA's. What is kept can be read back for as long as this
program knows the schema; the digest of the published file says from what it was taken.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

import msgspec
from msgspec import Struct

from billing.errors import TableError
from billing.facts import Pair
from billing.reference.fees import FeeVersion, LocalityVersion
from billing.reference.files import Kind, Official
from billing.reference.tables import IcdVersion, TaxonomyVersion, UnitVersion

SCHEMA: Literal["renderdesk.reference/1"] = "renderdesk.reference/1"
TYPES: dict[Kind, Any] = {
    "pairs": tuple[Pair, ...],
    "units": UnitVersion,
    "icd": IcdVersion,
    "taxonomy": TaxonomyVersion,
    "fees": FeeVersion,
    "localities": LocalityVersion,
}


class _Kept(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    schema: Literal["renderdesk.reference/1"]
    name: str
    kind: Kind
    effective: dt.date
    variant: str
    part: int
    revision: int
    kept: msgspec.Raw


def to_bytes(one: Official) -> bytes:
    """An official file as it is kept."""
    return msgspec.json.encode(
        _Kept(
            schema=SCHEMA,
            name=one.name,
            kind=one.kind,
            effective=one.effective,
            variant=one.variant,
            part=one.part,
            revision=one.revision,
            kept=msgspec.Raw(msgspec.json.encode(one.kept, order="sorted")),
        )
    )


def from_bytes(raw: bytes, name: str) -> Official:
    """An official file as it was kept.

    Raises
    ------
    TableError
        Not what this program wrote.
    """
    try:
        found = msgspec.json.decode(raw, type=_Kept)
        kept = msgspec.json.decode(found.kept, type=TYPES[found.kind])
    except msgspec.MsgspecError:
        raise TableError(f"What was kept of {name} is damaged or of another version; import {name} again.") from None
    return Official(
        name=found.name,
        kind=found.kind,
        effective=found.effective,
        variant=found.variant,
        part=found.part,
        revision=found.revision,
        kept=kept,
    )
