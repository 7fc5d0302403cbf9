"""Adapter of the conformance kit for the Python client: docs/conformance.rst has the protocol.

vault-relay conformance -- python3 -m examples.python_adapter
"""

import builtins
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from twisted.internet import stdio
from twisted.internet.defer import ensureDeferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import Clock
from twisted.protocols.basic import LineOnlyReceiver

from examples.python_events import Fields, describe
from examples.python_mail import Mail, new_file
from vaultrelay.app.reactor import real_reactor
from vaultrelay.client import Closed, Connection, Ended
from vaultrelay.client.device import Device
from vaultrelay.client.mail_store import MailStore

SUPPORTS = [
    "clock",
    "dial",
    "idn",
    "keepalive",
    "mailbox",
    "network",
    "reconnect",
    "tls",
    "token",
    "wake",
]
ABOUT = {"adapter": 1, "client": "vaultrelay.client/1", "platform": "native"}
MOMENT = 0.001
"""Seconds. Shorter timers are for the event loop, not for the clock."""


class KitClock(Clock):
    """The time of the clients: it moves when the kit says so."""

    def __init__(self, reactor: Any) -> None:
        super().__init__()
        self._reactor = reactor

    def callLater(
        self, delay: float, callable: Callable[..., object], *args: object, **kw: object
    ) -> IDelayedCall:
        # Autobahn writes after a moment, which no device would measure.
        if delay < MOMENT:
            later: IDelayedCall = self._reactor.callLater(0, callable, *args, **kw)
            return later
        return super().callLater(delay, callable, *args, **kw)


class Session:
    """One client: reads its connection, and reports the events."""

    def __init__(self, connection: Connection, report: Callable[[object], None]) -> None:
        self.connection = connection
        self._report = report
        self.start()

    def start(self) -> None:
        """Read, until only the user may start another attempt."""
        ensureDeferred(self._read())

    async def _read(self) -> None:
        while True:
            event = await self.connection.receive()
            self._report(event)
            if isinstance(event, Ended) and event.retry_seconds is None:
                return

    def send(self, to: int, payloads: list[bytes]) -> int:
        """Send, and return the id of the first message."""
        device = self._device()
        first, *rest = payloads
        id = device.send(first, to)
        ensureDeferred(self._send_all(device, to, rest))
        return id

    async def _send_all(self, device: Device, to: int, payloads: list[bytes]) -> None:
        try:
            for payload in payloads:
                await device.room()
                device.send(payload, to)
        except Closed:
            # The session reports it.
            return

    def _device(self) -> Device:
        if self.connection.device is None:
            raise Closed(1006, "there is no session")
        return self.connection.device

    def close(self) -> None:
        """Leave, and stop."""
        self.connection.close()


class Commands:
    """The commands of the kit, each a method, and the clients that they drive."""

    def __init__(self, reactor: Any, new_store: Callable[[str], MailStore] = new_file) -> None:
        self._reactor = reactor
        self._clock = KitClock(reactor)
        self._mail = Mail(new_store)
        self._sessions: dict[str, Session] = {}
        self._events: list[Fields] = []

    def answer(self, command: Fields) -> Fields:
        """Carry out a command, and return its answer; an unknown one is an error like others."""
        fields = dict(command)
        name = f"do_{fields.pop('do')}"
        owner = self if hasattr(self, name) else self._mail
        try:
            found = getattr(owner, name)(**fields)
        except Exception as error:
            return {"error": str(error)}
        return found or {}

    def do_connect(
        self,
        client: str,
        url: str,
        seed: str,
        device: str,
        dial: str = "",
        trust: str = "",
        mailbox: bool = False,
    ) -> None:
        """Join, and reconnect as the rules permit. `trust` is a root certificate in PEM."""
        there = urlsplit(f"//{dial}" if dial else url)
        tcp = TCP4ClientEndpoint(self._reactor, str(there.hostname), there.port or 0)
        keys = bytes.fromhex(seed), bytes.fromhex(device)
        roots = trust.encode() or None
        box = self._mail.open(client, seed, device) if mailbox else None
        connection = Connection(self._clock, url, *keys, roots, endpoint=tcp, mailbox=box)

        def report(event: object) -> None:
            fields = self._mail.describe(client, event) or describe(event)
            self._events.append({"client": client, **fields})

        self._sessions[client] = Session(connection, report)

    def do_send(
        self, client: str, to: int, payload: str = "", bytes: int = 0, count: int = 1
    ) -> Fields:
        """Send one message, or `count` of `bytes`."""
        one = builtins.bytes(bytes) if bytes else builtins.bytes.fromhex(payload)
        return {"id": self._sessions[client].send(to, [one] * count)}

    def do_events(self) -> Fields:
        """Return what came since the last time."""
        events, self._events = self._events, []
        return {"events": events}

    def do_close(self, client: str) -> None:
        """Leave."""
        if session := self._sessions.pop(client, None):
            session.close()
        self._mail.close(client)

    def do_keepalive(self, client: str, ping_seconds: int) -> None:
        """Ask the relay for a ping interval."""
        self._sessions[client].connection.keep_alive(ping_seconds)

    def do_network(self) -> None:
        """Tell all clients that the network has changed."""
        for session in self._sessions.values():
            if session.connection.network_changed():
                session.start()
        self._clock.advance(0)

    def do_wake(self, slept: float) -> None:
        """Let time pass without timers, and tell all clients."""
        self._clock.rightNow += slept
        for session in self._sessions.values():
            session.connection.woke()
        self._clock.advance(0)

    def do_clock(self, advance: float) -> None:
        """Let time pass, for all clients."""
        self._clock.advance(advance)


class Adapter(LineOnlyReceiver):
    """Reads commands from standard input, and answers on standard output."""

    delimiter = b"\n"
    MAX_LENGTH = 1024 * 1024

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._commands = Commands(reactor)

    def connectionMade(self) -> None:
        self.sendLine(json.dumps({**ABOUT, "supports": SUPPORTS}).encode())

    def lineReceived(self, line: bytes) -> None:
        self.sendLine(json.dumps(self._commands.answer(json.loads(line))).encode())

    def connectionLost(self, reason: object = None) -> None:
        self._reactor.stop()


def main() -> None:
    """Serve the kit until it closes standard input."""
    reactor = real_reactor()
    stdio.StandardIO(Adapter(reactor), reactor=reactor)
    reactor.run()


if __name__ == "__main__":
    main()
