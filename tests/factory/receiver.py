"""A billing system on a real socket that does to each message what a test tells it to."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator

Act = Callable[["socket.socket", str], None]
_HANDSHAKE_S = 60.0


def ack(control_id: str, code: str = "AA", words: str = "") -> bytes:
    text = f"MSH|^~\\&|BILLING|GROUP|RENDERDESK|SITE|20260303||ACK^P03|1|P|2.5.1\rMSA|{code}|{control_id}|{words}\r"
    return b"\x0b" + text.encode() + b"\x1c\r"


def control_of(message: str) -> str:
    return message.split("|")[9]


def take(line: socket.socket, message: str) -> None:
    line.sendall(ack(control_of(message)))


def refuse(code: str, words: str) -> Act:
    return lambda line, message: line.sendall(ack(control_of(message), code, words))


def say_nothing(line: socket.socket, message: str) -> None:
    pass


def hang_up(line: socket.socket, message: str) -> None:
    line.close()


def answer_half(line: socket.socket, message: str) -> None:
    line.sendall(ack(control_of(message))[:30])
    line.close()


def answer_another(line: socket.socket, message: str) -> None:
    line.sendall(ack("SOMEBODYELSE"))


def answer_another_first(line: socket.socket, message: str) -> None:
    """Two answers in one packet: one to somebody else's message, one to ours."""
    line.sendall(ack("SOMEBODYELSE", "AE", "not yours") + ack(control_of(message)))


def receive_then_refuse(line: socket.socket, message: str) -> None:
    """Enhanced mode: the receipt and the verdict in one packet."""
    line.sendall(ack(control_of(message), "CA") + ack(control_of(message), "AE", "no such visit"))


def garbage(line: socket.socket, message: str) -> None:
    line.sendall(b"\x00\xff GET / HTTP/1.1\r\n\r\n" + b"\x0bMSH\x1c\r" + b"\x0bhello\x1c\r")


def garbage_then_take(line: socket.socket, message: str) -> None:
    line.sendall(b"noise\x0bMSH|^~\\&|broken off" + ack(control_of(message)))


def endless(line: socket.socket, message: str) -> None:
    with contextlib.suppress(OSError):
        for _ in range(64):
            line.sendall(b"\x0b" + b"x" * 65536)


def drip(pause: float) -> Act:
    """A byte now and then: the answer would be whole one day."""

    def act(line: socket.socket, message: str) -> None:
        with contextlib.suppress(OSError):
            for byte in ack(control_of(message)):
                line.sendall(bytes([byte]))
                time.sleep(pause)

    return act


def late(pause: float) -> Act:
    def act(line: socket.socket, message: str) -> None:
        time.sleep(pause)
        with contextlib.suppress(OSError):
            take(line, message)

    return act


class Receiver:
    """Listens on a port of its own; the n-th message gets the n-th act, the last act holds for all others."""

    def __init__(self, *acts: Act, context: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self.acts = list(acts) or [take]
        self.messages: list[str] = []
        self.connections = 0
        self.most_outstanding = 0
        self._context = context
        self._listener = socket.create_server((host, 0))
        self.port = self._listener.getsockname()[1]
        self._stopped = False
        self._lines: list[socket.socket] = []
        self._came = threading.Condition()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, *_: object) -> None:
        """End with everything that it began: no thread is left to speak into a later test."""
        self._stopped = True
        with contextlib.suppress(OSError):
            socket.create_connection(self._listener.getsockname(), timeout=5).close()  # wakes who waits in accept()
        self._threads[0].join()
        self._listener.close()
        for line in self._lines:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        for thread in self._threads[1:]:
            thread.join()
        for line in self._lines:
            line.close()

    def wait_for(self, count: int) -> None:
        """Until so many messages have come in: a sender that gave up may be quicker than the thread that reads."""
        with self._came:
            assert self._came.wait_for(lambda: len(self.messages) >= count, timeout=60)

    @property
    def control_ids(self) -> list[str]:
        return [control_of(m) for m in self.messages]

    def _accept(self) -> None:
        while not self._stopped:
            try:
                line, _ = self._listener.accept()
            except OSError:
                continue
            if self._stopped:
                line.close()
                break
            if self._context is not None:
                try:
                    # who connects and says nothing does not keep the others out for ever
                    line.settimeout(_HANDSHAKE_S)
                    line = self._context.wrap_socket(line, server_side=True)
                    line.settimeout(None)
                except OSError:
                    line.close()
                    continue
            self.connections += 1
            self._lines.append(line)
            thread = threading.Thread(target=self._serve, args=(line,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, line: socket.socket) -> None:
        held = b""
        with contextlib.suppress(OSError):
            while data := line.recv(65536):
                held += data
                self.most_outstanding = max(self.most_outstanding, held.count(b"\x1c\r"))
                while b"\x1c\r" in held:
                    content, held = held.split(b"\x1c\r", 1)
                    # Bytes of an encrypted greeting may hold both marks by chance: what does not begin
                    # as a message does is none, and a receiver says nothing.
                    _, _, text = content.partition(b"\x0b")
                    if not text.startswith(b"MSH|"):
                        continue
                    message = text.decode()
                    with self._came:
                        act = self.acts[min(len(self.messages), len(self.acts) - 1)]
                        self.messages.append(message)
                        self._came.notify_all()
                    act(line, message)
                    if line.fileno() < 0:
                        return


@contextlib.contextmanager
def closed_port() -> Iterator[int]:
    """A port on which nobody listens, and nobody else can meanwhile: it is taken, and not opened."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as taken:
        taken.bind(("127.0.0.1", 0))
        yield int(taken.getsockname()[1])
