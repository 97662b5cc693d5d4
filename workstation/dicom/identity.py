"""Who a file says it is of, and whether two files can be of one patient (clinical rules 1.1)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from workstation.dicom import tags as el
from workstation.dicom.fields import Fields
from workstation.dicom.found import Identity

_PLACEHOLDER = re.compile(r"^(0+|unknown|noid|none|anon.*|test.*)$", re.IGNORECASE)
_NO_BIRTH_DATE = frozenset(("", "18000101", "19000101"))


_OF_IDENTITY = frozenset((el.ISSUER, el.ISSUER_QUALIFIERS, el.PATIENT_ID, el.PATIENT_NAME, el.BIRTH_DATE, el.SEX))


def identity_of(header: Fields) -> Identity:
    """The identity of a file, as it states it; dates as YYYY-MM-DD."""
    return header.common("identity", _OF_IDENTITY, _identity)


def _identity(header: Fields) -> Identity:
    issuer = header.text(el.ISSUER)
    if not issuer:
        qualifiers = header.item(el.ISSUER_QUALIFIERS)
        issuer = qualifiers.text(el.UNIVERSAL_ID) if qualifiers is not None else ""
    return Identity(
        id=header.text(el.PATIENT_ID),
        issuer=issuer or None,
        name=header.text(el.PATIENT_NAME).rstrip("^= "),
        birth_date=iso_date(header.text(el.BIRTH_DATE)),
        sex=header.text(el.SEX).upper() or None,
    )


def iso_date(text: str) -> str | None:
    """YYYY-MM-DD of a DICOM date (old files write YYYY.MM.DD), or None."""
    digits = text.replace(".", "").replace("-", "").strip()
    if len(digits) != 8 or not (digits.isascii() and digits.isdigit()):
        return None
    year, month, day = digits[:4], digits[4:6], digits[6:]
    if not (1 <= int(month) <= 12 and 1 <= int(day) <= 31):
        return None
    return f"{year}-{month}-{day}"


def contradict(a: Identity, b: Identity) -> bool:
    """Whether two identities inside one study cannot be of one patient; what is absent contradicts nothing."""
    if _id(a) and _id(b) and (_id(a) != _id(b) or (a.issuer and b.issuer and a.issuer != b.issuer)):
        return True
    names = _names(a.name), _names(b.name)
    if names[0] and names[1] and not names[0] & names[1]:
        return True
    dates = _birth(a), _birth(b)
    if dates[0] and dates[1] and dates[0] != dates[1]:
        return True
    return {a.sex, b.sex} == {"M", "F"}


def same_person(a: Identity, b: Identity) -> bool:
    """Whether two studies found together are of one patient: same ID (or none, and same name), no contradiction."""
    if contradict(a, b):
        return False
    if _id(a) or _id(b):
        return _id(a) == _id(b)
    return bool(_names(a.name)) and bool(_names(a.name) & _names(b.name))


def persons(identities: Iterable[Identity]) -> list[Identity]:
    """One identity for each patient inside a study, the most complete one."""
    groups: list[list[Identity]] = []
    for identity in sorted(set(identities), key=_missing):
        for group in groups:
            if not any(contradict(identity, other) for other in group):
                group.append(identity)
                break
        else:
            groups.append([identity])
    return [group[0] for group in groups]


def incomplete(identities: Iterable[Identity]) -> bool:
    """Whether some files state a name or birth date that others lack."""
    all_ = set(identities)
    return any(len({bool(part(i)) for i in all_}) > 1 for part in (lambda i: _names(i.name), _birth))


def _missing(identity: Identity) -> tuple[int, str, str]:
    absent = sum(not part for part in (_id(identity), identity.name, _birth(identity), identity.sex))
    return (absent, identity.id, identity.name)


def _id(identity: Identity) -> str:
    text = identity.id.strip()
    return "" if _PLACEHOLDER.match(text) else text


def _birth(identity: Identity) -> str:
    text = (identity.birth_date or "").replace("-", "")
    return "" if text in _NO_BIRTH_DATE else text


def _names(name: str) -> set[tuple[str, str]]:
    """(family, given) of every component group, without case, marks and doubled spaces."""
    out = set()
    for group in name.split("="):
        parts = [_fold(part) for part in group.split("^")]
        family, given = (*parts, "", "")[:2]
        if (family or given) and not _PLACEHOLDER.match(family):
            out.add((family, given))
    return out


def _fold(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text)).casefold()
    plain = "".join(ch for ch in decomposed if not unicodedata.combining(ch))
    return " ".join(plain.split())
