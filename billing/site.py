"""What a site has settled for itself, as far as decisions ask for it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from billing.errors import TableError


class Site(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of a site (`[billing]` of its file).

    Parameters
    ----------
    accepted_taxonomies : taxonomy codes that a coder accepted as readers of imaging (R-TX-01); they count only when
        they stand in an imported NUCC file
    late_days : a charge confirmed later than this many days after the service is marked late
    locality : payment locality for the estimate, contractor and number as in 05102-01; "" for the national amount
    qualifying_apm : whether the readers are qualifying participants, who have a factor of their own from 2026 on
    fees : charged amount of each code in US dollars, for claims
    revenue_codes : revenue code by modality where the hospital departs from the usual ones
    """

    accepted_taxonomies: tuple[str, ...] = ()
    late_days: int = 3
    locality: str = ""
    qualifying_apm: bool = False
    fees: dict[str, Decimal] = msgspec.field(default_factory=dict)
    revenue_codes: dict[str, str] = msgspec.field(default_factory=dict)


def read_site(content: Mapping[str, Any], *, name: str) -> Site:
    """Check the `[billing]` table of a parsed site file; other tables belong to others.

    Raises
    ------
    TableError
        With the file's name and the key path of the mistake.
    """
    try:
        return msgspec.convert(content.get("billing", {}), Site)
    except msgspec.ValidationError as error:
        raise TableError(f"{name}: {error}.") from None
