"""A study on its way to the screen: its first slice and what has come since, to be looked at and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from render.view import Labels, View
from workstation.base.events import CaseKey
from workstation.base.findings import Finding
from workstation.case.model import Case

if TYPE_CHECKING:
    from render.volume import Volume
    from workstation.base.events import Actor
    from workstation.desk.source import Source
    from workstation.dicom.found import SeriesFound


class Arrival:
    """What the window needs of a session, while the volume is still being decoded.

    It has no place to keep anything: no measurement, capture or view of it can be kept, no act be journaled. Its
    identity is that of the first decoded file, compared with the request before the first pixel.

    Parameters
    ----------
    source : what was chosen
    volume : the volume under construction; `take` brings later states of it
    case : the case as it stands, not to be changed
    """

    actor: Actor | None = None
    closed = False

    def __init__(self, source: Source, volume: Volume, case: Case) -> None:
        self.source = source
        self.found = source.found
        self.volume = self.display = volume
        self.case = case
        self.facts: dict[str, Any] = dict(source.found.facts)
        self.findings: tuple[Finding, ...] = source.findings_of(volume)

    @property
    def key(self) -> CaseKey:
        """The tuple of what is being opened."""
        return self.case.key

    @property
    def series(self) -> tuple[SeriesFound, ...]:
        """Every series of the study."""
        return self.source.study.series

    @property
    def choice_line(self) -> str:
        """Which volume is being opened, and why."""
        return self.source.choice_line

    @property
    def of(self) -> int:
        """How many slices it will have."""
        return self.found.geometry.shape[0]

    @property
    def done(self) -> int:
        """How many are there."""
        return self.of - len(self.volume.awaited)

    def take(self, volume: Volume) -> None:
        """A later state of the same volume."""
        self.volume = self.display = volume

    def badges(self) -> tuple[str, ...]:
        """Words about the voxels that no overlay toggle hides."""
        from workstation.desk.labels import badges_of

        return badges_of(self.volume, self.case)

    def labels(self, view: View) -> Labels:
        """Texts of a pane."""
        from workstation.desk.labels import screen_labels

        return screen_labels(self.case, self.facts, self.volume, view)
