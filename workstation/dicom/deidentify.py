"""Images without identity: PS3.15 Annex E, Basic Profile, with modified dates and safe private elements.

Default deny: an attribute goes out because the table says how, or because the image's own definition needs it and
the table does not name it. Everything else stays here, private elements included but for a few numbers.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import uuid
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path

import pydicom
from pydicom.config import IGNORE
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from workstation import __version__
from workstation.base.errors import RenderDeskError
from workstation.base.uids import derived_uid
from workstation.dicom.codes import Code
from workstation.dicom.deidentify_search import (
    OWN_ROOT,
    TEXT,
    Identifiers,
    Search,
    identifiers_of,
    is_tainted,
    left_behind,
    values_of,
)
from workstation.dicom.deidentify_table import table
from workstation.dicom.header import trusted
from workstation.dicom.images import KINDS
from workstation.dicom.write_common import coded, put

_CLASS = "1.2.840.10008.5.1.4.1.1."
IMAGES = frozenset(_CLASS + s for s in ("2", "2.1", "2.2", "4", "4.1", "4.4", "128", "128.1", "130"))
"""CT, MR and PET, single-frame, enhanced and legacy converted: pixels that a scanner made."""
_HEAD = re.compile(
    r"\b(?:HEAD|BRAIN|SKULL|FACE|FACIAL|SINUS|ORBIT|JAW|MANDIB|MAXILL|CRANI|CEREB|NEURO|PITUIT|EARS?\b|DENTAL"
    r"|WHOLE ?BODY|CAROTID|KOPF|SCHAEDEL|SCHÄDEL|TETE|TÊTE|CABEZA|HEADNECK)"
)
METHODS = (
    Code("113100", "DCM", "Basic Application Confidentiality Profile"),
    Code("113107", "DCM", "Retain Longitudinal Temporal Information Modified Dates Option"),
    Code("113111", "DCM", "Retain Safe Private Option"),
)
_NUMBERS = frozenset(("FL", "FD", "DS", "IS", "SS", "US", "SL", "UL", "CS"))
_TEMPORAL = frozenset(("DA", "TM", "DT"))
_NOT_SHIFTED = frozenset((0x00100030, 0x00100032, 0x00160077))  # birth date and time, GPS time stamp
_DUMMY = {"DS": "0", "IS": "0", "AS": "000Y", "PN": "ANONYMIZED^"}


@dataclass(frozen=True)
class Cleaned:
    """A file without identity, complete, and its new SOP Instance UID."""

    content: bytes
    sop_uid: str


class IdentityLeft(RenderDeskError):
    """An identifier of the original would have gone out."""


def read_whole(path: Path) -> Dataset:
    """The dataset of a stored file.

    Raises
    ------
    RenderDeskError
        ``unreadable``.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return pydicom.dcmread(trusted(path), force=True)
    except (Exception, RecursionError, MemoryError) as error:
        raise RenderDeskError("unreadable", "A stored image cannot be read; run verify.") from error


