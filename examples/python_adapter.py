"""Adapter of the conformance kit for the Python client: docs/conformance.rst has the protocol.

vault-relay conformance -- python3 examples/python_adapter.py
"""

import builtins
import json
import ssl
from collections.abc import Callable
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from twisted.internet import stdio
from twisted.internet.defer import ensureDeferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.interfaces import IDelayedCall, IStreamClientEndpoint
from twisted.internet.task import Clock
from twisted.protocols.basic import LineOnlyReceiver

from vaultrelay.app.reactor import real_reactor
from vaultrelay.client import (
    Closed,
    Connection,
    Draining,
    Ended,
    Joined,
    Message,
    Nack,
    Opened,
    Refused,
)
from vaultrelay.client.device import Device
from vaultrelay.client.tls import TlsEndpoint
from vaultrelay.wire.relay_url import RelayUrl

SUPPORTS = ["clock", "dial", "idn", "keepalive", "network", "reconnect", "tls", "token", "wake"]
ABOUT = {"adapter": 1, "client": "vaultrelay.client/1", "platform": "native"}
SHOWN_BYTES = 256
"""Of a payload; of a longer one its size is reported."""
MOMENT = 0.001
"""Seconds. Shorter timers are for the event loop, not for the clock."""
Fields = dict[str, Any]


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

    def __init__(self, connection: Connection, report: Callable[[Fields], None]) -> None:
        self.connection = connection
        self._report = report
        self.start()

    def start(self) -> None:
        """Read, until only the user may start another attempt."""
        ensureDeferred(self._read())

    async def _read(self) -> None:
        while True:
            event = await self.connection.receive()
            self._report(describe(event))
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


def describe(event: Any) -> Fields:
    """Return an event of the client as the kit has it."""
    match event:
        case Opened(device):
            peers = [{"session": n, "device": tag.hex()} for n, tag in device.peers.items()]
            fields = {"session": device.session, "peers": peers, "notice": device.notice}
            return {"event": "open", **fields}
        case Ended(error, seconds):
            return {"event": "ended", "retry": seconds, **outcome(error)}
        case Message(sender=sender, payload=payload):
            return {"event": "message", "from": sender, **content(payload)}
        case Nack(peer, id, reason):
            return {"event": "nack", "peer": peer, "id": id, "reason": int(reason)}
        case Joined(peer):
            return {"event": "joined", "session": peer.session, "device": peer.device.hex()}
        case Draining(reconnect=reconnect):
            return {"event": event.type, **asdict(event), "reconnect": list(reconnect)}
    return {"event": event.type, **asdict(event)}


def outcome(error: Exception) -> Fields:
    """Return the reason of an end."""
    match error:
        case Closed(code=code, reason=reason):
            return {"code": code, "reason": reason}
        case Refused(status=status, error=slug, detail=detail):
            return {"status": status, "error": slug, "detail": detail}
    return {"error": type(error).__name__}


def content(payload: bytes) -> Fields:
    """Return a payload; of a long one its size."""
    is_shown = len(payload) <= SHOWN_BYTES
    return {"payload": payload.hex()} if is_shown else {"bytes": len(payload)}


class Commands:
    """The commands of the kit, each a method, and the clients that they drive."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._clock = KitClock(reactor)
        self._sessions: dict[str, Session] = {}
        self._events: list[Fields] = []

    def answer(self, command: Fields) -> Fields:
        """Carry out a command, and return its answer; an unknown one is an error like others."""
        fields = dict(command)
        try:
            found = getattr(self, f"do_{fields.pop('do')}")(**fields)
        except Exception as error:
            return {"error": str(error)}
        return found or {}

    def do_connect(
        self, client: str, url: str, seed: str, device: str, dial: str = "", trust: str = ""
    ) -> None:
        """Join, and reconnect as the rules permit. `trust` is a root certificate in PEM."""
        there = urlsplit(f"//{dial}" if dial else url)
        endpoint: IStreamClientEndpoint = TCP4ClientEndpoint(
            self._reactor, str(there.hostname), there.port or 0
        )
        if trust:
            context = ssl.create_default_context(cadata=trust)
            endpoint = TlsEndpoint(endpoint, RelayUrl.read(url).host, context)
        keys = bytes.fromhex(seed), bytes.fromhex(device)
        connection = Connection(self._clock, url, *keys, endpoint=endpoint)

        def report(event: Fields) -> None:
            self._events.append({"client": client, **event})

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
