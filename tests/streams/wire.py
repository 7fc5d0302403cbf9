"""The client's end of a connection: a blocking socket, used in threads."""

import os
import socket
import ssl
import struct
from contextlib import suppress
from typing import Any

PATIENCE_SECONDS = 10
"""No case waits as long; a client that does has found a fault."""
_RECEIVED_AT_ONCE = 64 * 1024


class Wire:
    """Sends and receives. `ending` is how the server's direction ended, once it has."""

    def __init__(self, connected: socket.socket) -> None:
        connected.settimeout(PATIENCE_SECONDS)
        self.socket = connected
        self.ending = ""

    @property
    def is_tls(self) -> bool:
        return isinstance(self.socket, ssl.SSLSocket)

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def send_pieces(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.socket.sendall(piece)

    def receive(self, size: int) -> bytes:
        """Receive so many bytes, or all that come before the end."""
        received = bytearray()
        while len(received) < size:
            try:
                data = self.socket.recv(min(size - len(received), _RECEIVED_AT_ONCE))
                self.ending = "" if data else "goodbye" if self.is_tls else "end"
            except ssl.SSLEOFError:
                self.ending, data = "cut", b""
            except ConnectionResetError:
                self.ending, data = "reset", b""
            if not data:
                break
            received += data
        return bytes(received)

    def receive_all(self) -> bytes:
        """Receive until the server's direction ends."""
        return self.receive(1 << 40)

    def receive_raw_end(self) -> str:
        """Returns how TCP ends, whatever TLS makes of it."""
        with socket.socket(fileno=os.dup(self.socket.fileno())) as below:
            below.settimeout(PATIENCE_SECONDS)
            try:
                while below.recv(_RECEIVED_AT_ONCE):
                    pass
            except ConnectionResetError:
                return "reset"
        return "end"

    def end_sending(self) -> None:
        """Close our direction: with a close_notify in TLS, which the server may answer."""
        if isinstance(self.socket, ssl.SSLSocket):
            with suppress(OSError):
                self.socket.unwrap()
        else:
            self.socket.shutdown(socket.SHUT_WR)

    def say_goodbye(self) -> None:
        """Send a close_notify, and go on reading. The server has to send nothing meanwhile."""
        assert isinstance(self.socket, ssl.SSLSocket)
        self.socket.settimeout(0)
        with suppress(ssl.SSLWantReadError):
            self.socket.unwrap()
        self.socket.settimeout(PATIENCE_SECONDS)

    def leave_rudely(self) -> None:
        """Close TCP without a word of TLS."""
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def reset(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def leave(self) -> None:
        """Close as a good client does, with a close_notify in TLS."""
        if self.is_tls:
            self.end_sending()
        self.close()

    def close(self) -> None:
        with suppress(OSError):
            self.socket.close()


def connect(address: Any, receive_bytes: int | None) -> socket.socket:
    """Connect to an IP address and port, or to the path of a unix socket."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    connected = socket.socket(family, socket.SOCK_STREAM)
    if receive_bytes is not None:
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    connected.settimeout(PATIENCE_SECONDS)
    connected.connect(address)
    if family == socket.AF_INET:
        # What is sent is with the server when the call returns.
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connected


def wrap(connected: socket.socket, version: ssl.TLSVersion) -> ssl.SSLSocket:
    """Have the handshake of this version; an end without a close_notify is an error."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    context.minimum_version = context.maximum_version = version
    return context.wrap_socket(connected, suppress_ragged_eofs=False)
