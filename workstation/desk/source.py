"""SOURCE of every command: a folder, a file, a ZIP, or `study:UID` / `series:UID` of the library."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from render.errors import Cancelled
from render.volume import Volume
from workstation.base.errors import InputRefused
from workstation.base.findings import Finding
from workstation.base.paths import home
from workstation.dicom.choose import choose
from workstation.dicom.found import ScanResult, SeriesFound, StudyFound, VolumeFound
from workstation.dicom.load import findings_of, load
from workstation.dicom.preview import Show
from workstation.dicom.scan import scan

if TYPE_CHECKING:
    from workstation.desk.scans import Scans


@dataclass(frozen=True, eq=False)
class Source:
    """One chosen volume and where it was found; `result` keeps unpacked archives alive while it is read."""

    study: StudyFound
    series: SeriesFound
    found: VolumeFound
    result: ScanResult
    alone: bool
    """Whether there was nothing else to choose from."""

    @property
    def choice_line(self) -> str:
        """For a person: which volume was taken, and why, in one line without identity."""
        k, r, c = self.found.geometry.shape
        number = "" if self.series.number is None else f" {self.series.number}"
        reasons = f" ({'; '.join(self.found.score_reasons)})" if self.found.score_reasons and not self.alone else ""
        return f"Series{number}, {self.series.modality}, {k} slices of {c} x {r}{reasons}"

    def findings_of(self, volume: Volume) -> tuple[Finding, ...]:
        """What is to be said of the loaded volume: of its study, its scan, and what only its voxels tell."""
        return tuple(dict.fromkeys((*self.study.findings, *findings_of(self.found, volume))))


def open_source(
    source: str,
    series: str | None = None,
    volume: str | None = None,
    *,
    within: Path | None = None,
    decide: Callable[[ScanResult], ScanResult] | None = None,
    known: ScanResult | None = None,
    scans: Scans | None = None,
    progress: Callable[[int, int], None] | None = None,
    unpacking: Callable[[int, int], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Source:
    """Scan the source and choose one volume.

    Parameters
    ----------
    source, series, volume : the SOURCE word; series UID or number; id of a volume
    within : home whose library is meant by ``study:`` and ``series:``; the default one otherwise
    decide : what people decided about identities, applied to what was found
    known : what an earlier scan of the same source found, already decided; nothing is scanned then
    scans : keeps scans of the library's studies
    unpacking : told (bytes, of how many) while an archive is unpacked

    Raises
    ------
    InputRefused
        In one sentence: nothing there, no DICOM, nothing that can be shown in 3D, several patients ...
    """
    if source.startswith("series:") and series is None:
        series = source.removeprefix("series:")
    if known is not None:
        result = known
    else:
        paths = paths_of(source, within)
        if scans is not None and source.startswith("study:"):
            result = scans.of(paths, source.removeprefix("study:"), progress=progress, stop=stop)
        else:
            result = scan(paths, progress=progress, stop=stop, unpacking=unpacking)
        if stop is not None and stop():
            raise Cancelled
        if decide is not None:
            result = decide(result)
    study, chosen, found = choose(result, series, volume)
    volumes = sum(len(s.volumes) for st in result.studies for s in st.series)
    return Source(study, chosen, found, result, alone=volumes == 1)


def paths_of(source: str, within: Path | None = None) -> list[Path]:
    """Files or folders behind a SOURCE word; the library's are asked from its index."""
    for kind in ("study", "series"):
        if source.startswith(f"{kind}:"):
            from workstation.desk.library import files_of

            found = files_of(within or home(), kind, source.removeprefix(f"{kind}:"))
            if not found:
                raise InputRefused(
                    "not_in_library", f"The library holds no such {kind}; `renderdesk list` shows what there is."
                )
            return list(found)
    path = Path(source)
    if not path.exists():
        raise InputRefused("missing", "There is nothing at the given path; name a folder, a file or a ZIP.")
    return [path]


def read(
    source: Source,
    progress: Callable[[int, int], None] | None = None,
    stop: Callable[[], bool] | None = None,
    preview: Show | None = None,
) -> Volume:
    """Decode the chosen volume; `preview` is shown the first slice at once, and how the volume fills."""
    middle = (source.found.geometry.shape[0] - 1) // 2  # where the window's crosshair begins
    return load(source.found, progress=progress, stop=stop, first=middle, preview=preview)