def identifiers(ds: Dataset) -> Identifiers:
    """What in this dataset identifies patient, people, place and machine."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return identifiers_of(ds)


def why_left_out(ds: Dataset, *, looked: bool) -> str:
    """Why an object cannot go out without identity, as a clause for a person; "" when it can.

    Parameters
    ----------
    looked : a person has looked at the derived pictures and found no text in them
    """
    sop_class = str(ds.get("SOPClassUID", ""))
    if sop_class not in IMAGES:
        kind = KINDS.get(sop_class, "")
        return f"{kind or 'not an image of CT, MR or PET'}: text in it cannot be ruled out"
    if str(ds.get("BurnedInAnnotation", "")).upper() == "YES":
        return "text is burned into the pixels"
    words = [str(w).upper() for w in values_of(ds["ImageType"])] if "ImageType" in ds else []
    if any("SCREEN" in w for w in words) or int(ds.get("SamplesPerPixel", 1) or 1) != 1:
        return "a picture of a screen: text in it cannot be ruled out"
    stated = str(ds.get("BurnedInAnnotation", "")).upper() == "NO"
    if not stated and not looked and words[:1] == ["DERIVED"] and words[1:2] == ["SECONDARY"]:
        return "made from other images: look at them for burned-in text first (--looked)"
    return ""


def may_show_face(ds: Dataset) -> bool:
    """Whether the head may be in the image: said so, or nothing says which part of the body it is."""
    said = [
        text.upper()
        for name in ("BodyPartExamined", "StudyDescription", "SeriesDescription", "ProtocolName")
        if name in ds
        for text in values_of(ds[name])
    ]
    if any(_HEAD.search(text.replace("_", " ")) for text in said):
        return True
    return not any(values_of(ds["BodyPartExamined"])) if "BodyPartExamined" in ds else True


def is_mosaic(ds: Dataset) -> bool:
    """Whether many slices lie in one picture, by Siemens' or United Imaging's way."""
    words = values_of(ds["ImageType"]) if "ImageType" in ds else []
    return any(w.upper() in ("MOSAIC", "VFRAME") for w in words)


def safe_shift(dates: Iterable[str], days: int) -> bool:
    """Whether no date moved by so many days falls on another date of the same originals."""
    given = set(dates)
    return not given & {moved(d, days) for d in given}


def moved(text: str, days: int) -> str:
    """A DA or DT moved by whole days, time and zone as they were; "" where it is none."""
    plain = text.strip().replace(".", "", 2) if len(text.strip()) == 10 else text.strip()
    try:
        day = date(int(plain[:4]), int(plain[4:6]), int(plain[6:8])) + timedelta(days=days)
    except (ValueError, OverflowError):
        return ""
    return day.strftime("%Y%m%d") + plain[8:]


class Cleaner:
    """Takes the identity out of one patient's images.

    Parameters
    ----------
    secret : of this export; the same UID always gets the same new one
    days : by how many whole days every date of this patient moves
    pseudonym : stands as name and ID
    known : what identifies in all of this patient's files
    """

    def __init__(self, secret: bytes, days: int, pseudonym: str, known: Identifiers) -> None:
        self._secret = secret
        self._days = days
        self._pseudonym = pseudonym
        self._dates = frozenset(known.dates | known.birth_dates)
        self._search = Search(known.texts)
        self._table = table()

    def uid(self, old: str) -> str:
        """The new UID of an old one: HMAC-SHA-256 with the export's secret, as a UUID of version 8."""
        if not old or old.startswith(OWN_ROOT):
            return old
        raw = bytearray(hmac.new(self._secret, old.encode("utf-8"), hashlib.sha256).digest()[:16])
        raw[6] = (raw[6] & 0x0F) | 0x80
        raw[8] = (raw[8] & 0x3F) | 0x80
        return f"2.25.{uuid.UUID(bytes=bytes(raw)).int}"

    def file(self, source: Dataset) -> Cleaned:
        """The complete file of an image without identity.

        Raises
        ------
        IdentityLeft
            ``identity_left``: an identifier of the original stands in what would be written.
        RenderDeskError
            ``unwritable_image``: the image cannot be written in its own encoding.
        """
        own = identifiers(source)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            out = self.dataset(source)
            content = _written(out, source)
            back = pydicom.dcmread(BytesIO(content))
            place = left_behind(back, content, self._search, own.uids, self._dates)
        if place:
            raise IdentityLeft(
                "identity_left",
                "Something that identifies the patient was still in an image; nothing was exported.",
                place=place,
            )
        return Cleaned(content, str(out.SOPInstanceUID))

    def dataset(self, source: Dataset) -> Dataset:
        """The dataset without identity."""
        out = self._copy(source)
        put(out, "SpecificCharacterSet", "ISO_IR 192")
        put(out, "PatientName", f"{self._pseudonym}^")
        put(out, "PatientID", self._pseudonym)
        out.PatientIdentityRemoved = "YES"
        out.DeidentificationMethod = f"RenderDesk {__version__}, {self._table.source}"
        out.DeidentificationMethodCodeSequence = Items([coded(code) for code in METHODS])
        out.LongitudinalTemporalInformationModified = "MODIFIED"
        if may_show_face(source):
            out.RecognizableVisualFeatures = "YES"
        return out

    def _copy(self, source: Dataset) -> Dataset:
        out = Dataset()
        for tag in sorted(source.keys()):
            try:
                element = source[tag]
            except Exception:  # noqa: BLE001 (what cannot be read is not let out)
                continue
            if element.tag.is_private:
                self._private(source, element, out)
                continue
            kept = self._standard(element)
            if kept is not None:
                out[element.tag] = kept
        return out

    def _standard(self, element: DataElement) -> DataElement | None:
        """What becomes of an attribute of the standard; None when it is removed."""
        tag = int(element.tag)
        action = self._table.action(tag)
        if not action:
            return self._kept(element) if tag in self._table.kept else None
        if element.VR in _TEMPORAL and tag not in _NOT_SHIFTED:
            return self._shifted(element)
        if element.VR == "UI":
            return None if action == "X" else self._new_uids(element)
        if element.VR == "SQ":
            if action.endswith("U*"):
                return self._items(element)
            return _with(element, Items([])) if action in ("Z", "X/Z") else None
        if action == "X":
            return None
        if action in ("Z", "X/Z"):
            return _with(element, "")
        return _with(element, self._dummy(element)) if values_of(element) else _with(element, "")

    def _kept(self, element: DataElement) -> DataElement | None:
        """An attribute that describes the image: as it is, but for UIDs, dates and words that name the patient."""
        if element.VR == "SQ":
            return self._items(element)
        if element.VR == "UI":
            return self._new_uids(element)
        if element.VR in _TEMPORAL:
            return self._shifted(element)
        if is_tainted(element, self._search, self._dates):
            return _with(element, "")
        if element.VR in TEXT and int(element.tag) not in self._table.texts and element.VR not in ("CS", "AS"):
            return None
        return element

    def _items(self, element: DataElement) -> DataElement:
        items = [self._copy(item) for item in element.value or ()]
        return DataElement(element.tag, "SQ", Items(items))

    def _new_uids(self, element: DataElement) -> DataElement:
        uids = [self.uid(v) for v in values_of(element)]
        return _with(element, uids if len(uids) > 1 else "".join(uids))

    def _shifted(self, element: DataElement) -> DataElement:
        values = values_of(element)
        if element.VR == "TM":
            return _with(element, values if len(values) > 1 else "".join(values))
        days = [moved(v, self._days) for v in values]
        return _with(element, days if len(days) > 1 else "".join(days))

    def _dummy(self, element: DataElement) -> str:
        # whether contrast was given says much about the image and nothing about the patient
        given = element.keyword == "ContrastBolusAgent"
        return "CONTRAST" if given else _DUMMY.get(element.VR, "ANONYMIZED")

    def _private(self, source: Dataset, element: DataElement, out: Dataset) -> None:
        """Keep one of the safe private numbers, and the element that says whose it is."""
        tag = element.tag
        if tag.element < 0x1000 or element.VR not in _NUMBERS:
            return
        block = (tag.group << 16) | (tag.element >> 8)
        creator = str(source[block].value) if block in source else ""
        if not self._table.is_safe_private(creator, tag.group, tag.element):
            return
        if is_tainted(element, self._search, self._dates):
            return
        out[block] = source[block]
        out[tag] = element


