"""What identifies the patient in the original files, and whether any of it still stands in a file that goes out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pydicom.datadict import keyword_for_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from workstation.dicom.deidentify_table import table

TEXT = frozenset(("LO", "SH", "ST", "LT", "UT", "UC", "UR", "PN", "AE", "CS", "AS"))
OWN_ROOT = "1.2.840.10008."
"""UIDs below it are the standard's own: classes, syntaxes, well-known frames. They name nobody."""

# Texts of the table that name a person, a place or a machine; what merely describes (protocols, body parts) does not.
_NAMING = re.compile(
    r"PatientID|IssuerOf|Accession|StudyID|Address|Telephone|Telecom|Email|Institution|StationName|SerialNumber"
    r"|^DeviceID|Insurance|Account|MotherBirthName|MilitaryRank|RegionOf|Residence|AdmissionID|Visit|FillerOrder"
    r"|PlacerOrder|ProcedureStepID|ProcedureID|Names?$|OtherPatient|HL7|AETitle|PersonName|Trial.*ID|ProtocolID"
)
_NOT_NAMING = frozenset(("SequenceName", "PulseSequenceName", "ProtocolName", "ClinicalTrialProtocolName"))
_WORD = re.compile(r"[^\W_]+(?:[-'.][^\W_]+)*")
_OUR_UID = re.compile(rb"2\.25\.\d{10,39}")
_LONG = 6
"""From so many bytes on a text is looked for in the whole file, pixels included; shorter ones occur there by chance."""
# Words that the standard enumerates and that an image is nothing without: a name like CT or Mip must not empty them.
_ENUMERATED = frozenset(
    ("Modality", "ImageType", "FrameType", "PhotometricInterpretation", "PatientPosition", "SpecificCharacterSet")
)


@dataclass
class Identifiers:
    """Everything that was found to identify: whole texts and words of names, UIDs, dates (YYYYMMDD)."""

    texts: set[str] = field(default_factory=set)
    uids: set[str] = field(default_factory=set)
    dates: set[str] = field(default_factory=set)
    birth_dates: set[str] = field(default_factory=set)

    def __repr__(self) -> str:
        return "Identifiers(...)"

    def add(self, other: Identifiers) -> None:
        """Take in what another file says."""
        self.texts |= other.texts
        self.dates |= other.dates
        self.birth_dates |= other.birth_dates
        self.uids |= other.uids


def elements_of(ds: Dataset) -> Iterator[DataElement]:
    """Every element that can be read, those of items included."""
    for tag in list(ds.keys()):
        try:
            element = ds[tag]
        except Exception:  # noqa: BLE001 (one odd element of a foreign file hides no other)
            continue
        yield element
        if element.VR == "SQ":
            for item in element.value or ():
                yield from elements_of(item)


def values_of(element: DataElement) -> list[str]:
    """An element's values as texts."""
    value = element.value
    if value is None or isinstance(value, bytes):
        return []
    many = value if not isinstance(value, str) and isinstance(value, Iterable) and element.VR != "PN" else None
    if many is None and element.VR == "PN" and getattr(element, "VM", 1) > 1:
        many = value
    return [text for v in (many if many is not None else [value]) if (text := str(v).strip(" \0"))]


def identifiers_of(ds: Dataset) -> Identifiers:
    """What in a dataset tells who, where, on which machine and when."""
    found = Identifiers()
    for element in elements_of(ds):
        if element.VR == "UI":
            found.uids.update(v for v in values_of(element) if not v.startswith(OWN_ROOT))
        elif element.VR in ("DA", "DT"):
            days = {v[:8] for v in values_of(element) if re.fullmatch(r"\d{8}.*", v)}
            (found.birth_dates if element.keyword == "PatientBirthDate" else found.dates).update(days)
        elif element.VR == "PN":
            for name in values_of(element):
                found.texts.update(_texts_of_name(name))
        elif element.VR in TEXT and _names_somebody(element.tag):
            found.texts.update(v for v in values_of(element) if not _says_nothing(v))
    return found


