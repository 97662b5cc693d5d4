"""Text of elements by (0008,0005), and what it must be where that is absent or cannot be true. DICOM page 1.1."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

# Defined terms of (0008,0005) that Python's codecs know; code extensions go to pydicom (PS3.3 C.12.1.1.2).
_CODECS = {
    "": "latin-1", "ISO_IR 6": "ascii", "ISO_IR 100": "latin-1", "ISO_IR 101": "iso8859_2", "ISO_IR 109": "iso8859_3",
    "ISO_IR 110": "iso8859_4", "ISO_IR 144": "iso8859_5", "ISO_IR 127": "iso8859_6", "ISO_IR 126": "iso8859_7",
    "ISO_IR 138": "iso8859_8", "ISO_IR 148": "iso8859_9", "ISO_IR 203": "iso8859_15", "ISO_IR 13": "shift_jis",
    "ISO_IR 166": "iso8859_11", "ISO_IR 192": "utf-8", "GB18030": "gb18030", "GBK": "gbk",
}  # fmt: skip
_ESCAPES = (
    (b"\x1b$B", "ISO 2022 IR 87"),
    (b"\x1b$(D", "ISO 2022 IR 159"),
    (b"\x1b)I", "ISO 2022 IR 13"),
    (b"\x1b(J", "ISO 2022 IR 13"),
    (b"\x1b$)C", "ISO 2022 IR 149"),
    (b"\x1b$)A", "ISO 2022 IR 58"),
)  # PS3.3 table C.12-4
# What writers mean who declare code extensions and leave the escapes out.
_UNESCAPED = {
    "ISO 2022 IR 149": ("euc_kr",),
    "ISO 2022 IR 58": ("gb18030",),
    "ISO 2022 IR 87": ("shift_jis", "euc_jp"),
    "ISO 2022 IR 13": ("shift_jis",),
}
_WESTERN = ("latin-1", "iso8859_2", "iso8859_3", "iso8859_4", "iso8859_9", "iso8859_15")
_RUN = re.compile(rb"[\xa1-\xff]{4}")  # four such letters in a row: Greek, Russian, Chinese; no word of the West
_PARTS = {
    "1": "ISO_IR 100", "2": "ISO_IR 101", "3": "ISO_IR 109", "4": "ISO_IR 110", "5": "ISO_IR 144", "6": "ISO_IR 127",
    "7": "ISO_IR 126", "8": "ISO_IR 138", "9": "ISO_IR 148", "15": "ISO_IR 203",
}  # fmt: skip
_TEXTS = frozenset(("PN", "LO", "SH", "ST", "LT", "UT", "UC"))
_WHOLE = frozenset(("ST", "LT", "UT"))  # in these a backslash is a letter (PS3.5 6.2)


def decoded(raw: bytes, alphabet: str) -> tuple[str, str]:
    """Text of an element by its (0008,0005), and what is doubtful about that: "", "absent", "wrong".

    Where the declared alphabet cannot be the true one (bytes that it has not, UTF-8 called Latin, code extensions
    that are used and not declared) the text is read as what it must be.
    """
    terms = [_term(term) for term in alphabet.split("\\")]
    doubt = "" if alphabet else "absent"
    if b"\x1b" in raw:
        used = [term for escape, term in _ESCAPES if escape in raw]
        if not set(used) <= set(terms):
            doubt = doubt or "wrong"
            terms += [term for term in used if term not in terms]
        return _extended(raw, terms), doubt
    if not alphabet:
        return _likely(raw), doubt
    codec = _CODECS.get(terms[0].replace("ISO 2022 IR", "ISO_IR"))
    latin = codec is not None and codec.startswith(("latin", "iso8859"))
    if codec is not None and not latin:
        try:
            return raw.decode(codec), doubt
        except UnicodeDecodeError as error:
            if "unexpected end" in error.reason or "incomplete" in error.reason:
                return raw[: error.start].decode(codec), doubt  # a letter cut in two where the value was made to fit
    if _reads(raw, "utf-8"):
        return raw.decode("utf-8"), "wrong"
    for term in terms:
        for other in _UNESCAPED.get(term, ()):
            if _reads(raw, other):
                return raw.decode(other), "wrong"
    if not latin or (codec in _WESTERN and _RUN.search(raw)):
        doubt = "wrong"
    return raw.decode(codec if latin and codec else "latin-1", errors="replace"), doubt


def _term(term: str) -> str:
    """A defined term of (0008,0005) as the standard writes it, however the file does."""
    plain = " ".join(term.upper().replace("-", " ").replace("_", " ").split())
    if plain in ("UTF 8", "UTF8", "ISO 10646", "UNICODE"):
        return "ISO_IR 192"
    if plain.startswith("ISO 2022 IR"):
        return plain
    if plain.startswith("ISO IR"):
        return "ISO_IR " + plain.removeprefix("ISO IR").strip()
    if plain.startswith("ISO 8859 ") and plain.removeprefix("ISO 8859 ") in _PARTS:
        return _PARTS[plain.removeprefix("ISO 8859 ")]
    return plain


def _reads(raw: bytes, codec: str) -> bool:
    """Whether bytes are of this alphabet: letters of one-byte alphabets hardly ever follow the pattern of UTF-8."""
    try:
        raw.decode(codec)
    except UnicodeDecodeError:
        return False
    return True


def _likely(raw: bytes) -> str:
    return raw.decode("utf-8" if _reads(raw, "utf-8") else "latin-1")


def _extended(raw: bytes, terms: list[str]) -> str:
    """Text with ISO 2022 code extensions (PS3.5 6.1.2.5)."""
    import warnings

    from pydicom.charset import convert_encodings, decode_bytes
    from pydicom.valuerep import TEXT_VR_DELIMS

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            # Parts of names are delimited by ^ and =, each of which resets the extension.
            encodings = convert_encodings([t.strip() for t in terms])
            delims = TEXT_VR_DELIMS | {ord("^"), ord("=")}
            return str(decode_bytes(raw, encodings, delims))
        except Exception:  # noqa: BLE001 (foreign bytes; the text is for reading only)
            return raw.decode("latin-1")


def reread(ds: Dataset) -> Dataset:
    """A header that pydicom read, with its texts as intake reads them; changes it."""
    from pydicom.config import IGNORE
    from pydicom.datadict import dictionary_has_tag, dictionary_VR
    from pydicom.dataelem import DataElement

    stated = ds.get("SpecificCharacterSet") or ""
    alphabet = stated if isinstance(stated, str) else "\\".join(map(str, stated))
    for tag in list(ds.keys()):
        raw = ds.get_item(tag)
        value = getattr(raw, "value", None)
        if not isinstance(value, bytes) or (value.isascii() and b"\x1b" not in value):
            continue
        vr = getattr(raw, "VR", None) or (dictionary_VR(tag) if dictionary_has_tag(tag) else "")
        if vr in _TEXTS:
            text, _ = decoded(value, alphabet)
            several = [part.strip(" \0") for part in text.split("\\")]
            single = several[0] if len(several) == 1 else text.strip(" \0") if vr in _WHOLE else several
            ds[tag] = DataElement(tag, vr, single, validation_mode=IGNORE)
    return ds
