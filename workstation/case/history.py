"""Undo and redo with names; each edit is written to disk before it applies."""

from __future__ import annotations

from collections.abc import Callable

from render.view import View
from workstation.case.edits import AnyEdit, SetText, SetView
from workstation.case.model import Case

_DEEPEST = 200


class History:
    """The case and the way back.

    Parameters
    ----------
    case : where it starts
    written : called with each edit before it applies; when it raises, nothing has changed
    """

    def __init__(self, case: Case, written: Callable[[AnyEdit], None]) -> None:
        self.case = case
        self._written = written
        self._undo: list[tuple[str, AnyEdit]] = []
        self._redo: list[tuple[str, AnyEdit]] = []

    def do(self, edit: AnyEdit) -> Case:
        """Make an edit. Moves of the same pane's eye, or edits of the text, that follow each other undo as one."""
        title = edit.title
        if self._undo and self._continues(edit, self._undo[-1][1]):
            after, _ = edit.apply(self.case)
            self._written(edit)
            self.case = after
        else:
            self._step(edit, title, self._undo)
            del self._undo[:-_DEEPEST]
        self._redo.clear()
        return self.case

    def undo(self) -> Case:
        """Take the last edit back; without one nothing happens."""
        if self._undo:
            title, edit = self._undo[-1]
            self._step(edit, title, self._redo)
            self._undo.pop()
        return self.case

    def redo(self) -> Case:
        """Make the edit again that was taken back last."""
        if self._redo:
            title, edit = self._redo[-1]
            self._step(edit, title, self._undo)
            self._redo.pop()
        return self.case

    def replace(self, case: Case) -> None:
        """An act that is no edit (a release, a signature) gave a new case; the way back of edits stays."""
        self.case = case

    @property
    def undo_title(self) -> str:
        """Name of what undo would take back, or ""."""
        return self._undo[-1][0] if self._undo else ""

    @property
    def redo_title(self) -> str:
        """Name of what redo would make again, or ""."""
        return self._redo[-1][0] if self._redo else ""

    def _step(self, edit: AnyEdit, title: str, onto: list[tuple[str, AnyEdit]]) -> None:
        after, back = edit.apply(self.case)
        self._written(edit)  # the line first: a crash may repeat, never lose
        self.case = after
        onto.append((title, back))

    def _continues(self, edit: AnyEdit, back: AnyEdit) -> bool:
        if isinstance(edit, SetView) and isinstance(back, SetView) and edit.pane == back.pane:
            now = self.case.views.get(edit.pane)
            return _moved_only(back.view, now) and _moved_only(now, edit.view)
        return isinstance(edit, SetText) and isinstance(back, SetText)


def _moved_only(before: View | None, after: View | None) -> bool:
    """Whether two views show the same from elsewhere: a hand that turns and zooms makes one step, not twenty."""
    if before is None or after is None:
        return False
    still = {"camera": None, "plane": None, "size": (1, 1), "scale": 1.0}
    return before.replace(**still) == after.replace(**still)