def _names_somebody(tag: int) -> bool:
    keyword = keyword_for_tag(tag)
    if not keyword or keyword in _NOT_NAMING or not table().action(tag):
        return False
    return bool(_NAMING.search(keyword))


def _texts_of_name(name: str) -> Iterator[str]:
    for group in name.split("="):
        yield from (word for word in re.split(r"[\^\s,]+", group) if len(word) > 1 and not _says_nothing(word))


def _says_nothing(text: str) -> bool:
    return not text or len(text) < 2 or bool(re.fullmatch(r"0+|unknown|none|noid|anon\w*|test\w*", text, re.IGNORECASE))


class Search:
    """Looks for identifiers in texts and in whole files.

    Parameters
    ----------
    texts : names, numbers, places: compared without case, as whole words
    """

    def __init__(self, texts: Iterable[str]) -> None:
        whole = {" ".join(_words(t)) for t in texts}
        self._phrases = frozenset(w for w in whole if len(w) > 2)
        self._short = frozenset(w for w in whole if 0 < len(w) <= 2)
        self._first = frozenset(p.split(" ", 1)[0] for p in self._phrases)
        self._bytes: tuple[re.Pattern[bytes], ...] = tuple(
            re.compile(rb"(?<![\d.])" + raw + rb"(?!\d)") if text.isdigit() else re.compile(raw)
            for text in sorted(set(texts))
            for raw in sorted({re.escape(r) for r in _encoded(text) if len(r) >= _LONG})
        )

    def in_text(self, text: str) -> bool:
        """Whether a text holds one of them; one of one or two letters counts only where it is all of the text."""
        words = _words(text)
        if not words:
            return False
        if " ".join(words) in self._short:
            return True
        if not self._first & set(words):
            return False
        joined = f" {' '.join(words)} "
        return any(f" {phrase} " in joined for phrase in self._phrases)

    def in_bytes(self, raw: bytes) -> bool:
        """Whether a file holds one of them anywhere, its own new UIDs aside, whose digits are chance."""
        rest = _OUR_UID.sub(b"", raw)
        return any(pattern.search(rest) for pattern in self._bytes)


def _words(text: str) -> list[str]:
    return [w.casefold() for w in _WORD.findall(text)]


def _encoded(text: str) -> Iterator[bytes]:
    yield text.encode("utf-8")
    try:
        yield text.encode("latin-1")
    except UnicodeEncodeError:
        return


def is_tainted(element: DataElement, search: Search, days: Iterable[str]) -> bool:
    """Whether a text, a code word or a date of an image still says who or when."""
    values = values_of(element)
    if element.keyword in _ENUMERATED:
        return any(len(v) > 4 and search.in_text(v) for v in values)
    if element.VR in ("DA", "DT"):
        return any(v[:8] in days for v in values)
    if element.VR == "IS":
        return any(len(v) > 3 and search.in_text(v) for v in values)  # series numbered after the patient
    return element.VR in TEXT and any(search.in_text(v) or any(day in v for day in days) for v in values)


def left_behind(ds: Dataset, raw: bytes, search: Search, uids: Iterable[str], dates: Iterable[str]) -> str:
    """Keyword of the first element in which an identifier still stands, "file" where it stands elsewhere, or "".

    Parameters
    ----------
    ds, raw : the dataset as it is written, read back, and the file's bytes
    search, uids, dates : identifiers of the originals; dates as YYYYMMDD
    """
    days = frozenset(dates)
    for element in elements_of(ds):
        if is_tainted(element, search, days):
            return element.keyword or "private"
    if search.in_bytes(raw) or any(_whole_uid(uid, raw) for uid in uids):
        return "file"
    return ""


def _whole_uid(uid: str, raw: bytes) -> bool:
    text = uid.encode("ascii", "ignore")
    if len(text) < _LONG or text not in raw:
        return False
    return bool(re.search(rb"(?<![\d.])" + re.escape(text) + rb"(?![\d.])", raw))
