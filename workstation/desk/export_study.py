"""Studies out of the library into a folder: the files as they are, or images without identity. Whole or absent."""

from __future__ import annotations

import hashlib
import secrets
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workstation.base.atomic import refusal, write_bytes
from workstation.base.errors import InputRefused, RenderDeskError
from workstation.base.events import CaseKey

if TYPE_CHECKING:
    from workstation.archive.index import Instance, StudyRow
    from workstation.base.events import Actor
    from workstation.desk.place import Place
    from workstation.dicom.deidentify import Cleaner

FACE = (
    "These images may show the head: a face can be rebuilt from them and recognised. "
    "Removing names does not change that."
)
SUV = "The patient's weight is removed with the identity: uptake values (SUV) cannot be computed from these images."
MOSAIC = "Mosaic images lose the private header that says how to take them apart; they can no longer be rebuilt in 3D."


@dataclass(frozen=True)
class Exported:
    """What was written: files, what was left out and why (clause, number), and what a person should know."""

    out: Path
    files: int
    left_out: tuple[tuple[str, int], ...]
    warnings: tuple[str, ...]
    profile: str = ""


def export_studies(
    place: Place,
    actor: Actor | None,
    study_uids: Sequence[str],
    out: Path,
    *,
    anonymise: bool = False,
    looked: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Exported:
    """Write studies into a new folder as IM00001, IM00002 ...; the act is journaled before the folder appears.

    Parameters
    ----------
    out : a folder that is not there yet, or is empty
    anonymise : images without identity, in one pseudonymous set: the same patient in several studies stays one
    looked : derived pictures may go out, a person has looked at them for burned-in text

    Raises
    ------
    InputRefused
        ``unknown_study``, ``exists``, ``mixed_patients``, ``nothing_to_export``.
    RenderDeskError
        ``damaged``: a file is not what was stored; ``identity_left``; ``disk_full`` ...
    """
    if not study_uids:
        raise InputRefused("source", "Name at least one study.")
    rows = [place.library.study(uid) for uid in dict.fromkeys(study_uids)]
    if anonymise and any(row.mixed for row in rows):
        raise InputRefused(
            "mixed_patients", "A study holds images of several patients; it cannot be exported without identity."
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputRefused("exists", "The output folder is already there and not empty; name a new one.")
    if not out.absolute().parent.is_dir():
        raise RenderDeskError("unwritable", "The folder in which the output would stand does not exist.")
    aside = out.absolute().with_name(f".{secrets.token_hex(6)}.part")
    try:
        aside.mkdir(mode=0o700)
        work = _Work(place, aside, progress, sum(row.images for row in rows))
        profile = work.without_identity(rows, looked=looked) if anonymise else work.as_they_are(rows)
        if not work.written:
            reasons = "; ".join(work.left_out) or "it holds no files"
            raise InputRefused("nothing_to_export", f"Nothing can be exported: {reasons}.")
        manifest = hashlib.sha256("\n".join(work.digests).encode("ascii")).hexdigest()
        with place.db.writing():
            for row in rows:
                place.act(
                    "study_exported",
                    actor,
                    CaseKey(row.patient_key, row.study_uid),
                    files=work.by_study[row.study_uid],
                    left_out=sum(work.left_out.values()),
                    anonymised=anonymise,
                    profile=profile,
                    manifest=manifest,
                )
            if out.is_dir():
                out.rmdir()
            aside.replace(out)
    except OSError as error:
        raise refusal(error) from error
    finally:
        if aside.is_dir():
            shutil.rmtree(aside, ignore_errors=True)
    return Exported(out, work.written, tuple(work.left_out.items()), tuple(dict.fromkeys(work.warnings)), profile)


class _Work:
    """One export under way."""

    def __init__(self, place: Place, folder: Path, progress: Callable[[int, int], None] | None, total: int) -> None:
        self.place = place
        self.folder = folder
        self.written = 0
        self.by_study: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()
        self.warnings: list[str] = []
        self.digests: list[str] = []
        self._progress = progress
        self._done, self._total = 0, total

    def as_they_are(self, rows: Sequence[StudyRow]) -> str:
        """Copy every file, checked against its checksum."""
        for row in rows:
            self._note(row)
            for item in self.place.library.instances(row.study_uid):
                self._write(item, self._content(item))
        return ""

    def without_identity(self, rows: Sequence[StudyRow], *, looked: bool) -> str:
        """Take identity out of every image; objects in which text cannot be ruled out stay here.

        All files are read for what identifies before the first is written: a name that one file lacks may stand
        in another one's free text.
        """
        from workstation.dicom.deidentify_table import table

        secret = secrets.token_bytes(32)
        people: dict[str, list[StudyRow]] = {}
        for row in rows:
            self._note(row)
            people.setdefault(row.person_key, []).append(row)
        for number, studies in enumerate(people.values(), start=1):
            items = [i for row in studies for i in self.place.library.instances(row.study_uid)]
            cleaner, going = self._prepared(items, secret, f"ANON-{number:03d}-{secrets.token_hex(3).upper()}", looked)
            from workstation.dicom.deidentify import read_whole

            for item in going:
                self._content(item)
                clean = cleaner.file(read_whole(self.place.files.path(item.place)))
                self._write(item, clean.content)
        return table().source

    def _prepared(
        self, items: Sequence[Instance], secret: bytes, pseudonym: str, looked: bool
    ) -> tuple[Cleaner, list[Instance]]:
        """What identifies in all of a patient's files, and which of them may go."""
        from workstation.dicom import deidentify
        from workstation.dicom.deidentify_search import Identifiers
        from workstation.dicom.load import header_of

        known, going = Identifiers(), []
        for item in items:
            header = header_of(self.place.files.path(item.place))
            known.add(deidentify.identifiers(header))
            reason = deidentify.why_left_out(header, looked=looked)
            if reason:
                self.left_out[reason] += 1
                continue
            going.append(item)
            if deidentify.may_show_face(header):
                self.warnings.append(FACE)
            if item.modality == "PT":
                self.warnings.append(SUV)
            if deidentify.is_mosaic(header):
                self.warnings.append(MOSAIC)
        dates = known.dates | known.birth_dates
        days = next(d for _ in range(10_000) if deidentify.safe_shift(dates, d := -30 - secrets.randbelow(3620)))
        return deidentify.Cleaner(secret, days, pseudonym, known), going

    def _note(self, row: StudyRow) -> None:
        if row.partial:
            self.warnings.append("The import of a study did not come to its end; images may be missing.")

    def _content(self, item: Instance) -> bytes:
        try:
            content = self.place.files.path(item.place).read_bytes()
        except OSError as error:
            raise RenderDeskError("damaged", "A stored file cannot be read; run verify.") from error
        if hashlib.sha256(content).hexdigest() != item.sha256:
            raise RenderDeskError("damaged", "A stored file is not what was taken in; run verify.")
        return content

    def _write(self, item: Instance, content: bytes) -> None:
        self.written += 1
        write_bytes(self.folder / f"IM{self.written:05d}", content)
        self.by_study[item.study_uid] += 1
        self.digests.append(hashlib.sha256(content).hexdigest())
        self._done += 1
        if self._progress is not None:
            self._progress(self._done, self._total)
