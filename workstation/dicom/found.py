"""What intake finds, as frozen values: studies, series, and volumes whose geometry has been checked."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import msgspec

if TYPE_CHECKING:
    from render.geometry import Geometry
    from workstation.base.findings import Finding
    from workstation.dicom.modality import Table


class Identity(msgspec.Struct, frozen=True):
    """Patient as one file states it. `key` joins issuer and ID ("" when both are absent)."""

    id: str = ""
    issuer: str | None = None
    name: str = ""
    birth_date: str | None = None
    sex: str | None = None

    @property
    def key(self) -> str:
        """Key of the patient within one source."""
        return f"{self.issuer or ''}\\{self.id}" if self.id else ""

    def __repr__(self) -> str:
        return "Identity(...)"


class Phase(msgspec.Struct, frozen=True):
    """Which of several volumes at the same place this one is."""

    kind: str
    index: int
    of: int
    value: float | None = None


LONG_BLOCK = 4096
"""Bytes from which what a header shares with those before it is compared rather than hashed."""

Alike: TypeAlias = "tuple[tuple[int, bytes], ...]"
"""Long blocks that a header shares with those of other files: where each begins, and its bytes (one object for all)."""


class Plain(NamedTuple):
    """Uncompressed 16-bit pixels as the scan saw them, to be read without taking the header apart again.

    `offset`: bytes of the file before the pixels; `mark`: SHA-256 of those outside the blocks of `alike`, by which and
    by the blocks themselves the header is known to be the same, identity and all (a scanner's 80 KB of private
    elements would else be hashed for every slice); `stored`: bits used, the lowest ones; `signed`: two's complement.
    """

    offset: int
    mark: bytes
    stored: int
    signed: bool
    alike: Alike = ()

    def is_same(self, head: bytes | bytearray) -> bool:
        """Whether a file's first bytes, up to its pixels, are those that the scan saw."""
        return (
            len(head) == self.offset
            and all(head.startswith(block, at) for at, block in self.alike)
            and mark_of(head, self.offset, self.alike) == self.mark
        )


def mark_of(head: bytes | bytearray, end: int, alike: Alike = ()) -> bytes:
    """SHA-256 of the first `end` bytes of a header, the blocks of `alike` left out."""
    digest = hashlib.sha256()
    at = 0
    view = memoryview(head)
    for begin, block in alike:
        digest.update(view[at:begin])
        at = begin + len(block)
    digest.update(view[at:end])
    return digest.digest()


class Frame(msgspec.Struct, frozen=True):
    """One image of a volume: where its pixels lie in which file, and how values come from it.

    A struct, since there are thousands: made, and read back from a kept scan, several times as quickly as a dataclass.
    """

    path: Path
    sop_uid: str
    frame: int
    position_lps_mm: tuple[float, float, float]
    slope: float = 1.0
    intercept: float = 0.0
    instance_number: int | None = None
    plain: Plain | None = None
    table: Table | None = None


@dataclass(frozen=True, eq=False)
class VolumeFound:
    """A stack that has been put in order, with its geometry; no pixel has been read yet.

    `frames` in the order of the volume's slices (sorted along the normal); None where a slice is filled.
    `facts`: further attributes that later steps need (kVp, kernel, manufacturer, thickness_mm, image_type,
    windows, padding, photometric, transfer_syntax, body_part, contrast, institution, suv ...).
    """

    id: str
    study_uid: str
    series_uid: str
    geometry: Geometry
    frames: tuple[Frame | None, ...]
    units: str
    modality: str
    suits_3d: bool
    score: int
    score_reasons: tuple[str, ...] = ()
    positions_lps: tuple[tuple[float, float, float], ...] | None = None
    filled: tuple[int, ...] = ()
    phase: Phase | None = None
    lossy: bool = False
    memory_mb: float = 0.0
    findings: tuple[Finding, ...] = ()
    facts: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class SeriesFound:
    """A series and what of it can be shown in 3D."""

    series_uid: str
    number: int | None
    modality: str
    description: str
    images: int
    volumes: tuple[VolumeFound, ...] = ()
    findings: tuple[Finding, ...] = ()
    files: tuple[Path, ...] = ()


@dataclass(frozen=True)
class StudyFound:
    """A study; `patient` is the identity on which its files agree."""

    study_uid: str
    date: str | None
    time: str | None
    accession: str
    description: str
    patient: Identity
    series: tuple[SeriesFound, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class ScanResult:
    """All that was found under the given paths."""

    studies: tuple[StudyFound, ...] = ()
    findings: tuple[Finding, ...] = ()
    files: int = 0
    skipped: int = 0
    seconds: float = 0.0
    clashing: tuple[Path, ...] = ()
    """Files that claim the identifier of another, different image: left out, to be kept apart (clinical rules 1.1)."""