def _with(element: DataElement, value: object) -> DataElement:
    return DataElement(element.tag, element.VR, value, validation_mode=IGNORE)


def _written(out: Dataset, source: Dataset) -> bytes:
    """The complete file, in the source's own encoding, with nothing of the source's file header."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = str(out.SOPClassUID)
    meta.MediaStorageSOPInstanceUID = str(out.SOPInstanceUID)
    meta.TransferSyntaxUID = _syntax(source)
    meta.ImplementationClassUID = UID(derived_uid("implementation"))
    meta.ImplementationVersionName = f"RENDERDESK_{__version__.replace('.', '')}"[:16]
    out.file_meta = meta
    buffer = BytesIO()
    try:
        out.save_as(buffer, enforce_file_format=True)
    except Exception as error:
        raise RenderDeskError(
            "unwritable_image", "An image is encoded in a way that cannot be written; nothing was exported."
        ) from error
    return buffer.getvalue()


def _syntax(source: Dataset) -> str:
    meta = getattr(source, "file_meta", None)
    stated = str(meta.get("TransferSyntaxUID", "")) if meta is not None else ""
    if stated:
        return stated
    implicit, little = source.original_encoding
    if implicit:
        return str(ImplicitVRLittleEndian)
    return str(ExplicitVRLittleEndian if little else ExplicitVRBigEndian)
