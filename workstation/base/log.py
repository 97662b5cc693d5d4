"""Logging without a patient in it: JSON lines; only numbers and our own reference words pass as arguments."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import traceback
from datetime import UTC, datetime
from pathlib import Path

from workstation.base.paths import home


class RefText(str):
    """A keyed digest that stands for an identity in the log."""

    __slots__ = ()


def ref(identity: str, key: bytes = b"renderdesk") -> RefText:
    """Ten characters that name the same thing again within one home, and tell nothing."""
    return RefText(hashlib.blake2b(identity.encode("utf-8"), key=key, digest_size=5).hexdigest())


class OnlyPlainArguments(logging.Filter):
    """Numbers and our own reference words pass; any other argument is left out."""

    def filter(self, record: logging.LogRecord) -> bool:
        def clean(a: object) -> object:
            return a if isinstance(a, int | float | RefText) else "<left out>"

        if isinstance(record.args, dict):
            record.args = {k: clean(a) for k, a in record.args.items()}
        elif record.args:
            record.args = tuple(clean(a) for a in record.args)
        return True


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, text, and where a defect arose (never its message)."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "text": record.getMessage(),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["defect"] = trace_of(record.exc_info[1])
        return json.dumps(line)


def trace_of(error: BaseException) -> list[str]:
    """Type and places of an exception, without its text (which may hold patient data)."""
    frames = traceback.extract_tb(error.__traceback__)
    return [type(error).__name__, *(f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in frames)]


def log_path() -> Path:
    """The log file of this home."""
    return home() / "logs" / "renderdesk.jsonl"


def start_logging() -> None:
    """Send the program's log lines to the home's log file; a home that cannot be written is no obstacle."""
    root = logging.getLogger("renderdesk")
    if root.handlers:
        return
    try:
        log_path().parent.mkdir(parents=True, exist_ok=True)
        handler: logging.Handler = logging.FileHandler(log_path(), encoding="utf-8")
    except OSError:
        handler = logging.NullHandler()
    handler.addFilter(OnlyPlainArguments())
    handler.setFormatter(JsonLines())
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    root.propagate = bool(os.environ.get("PYTEST_CURRENT_TEST"))


def note_defect(error: BaseException) -> str:
    """Log a defect with its place and say where the log lies."""
    start_logging()
    logging.getLogger("renderdesk.defect").error("defect", exc_info=(type(error), error, error.__traceback__))
    return str(log_path())
