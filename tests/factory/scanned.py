"""What a scan of a folder with one series found."""

from __future__ import annotations

from pathlib import Path

from workstation.dicom.found import SeriesFound
from workstation.dicom.scan import scan


def series_in(folder: Path) -> SeriesFound:
    """The only series of the only study."""
    (study,) = scan([folder]).studies
    (series,) = study.series
    return series


def codes(series: SeriesFound) -> set[str]:
    """Codes of the findings of a series and of its volumes."""
    return {f.code for f in series.findings} | {f.code for v in series.volumes for f in v.findings}
