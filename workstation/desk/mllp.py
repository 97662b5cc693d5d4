"""One message over one MLLP link, and the answer to it: HL7's lower layer protocol, with or without TLS.

A link is used for one message at a time. After anything but a clean answer it is closed, so that an answer that comes
late is never taken for the answer to the next message.
"""

from __future__ import annotations

import hashlib
import socket
import ssl
import time
from pathlib import Path
from typing import TYPE_CHECKING

from billing.errors import MessageHole
from billing.messages import hl7
from workstation.base.errors import RenderDeskError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from billing.messages.layout import Receiver

START, END = b"\x0b", b"\x1c\r"
LARGEST = 1 << 20
"""Bytes of an answer; what is larger is no acknowledgement."""
_CONNECT_S = 10.0


class Unreached(RenderDeskError):
    """The receiver was not reached: not a byte of the message went out."""


class Unanswered(RenderDeskError):
    """The message went out, at least in part, and no answer to it came: nobody knows whether it was taken."""


class Frames:
    """Bytes as they come in, and the messages in them; what stands between two frames is left out."""

    def __init__(self) -> None:
        self._held = b""

    def add(self, data: bytes) -> None:
        """More bytes.

        Raises
        ------
        Unanswered
            The receiver talks without end.
        """
        self._held += data
        if len(self._held) > LARGEST:
            raise Unanswered("garbage", "The receiver sent more than an acknowledgement can be.")

    def whole(self) -> Iterator[str]:
        """Messages that are complete, in order; each comes once."""
        while True:
            begin = self._held.find(START)
            if begin < 0:
                self._held = b""
                return
            end = self._held.find(END, begin)
            if end < 0:
                self._held = self._held[begin:]
                return
            # a frame that was broken off and begun again counts from its last beginning
            begin = self._held.rfind(START, begin, end)
            content = self._held[begin + 1 : end]
            self._held = self._held[end + len(END) :]
            yield content.decode("utf-8", errors="replace")


class Link:
    """A connection to a receiver; made at the first message, and made anew after a failure.

    Parameters
    ----------
    receiver : where to
    folder : the certificates that the receiver's settings name are looked for here
    """

    def __init__(self, receiver: Receiver, folder: Path) -> None:
        self.receiver = receiver
        self._folder = folder
        self._socket: socket.socket | None = None
        self._frames = Frames()

    def __enter__(self) -> Link:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self, heard: Callable[[str], None]) -> None:
        """Connect, if there is no connection that still stands.

        Parameters
        ----------
        heard : given what the receiver said in between, such as the verdict on a message that it had only received

        Raises
        ------
        Unreached
            In one sentence; nothing went out.
        """
        if self._socket is not None and not self._stands(self._socket, heard):
            self.close()
        if self._socket is None:
            self._frames = Frames()
            self._socket = self._connected()

    def exchange(self, message: str, control_id: str, *, heard: Callable[[str], None]) -> hl7.Acknowledgement:
        """Send a message over the open connection and wait for the answer to it.

        Parameters
        ----------
        control_id : MSH-10 of the message; an answer counts when its MSA-2 is the same
        heard : given each text that is no answer to this message

        Raises
        ------
        Unanswered
            In one sentence; the message may or may not have been taken.
        """
        line = self._socket
        if line is None:
            raise Unanswered("closed", "The receiver closed the connection.")
        try:
            line.settimeout(self.receiver.timeout_s)
            line.sendall(hl7.frame(message))
            return self._answer(line, control_id, heard)
        except TimeoutError:
            self.close()
            raise Unanswered("timeout", f"No answer in {self.receiver.timeout_s:g} seconds.") from None
        except (OSError, ssl.SSLError):
            self.close()
            raise Unanswered("closed", "The connection broke before the answer.") from None
        except Unanswered:
            self.close()
            raise

    def _answer(self, line: socket.socket, control_id: str, heard: Callable[[str], None]) -> hl7.Acknowledgement:
        # one limit for the whole answer: a receiver that sends a byte now and then does not hold the queue for ever
        limit = time.monotonic() + self.receiver.timeout_s
        while True:
            left = limit - time.monotonic()
            if left <= 0:
                raise TimeoutError
            line.settimeout(left)
            data = line.recv(65536)
            if not data:
                raise Unanswered("closed", "The receiver closed the connection before it answered.")
            self._frames.add(data)
            if (found := _best(self._frames.whole(), control_id, heard)) is not None:
                return found

    def _stands(self, line: socket.socket, heard: Callable[[str], None]) -> bool:
        """Whether the other side is still there while nothing is outstanding."""
        line.settimeout(0.0)
        try:
            while data := line.recv(65536):
                self._frames.add(data)
                for text in self._frames.whole():
                    heard(text)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except (OSError, Unanswered):
            return False
        return False

    def _connected(self) -> socket.socket:
        receiver = self.receiver
        try:
            plain = socket.create_connection(
                (receiver.host, receiver.port), timeout=min(_CONNECT_S, receiver.timeout_s)
            )
        except OSError as error:
            raise Unreached("unreached", f"{receiver.name} cannot be reached: {_why(error)}.") from None
        if not receiver.tls:
            return plain
        try:
            secured = self._context().wrap_socket(plain, server_hostname=receiver.host)
        except ssl.SSLCertVerificationError as error:
            plain.close()
            raise Unreached(
                "tls", f"The certificate of {receiver.name} does not verify: {error.verify_message}."
            ) from None
        except OSError:
            plain.close()
            raise Unreached("tls", f"No encrypted connection to {receiver.name} came about.") from None
        if receiver.pin_sha256 and not _pinned(secured, receiver.pin_sha256):
            secured.close()
            raise Unreached("tls", f"The certificate of {receiver.name} is not the one that is pinned.")
        return secured

    def _context(self) -> ssl.SSLContext:
        receiver = self.receiver
        try:
            if receiver.pin_sha256 and not receiver.ca_file:
                # the pin is the verification: exactly this certificate, whoever issued it, is compared before any byte
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            else:
                authority = str(self._folder / receiver.ca_file) if receiver.ca_file else None
                context = ssl.create_default_context(cafile=authority)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            if receiver.certificate:
                context.load_cert_chain(self._folder / receiver.certificate, self._folder / receiver.key)
        except (OSError, ssl.SSLError):
            raise Unreached("tls", f"A certificate file of {receiver.name} cannot be read.") from None
        return context

    def close(self) -> None:
        """Give the connection up."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _best(answers: Iterator[str], control_id: str, heard: Callable[[str], None]) -> hl7.Acknowledgement | None:
    """The answer to our message among those that came together; a refusal goes before a receipt of the same message."""
    found: hl7.Acknowledgement | None = None
    for text in answers:
        try:
            read = hl7.read_acknowledgement(text, control_id)
        except MessageHole:
            read = None
        if read is None:
            heard(text)
        elif found is None or read.state == "rejected":
            found = read
    return found


def _pinned(line: ssl.SSLSocket, pin: str) -> bool:
    shown = line.getpeercert(binary_form=True) or b""
    return hashlib.sha256(shown).hexdigest() == pin.replace(":", "").lower()


def _why(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "it does not answer"
    if isinstance(error, ConnectionRefusedError):
        return "it refuses the connection"
    if isinstance(error, socket.gaierror):
        return "its name is not known"
    return "the network does not lead there"
