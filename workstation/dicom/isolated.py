"""Decoding in child processes: a site's choice for images from outside that it trusts less than its memory.

A decoder that crashes, eats memory or hangs takes down one frame; its child is ended and the next frame gets a new one.
A child holds no file and no patient: it is given a compressed stream and gives back its bits.

The home's `site.toml`::

    [intake]
    isolated_decoding = true
    decoder_memory_mb = 512     # of a child, beside its libraries; POSIX
    decoder_seconds = 30
"""

from __future__ import annotations

import contextlib
import os
import struct
import sys
import threading
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from workstation.base.errors import InputRefused
from workstation.base.paths import home

_REQUEST = struct.Struct("<QIIII")  # bytes of the stream, of the syntax's name, rows, columns, bits allocated
_ANSWER = struct.Struct("<8sIQ")  # numpy type, dimensions (0: refused), bytes
_MOST_MB, _LEAST_MB = 65_536, 64
_LARGEST_ANSWER = 1 << 33


@dataclass(frozen=True)
class Isolation:
    """How children are made and what they may take: seconds for a frame, bytes beside what their libraries take."""

    memory: int = 512_000_000
    seconds: float = 30.0
    command: tuple[str, ...] = (sys.executable, "-m", "workstation.dicom.isolated")


class DecoderLost(ValueError):
    """A child died over a frame, or had to be ended."""


class _Child:
    """A process that decodes one stream after the other."""

    def __init__(self, isolation: Isolation) -> None:
        import subprocess

        self.isolation = isolation
        package = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH", ""))))
        self.process = subprocess.Popen(
            [*isolation.command, str(isolation.memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": path},
        )

    def decode(self, data: bytes, syntax: str, rows: int, columns: int, allocated: int) -> Any:
        """As `decoders.decode_stream`, None where that raises; ends a process that does not answer in time or form."""
        late = threading.Timer(self.isolation.seconds, self.process.kill)
        late.daemon = True
        late.start()
        try:
            assert self.process.stdin is not None
            assert self.process.stdout is not None
            name = syntax.encode("ascii")
            self.process.stdin.write(_REQUEST.pack(len(data), len(name), rows, columns, allocated) + name)
            self.process.stdin.write(data)
            self.process.stdin.flush()
            head = self.process.stdout.read(_ANSWER.size)
            kind, dimensions, size = _ANSWER.unpack(head)
            if dimensions == 0:
                return None
            shape = struct.unpack(f"<{min(dimensions, 8)}Q", self.process.stdout.read(8 * min(dimensions, 8)))
            dtype = np.dtype(kind.rstrip(b"\0").decode("ascii"))
            sensible = dimensions <= 4 and size <= _LARGEST_ANSWER and size == int(np.prod(shape)) * dtype.itemsize
            bits = self.process.stdout.read(size if sensible else 0)
            return np.frombuffer(bits, dtype).reshape(shape)
        except (OSError, struct.error, TypeError, ValueError) as error:
            self.end()
            raise DecoderLost from error
        finally:
            late.cancel()

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


class Decoders:
    """The children of one setting: as many as decode at a time, kept for the next frames."""

    def __init__(self, isolation: Isolation) -> None:
        self.isolation = isolation
        self._idle: deque[_Child] = deque()

    def decode(self, data: bytes, syntax: str, rows: int, columns: int, allocated: int) -> Any:
        """As `decoders.decode_stream`.

        Raises
        ------
        ValueError
            The decoder refuses the stream; `DecoderLost` when it died over it or took too long.
        """
        try:
            child = self._idle.pop()
        except IndexError:
            child = _Child(self.isolation)
        try:
            bits = child.decode(data, syntax, rows, columns, allocated)
        finally:
            if child.alive:
                self._idle.append(child)
        if bits is None:
            raise ValueError("the decoder refuses it")
        return bits

    def close(self) -> None:
        """End the children that wait."""
        while True:
            try:
                self._idle.pop().end()
            except IndexError:
                return


class _Site:
    """The children that are in use now, and the state of the site file that asked for them."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.mark: object = None
        self.decoders: Decoders | None = None


_site = _Site()


def decoders_of_site() -> Decoders | None:
    """The children that the home's `site.toml` asks for; None where frames are decoded in this process.

    Raises
    ------
    InputRefused
        ``site``: the setting cannot be read; then nothing is decoded, rather than without what the site asked for.
    """
    path = home() / "site.toml"
    try:
        status = path.stat()
        mark: object = (str(path), status.st_mtime_ns, status.st_size)
    except OSError:
        mark = str(path)
    with _site.lock:
        if _site.mark != mark:
            isolation = isolation_of(path)
            if _site.decoders is not None:
                _site.decoders.close()
            _site.mark, _site.decoders = mark, None if isolation is None else Decoders(isolation)
        return _site.decoders


def isolation_of(path: Path) -> Isolation | None:
    """What a site file asks for.

    Raises
    ------
    InputRefused
        ``site``: it cannot be read, or a value is no sensible one.
    """
    if not path.is_file():
        return None
    import tomllib

    try:
        found = tomllib.loads(path.read_text("utf-8")).get("intake", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputRefused("site", "site.toml of the home cannot be read, so nothing is decoded; mend it.") from error
    if not isinstance(found, dict) or found.get("isolated_decoding", False) is False:
        return None
    memory, seconds = found.get("decoder_memory_mb", 512), found.get("decoder_seconds", 30)
    usable = (
        found["isolated_decoding"] is True
        and isinstance(memory, int)
        and _LEAST_MB <= memory <= _MOST_MB
        and isinstance(seconds, int | float)
        and 1 <= seconds <= 600
    )
    if not usable:
        raise InputRefused(
            "site",
            "[intake] in site.toml: isolated_decoding is true or false, decoder_memory_mb from 64 to 65536, "
            "decoder_seconds from 1 to 600.",
        )
    return Isolation(memory * 1_000_000, float(seconds))


def serve(memory: int) -> None:
    """Decode what comes on standard input until it ends; in a process of its own."""
    from workstation.dicom.decoders import decode_stream

    _limit(memory)
    source, out = sys.stdin.buffer, sys.stdout.buffer
    while head := source.read(_REQUEST.size):
        length, named, rows, columns, allocated = _REQUEST.unpack(head)
        name = source.read(named).decode("ascii")
        data = source.read(length)
        try:
            bits = np.ascontiguousarray(decode_stream(data, name, rows, columns, allocated))
        except (Exception, MemoryError):  # noqa: BLE001 (whatever a decoder raises: the frame is refused)
            out.write(_ANSWER.pack(b"", 0, 0))
        else:
            out.write(_ANSWER.pack(bits.dtype.str.encode(), bits.ndim, bits.nbytes))
            out.write(struct.pack(f"<{bits.ndim}Q", *bits.shape))
            out.write(bits.data.cast("B"))
        out.flush()


def _limit(memory: int) -> None:
    """Let this process grow by no more than `memory` bytes from here on; POSIX alone knows such limits."""
    import imagecodecs

    for name in ("jpeg8_decode", "jpegls_decode", "jpeg2k_decode", "dicomrle_decode"):
        getattr(imagecodecs, name)
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
        most = pages * resource.getpagesize() + memory
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a dump would hold the image
    except (ImportError, OSError, ValueError):
        return


if __name__ == "__main__":
    serve(int(sys.argv[1]))
