"""Charge messages as files in the home's folder ``messages``, for a billing system that fetches them there.

They are written where the site names no receiver for them. A file that is gone was fetched: its charge has left the
house, is handed over by no other way, and is credited by another file when it is taken back.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from billing.messages.hl7 import CREDIT
from workstation.archive.outbox import Message
from workstation.base.atomic import make_folder, write_bytes
from workstation.desk.charge_message import site_of

if TYPE_CHECKING:
    from workstation.desk.place import Place

FOLDER, BY_FILE = "messages", "file"
_ASIDE = ".withdrawn"
_ID = 12
"""Characters of a charge's id, with which the name of each file begins."""


def path_of(place: Place, message: Message) -> Path | None:
    """Where the file of a message lies, named by the charge and never by a patient; None where there are no files."""
    folder = _folder(place)
    credit = "-credit" if message.control_id.endswith(CREDIT) else ""
    return None if folder is None else folder / f"{message.charge_id}{credit}.hl7"


def _folder(place: Place) -> Path | None:
    own = site_of(place).message.folder
    if not own and place.db.dialect != "sqlite":
        return None  # each workstation has a home of its own: none of them could tell a fetched file from another's
    return Path(own) if own else place.home / FOLDER


def put_file(place: Place, message: Message | None) -> Path | None:
    """Write a waiting message as a file, once; its path while it lies there, None where it goes another way."""
    if message is None:
        return None
    path = path_of(place, message)
    if path is None or message.receiver == BY_FILE or message.state != "waiting":
        return path if path is not None and path.is_file() else None
    if site_of(place).receiver_of(message.component) is not None:
        return None
    make_folder(path.parent)
    write_bytes(path, message.body.encode("utf-8"))
    place.outbox.by_file(message.control_id, BY_FILE)
    return path


def fetched(place: Place, message: Message) -> bool:
    """Whether the file was written and is gone: a billing system has the message."""
    path = path_of(place, message)
    if message.receiver != BY_FILE or path is None:
        return message.receiver == BY_FILE
    return not path.exists() and not path.with_suffix(_ASIDE).exists()


@contextlib.contextmanager
def withdrawing(place: Place) -> Iterator[Callable[[Message], bool]]:
    """Take files that nobody fetched out of the folder; they come back when the block fails.

    It stands around the transaction, so that a file is gone for good only after the commit. What it gives takes the
    file of a waiting message, and says whether nobody has the message: False where the file was fetched, be it in this
    very moment.
    """
    moved: list[tuple[Path, Path]] = []

    def take(message: Message) -> bool:
        if message.receiver != BY_FILE or message.state != "waiting":
            return message.receiver != BY_FILE
        path = path_of(place, message)
        if path is None:
            return False
        aside = path.with_suffix(_ASIDE)
        try:
            moved.append((path, path.rename(aside)))
        except FileNotFoundError:
            return aside.exists()
        return True

    try:
        yield take
    except BaseException:
        for path, aside in moved:
            with contextlib.suppress(FileNotFoundError):
                aside.rename(path)
        raise
    for _, aside in moved:
        aside.unlink(missing_ok=True)


def put_back(place: Place) -> None:
    """Bring the folder in order where a program was killed while it took a file back.

    Before its transaction ended the message still waits: its file belongs into the folder. After it, it goes. Who takes
    a file back holds the database while it does, so nobody is disturbed in it.
    """
    folder = _folder(place)
    if folder is None or not any(folder.glob(f"*{_ASIDE}")):
        return
    with place.db.writing():
        for aside in folder.glob(f"*{_ASIDE}"):
            own = [
                m for m in place.outbox.of_charge(aside.name[:_ID]) if path_of(place, m) == aside.with_suffix(".hl7")
            ]
            if any(m.state == "waiting" and m.receiver == BY_FILE for m in own):
                with contextlib.suppress(FileNotFoundError):
                    aside.rename(aside.with_suffix(".hl7"))
            elif own:
                aside.unlink(missing_ok=True)
