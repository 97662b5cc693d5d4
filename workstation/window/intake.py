"""Taking studies in, by drop or dialog: progress and cancel, then the list, or the study itself if it came alone."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QFileDialog, QWidget

from render.errors import Cancelled
from workstation.base.errors import InputRefused
from workstation.window import words
from workstation.window.jobs import Jobs, Stopped, sentence_of

if TYPE_CHECKING:
    from workstation.desk.desk import Desk
    from workstation.desk.library import Imported
    from workstation.window.actions import Actions
    from workstation.window.library_view import LibraryView


class Intake:
    """Imports of one window.

    Parameters
    ----------
    idle : whether nobody works on a case, so that a study which comes alone may be opened
    listed : whether the study list is what the person looks at
    show : opens a study by its UID, with what was said of its import
    """

    def __init__(
        self,
        window: QWidget,
        desk: Desk,
        actions: Actions,
        jobs: Jobs,
        library: LibraryView,
        *,
        idle: Callable[[], bool],
        listed: Callable[[], bool],
        show: Callable[[str, str], None],
    ) -> None:
        self._window, self._desk, self._actions, self._jobs, self._library = window, desk, actions, jobs, library
        self._idle, self._listed, self._show = idle, listed, show
        self._looked_in = str(Path.home())  # where the last import was chosen

    def choose_files(self) -> None:
        """Files or ZIPs by dialog."""
        self._may_import()
        names, _ = QFileDialog.getOpenFileNames(self._window, "Import files, a ZIP or a DICOMDIR", self._looked_in)
        self._looked_in = str(Path(names[0]).parent) if names else self._looked_in
        self.take_in([Path(name) for name in names])

    def choose_folder(self) -> None:
        """A folder by dialog."""
        self._may_import()
        name = QFileDialog.getExistingDirectory(self._window, "Import a folder or CD", self._looked_in)
        self._looked_in = name or self._looked_in
        self.take_in([Path(name)] if name else [])

    def _may_import(self) -> None:
        """Refused before anybody has looked for files in vain."""
        why = self._desk.why_not("import")
        if why:
            raise InputRefused("not_allowed", why)

    def take_in(self, paths: list[Path]) -> None:
        """Import, with progress; then the list, and the study itself when it is one alone."""
        if not paths:
            return
        why = self._desk.why_not("import")
        if why:
            self._actions.say(why, "refused")
            return

        def work(progress: Any, stop: Any) -> Any:
            def reading(done: int, of: int) -> None:
                progress(done / max(1, of), f"Reading headers: {done:,} of {of:,} files")

            def unpacking(done: int, of: int) -> None:
                progress(done / max(1, of), f"Unpacking: {words.size(done)} of {words.size(of)}")

            def copied(done: int, of: int) -> None:
                with contextlib.suppress(Stopped):  # what is in stays, and `stop` ends it after this file
                    progress(done, of)

            return self._desk.import_paths(paths, progress=copied, reading=reading, unpacking=unpacking, stop=stop)

        self._jobs.start("Importing", work, self._taken_in, self._not_taken_in, lane="library", moved=self._coming_in)

    def _coming_in(self, done: float, of: float, told: str) -> None:
        if self._desk.actor is not None:
            self._library.importing(done, of, told)

    def _not_taken_in(self, error: BaseException) -> None:
        self._library.import_ended()
        if not isinstance(error, Stopped | Cancelled):
            self._actions.say(sentence_of(error), "refused")

    def _taken_in(self, imported: Imported) -> None:
        """Say what came in; open the study when it is one alone and nobody works on another."""
        self._library.import_ended()
        idle = self._idle()
        if idle and self._listed():
            self._library.refresh()
        count = len(imported.studies)
        if not count:
            found = imported.findings[0].sentence if imported.findings else "Nothing usable was found there."
            self._actions.say(found, "refused")
            return
        studies = "1 study" if count == 1 else f"{count} studies"
        if imported.stopped:
            told = f"Import stopped: {imported.files:,} files are in; import the same again to complete it."
            self._actions.say(told, "wants")
            return
        if not imported.new:
            told = f"Already here: {studies}, {imported.files:,} files; nothing was copied."
        else:
            here = imported.files - imported.new
            told = f"{studies}, {imported.new:,} new files" + (f", {here:,} already here" if here else "") + "."
        if count > 1 or not idle:
            self._desk.scan_ahead(*imported.studies)
        if imported.skipped:
            told += f" {imported.skipped:,} files are not usable."
        asked = any(f.code == "mixed_patients" for f in imported.findings)
        if asked:
            told += " Decide under Identities whose images they are."
        self._actions.say(told, "wants" if asked else "done")
        if count == 1 and idle and not asked:
            self._show(imported.studies[0], told)
