"""Every DICOM UID that the program makes comes from here.

New ones are ``2.25.`` and the decimal of a random UUID (PS3.5 B.2); deterministic ones take the first
128 bits of a SHA-256 with the version and variant bits of UUID version 8 (RFC 9562).
"""

from __future__ import annotations

import hashlib
import re
import uuid

_VALID = re.compile(r"^(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+$")


def is_valid(uid: str) -> bool:
    """Digits and dots, no empty or zero-led part, at most 64 characters (PS3.5 9.1)."""
    return len(uid) <= 64 and bool(_VALID.match(uid))


def new_uid() -> str:
    """A fresh UID, unique without a registered root."""
    return f"2.25.{uuid.uuid4().int}"


def derived_uid(kind: str, *parts: str) -> str:
    """The UID that always belongs to these parts: sample data, tracking, identifiers missing at intake."""
    text = ":".join(("renderdesk", kind, *parts))
    raw = bytearray(hashlib.sha256(text.encode("utf-8")).digest()[:16])
    raw[6] = (raw[6] & 0x0F) | 0x80
    raw[8] = (raw[8] & 0x3F) | 0x80
    return f"2.25.{uuid.UUID(bytes=bytes(raw)).int}"
