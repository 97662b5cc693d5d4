"""A file is complete or absent: written beside its place, synced, then renamed."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from workstation.base.errors import RenderDeskError

_SENTENCES = {
    errno.ENOSPC: ("disk_full", "The disk is full; nothing was written. Make space and try again."),
    errno.EDQUOT: ("disk_full", "The disk quota is used up; nothing was written."),
    errno.EACCES: ("unwritable", "This place cannot be written to; choose another folder or ask for the right."),
    errno.EPERM: ("unwritable", "This place cannot be written to; choose another folder or ask for the right."),
    errno.EROFS: ("unwritable", "This place is read-only; choose another folder."),
    errno.ENOTDIR: ("unwritable", "The output path leads through a file; choose another folder."),
    errno.EISDIR: ("unwritable", "The output path is a folder; name a file."),
    errno.ENOENT: ("unwritable", "The output folder does not exist."),
}


def refusal(error: OSError) -> RenderDeskError:
    """The plain sentence for a failed write."""
    code, sentence = _SENTENCES.get(error.errno or 0, ("write_failed", "Writing failed; nothing was half-written."))
    return RenderDeskError(code, sentence, errno=error.errno)


@contextlib.contextmanager
def writing(path: Path, *, force: bool = True, aside_in: Path | None = None) -> Iterator[IO[bytes]]:
    """Open a temporary file beside `path`; renamed onto it when the block ends well, removed otherwise.

    `aside_in` is a folder of the same file system for the temporary file, where beside would be hard to clean up.

    Raises
    ------
    RenderDeskError
        ``exists`` without `force` when the path is there; ``disk_full``, ``unwritable`` ... in one sentence.
    """
    if not force and path.exists():
        raise RenderDeskError("exists", "The output is already there; use --force to replace it.")
    aside = (aside_in or path.parent) / f".{secrets.token_hex(6)}.part"
    try:
        with aside.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise refusal(error) from error
    finally:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes, *, force: bool = True) -> None:
    """Write the whole file or nothing."""
    with writing(path, force=force) as file:
        file.write(content)


def write_by_path(path: Path, write: Callable[[Path], None], *, force: bool = True) -> None:
    """Let a library that wants a file name write beside `path` (same suffix), then rename."""
    if not force and path.exists():
        raise RenderDeskError("exists", "The output is already there; use --force to replace it.")
    aside = path.with_name(f".{secrets.token_hex(6)}{''.join(path.suffixes[-2:])}")
    try:
        write(aside)
        with aside.open("rb") as file:
            os.fsync(file.fileno())
        aside.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise refusal(error) from error
    finally:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)


def make_folder(path: Path) -> Path:
    """Make the folder and its parents, or refuse in one sentence."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refusal(error) from error
    return path


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
