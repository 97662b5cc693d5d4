"""A billing system on a real socket that does to each message what a test tells it to."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable

Act = Callable[["socket.socket", str], None]


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
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped = True
        self._listener.close()

    @property
    def control_ids(self) -> list[str]:
        return [control_of(m) for m in self.messages]

    def _accept(self) -> None:
        while not self._stopped:
            try:
                line, _ = self._listener.accept()
                if self._context is not None:
                    line = self._context.wrap_socket(line, server_side=True)
            except OSError:
                continue
            self.connections += 1
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
                    # Bytes of an encrypted greeting may hold the end mark by chance: without the start
                    # mark, or not as text, there is no message, and a receiver says nothing.
                    _, start, text = content.partition(b"\x0b")
                    try:
                        message = text.decode()
                    except UnicodeDecodeError:
                        continue
                    if not start:
                        continue
                    with self._lock:
                        act = self.acts[min(len(self.messages), len(self.acts) - 1)]
                        self.messages.append(message)
                    act(line, message)
                    if line.fileno() < 0:
                        return


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])
