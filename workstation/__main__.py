"""`renderdesk`: finds the sub-command's module and lets it do the rest; nothing heavy is imported here."""

from __future__ import annotations

import sys

# name -> (module, one line for --help). A module has `add_arguments(parser)` and `run(args) -> int`.
COMMANDS = {
    "open": ("open_", "the window, on a study or the library"),
    "scan": ("scan", "what lies in a folder: studies, series, checked volumes, findings"),
    "volume": ("volume", "write one checked volume as NPZ, NIfTI or NRRD"),
    "picture": ("picture", "one picture: volume rendering, MIP, MPR or surface"),
    "surface": ("surface", "a surface at a threshold as STL, OBJ, PLY, GLB or 3MF"),
    "measure": ("measure", "replay measurements from their recipes"),
    "presets": ("presets", "the looks that there are, with versions"),
    "import": ("import_", "take a folder, ZIP or CD into the library"),
    "list": ("list_", "studies of the library"),
    "export": ("export", "write a study into a folder, as it is or without identity"),
    "delete": ("delete", "take a study out of the library for good, in two steps"),
    "merge": ("merge", "whose images are whose: decide, correct, take back"),
    "case": ("case", "the open case of a study"),
    "report": ("report", "write a study's report"),
    "journal": ("journal", "who did what, in order"),
    "database": ("database", "which database the home has, and its move into a department's"),
    "verify": ("verify", "every file, the journal's and the ledger's chain"),
    "charge": ("charge", "decide a charge from facts, or from a case"),
    "ledger": ("ledger", "the charges as they stand, and acts on them"),
    "claims": ("claims", "charges after they are confirmed: send, answers, export, void, replace"),
    "queue": ("queue", "messages that wait to be sent"),
    "audit": ("audit", "explain a past charge and decide it again"),
    "reference": ("reference", "take official tables in, and say what is loaded"),
    "sample": ("sample", "make the synthetic studies"),
    "bench": ("bench", "how quick this program is here, beside what else is installed"),
    "demo": ("demo", "the whole job without a window"),
}


def version_line() -> str:
    """Name, version, and the versions of VTK, pydicom and Python."""
    from importlib.metadata import PackageNotFoundError, version

    from workstation import __version__

    def of(name: str) -> str:
        try:
            return version(name)
        except PackageNotFoundError:
            return "missing"

    python = ".".join(map(str, sys.version_info[:3]))
    return f"RenderDesk {__version__} (VTK {of('vtk')}, pydicom {of('pydicom')}, Python {python})"


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit status is 0 done, 1 refused, 2 wrong usage, 130 interrupted."""
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] == ["--version"]:
        print(version_line())
        return 0
    from workstation.commands.frame import run_command

    return run_command(COMMANDS, given)


if __name__ == "__main__":
    sys.exit(main())
