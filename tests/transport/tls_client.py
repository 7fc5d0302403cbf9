"""A TLS client that takes its steps when the test says so, over a socket that does not block."""

import socket
import ssl
import struct
import warnings
from collections.abc import Callable
from contextlib import suppress

from tests.authority import NAME
from vaultrelay.transport.server_tls import ServerTls, unprinted_names

PIECE_BYTES = 64 * 1024
MOST_ROUNDS = 10


def lenient_context(
    version: ssl.TLSVersion | None = None,
    protocols: tuple[str, ...] = (),
    suites: str = "ALL:@SECLEVEL=0",
) -> ssl.SSLContext:
    """A client's context that would accept any certificate, and tells an end from a goodbye."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    context.set_ciphers(suites)
    if protocols:
        context.set_alpn_protocols(protocols)
    if version is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = version
    return context


def shake(
    tls: ServerTls,
    client: ssl.SSLContext,
    name: str | None = NAME,
    change_hello: Callable[[bytes], bytes] = bytes,
    session: ssl.SSLSession | None = None,
) -> ssl.SSLObject:
    """The client's end of a connection that carried bytes both ways; SSLError for none."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    hello = ssl.MemoryBIO()
    end = client.wrap_bio(to_client, hello, server_hostname=name, session=session)
    server = tls.context.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(MOST_ROUNDS):
        with suppress(ssl.SSLWantReadError):
            end.do_handshake()
            end.write(b"hello")
            assert end.read(5) == b"hello"
            return end
        to_server.write(change_hello(hello.read()))
        with suppress(ssl.SSLWantReadError):
            with unprinted_names():
                server.do_handshake()
            server.write(server.read(5))
    raise AssertionError("the server did not answer")


class Client:
    """Says what `say` is given, as soon as it can, and keeps what it hears."""

    def __init__(
        self,
        wire: socket.socket,
        context: ssl.SSLContext | None = None,
        name: str | None = NAME,
        session: ssl.SSLSession | None = None,
    ) -> None:
        self.wire = wire
        self.to_send = bytearray()
        self.heard = bytearray()
        self.received = bytearray()
        """What came, still encrypted."""
        self.is_shaken = False
        self.said_goodbye = False
        """Whether the server has."""
        self.ended = False
        """Whether the server sends nothing more, be it said or not."""
        self.piece_bytes = 1 << 30
        self.reads = True
        self._to_us, self._from_us = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = (context or lenient_context()).wrap_bio(
            self._to_us, self._from_us, server_hostname=name, session=session
        )
        self._to_say: list[bytes] = []

    def say(self, *texts: bytes) -> None:
        """Say each in records of its own."""
        self._to_say += texts

    def say_goodbye(self) -> None:
        with suppress(ssl.SSLWantReadError):
            self.tls.unwrap()
        self._flush()

    def step(self) -> bool:
        """Go on as far as the kernel and TLS let us; whether anything passed."""
        passed = self._receive() if self.reads else False
        if not self.is_shaken:
            try:
                self.tls.do_handshake()
                self.is_shaken = True
            except ssl.SSLWantReadError:
                pass
        while self.is_shaken and self._to_say:
            self.tls.write(self._to_say.pop(0))
        self._hear()
        return self._flush() or passed

    def sealed(self) -> bytes:
        """Take what TLS has encrypted, instead of having it sent."""
        return self._from_us.read()

    def send_raw(self, data: bytes) -> None:
        """Put bytes on the wire after those of TLS that still wait."""
        self.to_send += data

    def reset(self) -> None:
        """Let TCP say that the connection is broken."""
        self.wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.wire.close()

    def _receive(self) -> bool:
        try:
            data = self.wire.recv(PIECE_BYTES)
        except BlockingIOError:
            return False
        except ConnectionResetError:
            data = b""
        if not data:
            was_open, self.ended = not self.ended, True
            if was_open:
                self._to_us.write_eof()
            return was_open
        self.received += data
        self._to_us.write(data)
        return True

    def _hear(self) -> None:
        while self.is_shaken and not self.said_goodbye:
            try:
                data = self.tls.read(PIECE_BYTES)
            except (ssl.SSLWantReadError, ssl.SSLEOFError):
                return
            except ssl.SSLZeroReturnError:
                data = b""
            except ssl.SSLError as error:
                if error.reason == "UNEXPECTED_EOF_WHILE_READING":
                    # What Python 3.11.2 does not recognize as the SSLEOFError that it is.
                    return
                raise
            if not data:
                self.said_goodbye = True
            self.heard += data

    def _flush(self) -> bool:
        self.to_send += self._from_us.read()
        if not self.to_send:
            return False
        try:
            sent = self.wire.send(self.to_send[: self.piece_bytes])
        except BlockingIOError:
            return False
        except ConnectionError:
            self.to_send.clear()
            return False
        del self.to_send[:sent]
        return True
