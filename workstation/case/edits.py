"""Edits: small values that give the next case and their own inverse. Signed acts are not edits."""

from __future__ import annotations

from typing import Protocol

import msgspec

from render.view import View
from workstation.base.errors import InputRefused
from workstation.case.model import Case, Measurement, ReportText


class Edit(Protocol):
    """What `History` works with."""

    @property
    def title(self) -> str: ...

    def apply(self, case: Case) -> tuple[Case, AnyEdit]:
        """The next case, and the edit that leads back."""
        ...


class _Value(msgspec.Struct, frozen=True, kw_only=True, tag_field="edit", forbid_unknown_fields=True):
    pass


def _with(case: Case, **changes: object) -> Case:
    return msgspec.structs.replace(case, **changes)


def _place(case: Case, measurement_id: str) -> int:
    for place, m in enumerate(case.measurements):
        if m.id == measurement_id:
            return place
    raise InputRefused("unknown_measurement", "This measurement is no longer in the case.")


class AddMeasurement(_Value, frozen=True, kw_only=True, tag="add_measurement"):
    """A new measurement, at `place` in the list (-1: at the end)."""

    measurement: Measurement
    place: int = -1

    @property
    def title(self) -> str:
        return f"Measure {self.measurement.name or self.measurement.kind}"

    def apply(self, case: Case) -> tuple[Case, AnyEdit]:
        if any(m.id == self.measurement.id for m in case.measurements):
            raise InputRefused("measurement_exists", "This measurement is already in the case.")
        items = list(case.measurements)
        items.insert(len(items) if self.place < 0 else self.place, self.measurement)
        return _with(case, measurements=tuple(items)), RemoveMeasurement(id=self.measurement.id)


class RemoveMeasurement(_Value, frozen=True, kw_only=True, tag="remove_measurement"):
    """Take a measurement out."""

    id: str

    @property
    def title(self) -> str:
        return "Remove measurement"

    def apply(self, case: Case) -> tuple[Case, AnyEdit]:
        place = _place(case, self.id)
        items = list(case.measurements)
        gone = items.pop(place)
        return _with(case, measurements=tuple(items)), AddMeasurement(measurement=gone, place=place)


class ChangeMeasurement(_Value, frozen=True, kw_only=True, tag="change_measurement"):
    """Put another value in the place of a measurement with the same id: accepted, renamed, moved, stale."""

    measurement: Measurement
    words: str = "Change"

    @property
    def title(self) -> str:
        return f"{self.words} {self.measurement.name or self.measurement.kind}"

    def apply(self, case: Case) -> tuple[Case, AnyEdit]:
        place = _place(case, self.measurement.id)
        items = list(case.measurements)
        before, items[place] = items[place], self.measurement
        return _with(case, measurements=tuple(items)), ChangeMeasurement(measurement=before, words=self.words)


class SetView(_Value, frozen=True, kw_only=True, tag="set_view"):
    """The view of a pane; None takes the pane's view away."""

    pane: str
    view: View | None
    words: str = ""

    @property
    def title(self) -> str:
        return self.words or f"Change view {self.pane}"

    def apply(self, case: Case) -> tuple[Case, AnyEdit]:
        views = dict(case.views)
        before = views.pop(self.pane, None)
        if self.view is not None:
            views[self.pane] = self.view
        return _with(case, views=views), SetView(pane=self.pane, view=before, words=self.words)


class SetViews(_Value, frozen=True, kw_only=True, tag="set_views"):
    """The views of several panes at once, as planes that are turned together; None takes a pane's view away."""

    views: dict[str, View | None]
    words: str = "Change views"

    @property
    def title(self) -> str:
        return self.words

    def apply(self, case: Case) -> tuple[Case, AnyEdit]:
        views = dict(case.views)
        before = {pane: views.pop(pane, None) for pane in self.views}
        views |= {pane: view for pane, view in self.views.items() if view is not None}
        return _with(case, views=views), SetViews(views=before, words=self.words)


class SetText(_Value, frozen=True, kw_only=True, tag="set_text"):
    """The report's text as it is being written."""

    text: ReportText

    @property
    def title(self) -> str:
        return "Edit report"

    def apply(self, case: Case) -> tuple[Case, AnyEdit]:
        return _with(case, text=self.text), SetText(text=case.text)


class SetProtocol(_Value, frozen=True, kw_only=True, tag="set_protocol"):
    """Which protocol the case follows."""

    protocol: str

    @property
    def title(self) -> str:
        return "Choose protocol"

    def apply(self, case: Case) -> tuple[Case, AnyEdit]:
        return _with(case, protocol=self.protocol), SetProtocol(protocol=case.protocol)


AnyEdit = AddMeasurement | RemoveMeasurement | ChangeMeasurement | SetView | SetViews | SetText | SetProtocol

CHANGES: dict[type[AnyEdit], str] = {
    AddMeasurement: "measurements",
    RemoveMeasurement: "measurements",
    ChangeMeasurement: "measurements",
    SetView: "views",
    SetViews: "views",
    SetText: "report",
    SetProtocol: "case",
}
"""Which part of the case an edit touches: what a window has to paint anew."""


def to_line(edit: AnyEdit) -> str:
    """The edit as one line of JSON for the autosave."""
    return msgspec.json.encode(edit).decode("utf-8")


def from_line(line: str) -> AnyEdit:
    """Read an autosave line.

    Raises
    ------
    InputRefused
        ``autosave``: the line belongs to another version or is damaged.
    """
    try:
        edit: AnyEdit = msgspec.json.decode(line, type=AnyEdit)
    except msgspec.MsgspecError as error:
        raise InputRefused(
            "autosave", "An edit of the last session cannot be read; the case opens without it."
        ) from error
    return edit
