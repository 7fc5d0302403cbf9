"""Clients of TLS that a test drives step by step, honest ones and others, and their server."""

import random
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.recorded_log import RecordedLog
from tests.streams.probe import Probe
from tests.streams.tls_records import Sealer, logging_context, sealer_of
from tests.transport.tls_client import lenient_context
from tests.transport.turns import Turns
from vaultrelay.policy.ledger import Ledger
from vaultrelay.transport.hub import EpollHub
from vaultrelay.transport.server_tls import ServerTls
from vaultrelay.transport.tls_stream import TlsStream

LEDGER_BYTES = 64 << 20
_CONTEXT = lenient_context()
_OLD_CONTEXT = lenient_context(ssl.TLSVersion.TLSv1_2)

Change = Callable[[bytes], bytes]


class Server:
    """A hub whose turns the test takes, with any number of TLS streams."""

    def __init__(self, tls: ServerTls) -> None:
        self.tls = tls
        self.reactor = Turns()
        self.ledger = Ledger(LEDGER_BYTES)
        self.hub = EpollHub(self.reactor, self.ledger, log=RecordedLog())
        self.hub.startService()
        self._wires: list[socket.socket] = []

    def connect(self, probe: Probe, buffer_bytes: int | None = None) -> socket.socket:
        """Returns the client's end of a new connection with this protocol."""
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        if buffer_bytes is not None:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer_bytes)
        self._wires.append(theirs)
        probe.makeConnection(TlsStream(self.hub, ours, ("127.0.0.1", 1), probe, self.tls))
        return theirs

    def close(self) -> None:
        self.hub.stopService()
        self.reactor.settle()
        for wire in self._wires:
            wire.close()


class Peer:
    """One client: what it says, how it cuts it, and what it heard.

    `change` alters its bytes once it has its handshake, `first_change` those of the handshake.
    """

    def __init__(
        self, server: Server, is_old: bool = False, keys: Path | None = None, **more: Any
    ) -> None:
        self.said = bytearray()
        self.heard = bytearray()
        self.sent = 0
        self.is_gone = False
        self.is_shaken = False
        self.change: Change = bytes
        self.first_change: Change = bytes
        self.probe = Probe(data=lambda probe, data: probe.transport.write(data))
        self.wire = server.connect(self.probe, **more)
        self._to_us, self._from_us = ssl.MemoryBIO(), ssl.MemoryBIO()
        context, self._log = _OLD_CONTEXT if is_old else _CONTEXT, None
        if keys is not None:
            context, self._log = logging_context(keys)
        self.tls = context.wrap_bio(self._to_us, self._from_us)
        self.to_send = bytearray()
        self._sealer: Sealer | None = None
        self.shake()

    @property
    def sealer(self) -> Sealer:
        """Makes all records from now on, for peers that have a key log."""
        if self._sealer is None:
            assert self._log is not None
            self._sealer = sealer_of(self.tls, self._log)
        return self._sealer

    def shake(self) -> None:
        with suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()
            self.is_shaken = True
        self.to_send += self.first_change(self._from_us.read())

    def say(self, text: bytes, is_last: bool = False) -> None:
        """Queue data in a record of its own; the last one with a close_notify right behind it."""
        try:
            sealed = self._seal(text, is_last)
        except ssl.SSLError:
            # The server has ended what was garbled.
            return
        self.said += text
        self.to_send += self.change(sealed)

    def _seal(self, text: bytes, is_last: bool) -> bytes:
        if self._log is not None:
            return self.sealer.data(text) + (self.sealer.goodbye() if is_last else b"")
        self.tls.write(text)
        if is_last:
            # It is sent before OpenSSL looks for the server's, and finds an echo instead.
            with suppress(ssl.SSLError):
                self.tls.unwrap()
        return self._from_us.read()

    def update_key(self) -> None:
        self.to_send += self.sealer.key_update()

    def step(self, size: int) -> bool:
        """Send so many bytes, and take what came; returns whether anything passed."""
        if self.is_gone:
            return False
        passed = self.hear()
        if self.to_send:
            try:
                count = self.wire.send(self.to_send[:size])
            except BlockingIOError:
                return passed
            except OSError:
                self.to_send.clear()
                return passed
            del self.to_send[:count]
            self.sent += count
            return True
        return passed

    def hear(self) -> bool:
        try:
            data = self.wire.recv(1 << 20)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            return False
        self._to_us.write(data)
        if not self.is_shaken:
            with suppress(ssl.SSLWantReadError, ssl.SSLError):
                self.shake()
        with suppress(ssl.SSLError):
            while self.is_shaken and (text := self.tls.read(1 << 16)):
                self.heard += text
        return True

    def vanish(self) -> None:
        self.is_gone = True
        self.wire.close()

    def check_honest(self) -> None:
        """Check that nothing is lost, and nothing of another's came, in either direction."""
        assert self.probe.received == self.said
        assert self.heard == self.said
        self.check_calls()

    def check_prefix(self) -> None:
        """Check that what a peer of any kind got through is its own, in order."""
        assert self.said.startswith(self.probe.received)
        assert self.said.startswith(self.heard)
        self.check_calls()

    def check_calls(self) -> None:
        assert not self.probe.faults, self.probe.faults
        assert self.probe.calls.count("lost") <= 1


def flip_one_bit(chosen: random.Random) -> Change:
    """Returns a change that spoils one bit of some bytes in ten."""

    def change(data: bytes) -> bytes:
        if not data or chosen.random() < 0.9:
            return data
        spoilt = bytearray(data)
        spoilt[chosen.randrange(len(spoilt))] ^= 1 << chosen.randrange(8)
        return bytes(spoilt)

    return change


def drop_some(chosen: random.Random) -> Change:
    """Returns a change that leaves out a few bytes of some records."""

    def change(data: bytes) -> bytes:
        if len(data) < 10 or chosen.random() < 0.8:
            return data
        at = chosen.randrange(len(data) - 5)
        return data[:at] + data[at + chosen.randrange(1, 5) :]

    return change


def put_plain_text_between(chosen: random.Random) -> Change:
    """Returns a change that says HTTP without TLS before some records."""
    return lambda data: b"GET / HTTP/1.1\r\n\r\n" + data if chosen.random() < 0.2 else data
