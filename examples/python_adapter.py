"""Adapter of the conformance kit for the Python client: docs/conformance.rst has the protocol.

vault-relay conformance -- python3 -m examples.python_adapter
"""

import builtins
import json
from collections.abc import Callable
from typing import Any

from twisted.internet import stdio
from twisted.internet.defer import ensureDeferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import Clock
from twisted.protocols.basic import LineOnlyReceiver

from examples.python_mail import Mail, content, new_file
from vaultrelay.app.reactor import real_reactor
from vaultrelay.client import (
    Busy,
    Closed,
    Connection,
    Draining,
    Ended,
    Joined,
    Keepalive,
    Left,
    Message,
    Nack,
    Opened,
    Ready,
    Refused,
)
from vaultrelay.client.device import Device
from vaultrelay.client.mail_store import MailStore

ABOUT = {
    "adapter": 1,
    "client": "vaultrelay.client/1",
    "platform": "native",
    "supports": ["clock", "dial", "mailbox", "reconnect", "token"],
}
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

    def __init__(self, connection: Connection, report: Callable[[object], None]) -> None:
        self._connection = connection
        self._report = report
        ensureDeferred(self._read())

    async def _read(self) -> None:
        while True:
            event = await self._connection.receive()
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
        if self._connection.device is None:
            raise Closed(1006, "there is no session")
        return self._connection.device

    def close(self) -> None:
        """Leave, and stop."""
        self._connection.close()


def describe(event: object) -> Fields:
    """Return an event of the client as the kit has it."""
    match event:
        case Opened(device):
            peers = [{"session": n, "device": tag.hex()} for n, tag in device.peers.items()]
            return {
                "event": "open",
                "session": device.session,
                "peers": peers,
                "notice": device.notice,
            }
        case Ended(error, seconds):
            return {"event": "ended", "retry": seconds, **outcome(error)}
        case Message(sender=sender, payload=payload):
            return {"event": "message", "from": sender, **content(payload)}
        case Nack(peer, id, reason):
            return {"event": "nack", "peer": peer, "id": id, "reason": int(reason)}
        case Joined(peer):
            return {"event": "joined", "session": peer.session, "device": peer.device.hex()}
        case Left(session, reason):
            return {"event": "left", "session": session, "reason": reason}
        case Draining(reason, closes_in, reconnect):
            times = {"closes_in": closes_in, "reconnect": list(reconnect)}
            return {"event": "draining", "reason": reason, **times}
        case Busy(session) | Ready(session):
            return {"event": event.type, "session": session}
        case Keepalive(ping_seconds):
            return {"event": "keepalive", "ping_seconds": ping_seconds}
    raise AssertionError(event)


def outcome(error: Exception) -> Fields:
    """Return the reason of an end."""
    if isinstance(error, Closed):
        return {"code": error.code, "reason": error.reason}
    if isinstance(error, Refused):
        return {"status": error.status, "error": error.error, "detail": error.detail}
    return {"error": type(error).__name__}


class Commands:
    """The commands of the kit, each a method, and the clients that they drive."""

    def __init__(self, reactor: Any, new_store: Callable[[str], MailStore] = new_file) -> None:
        self._reactor = reactor
        self._clock = KitClock(reactor)
        self._mail = Mail(new_store)
        self._sessions: dict[str, Session] = {}
        self._events: list[Fields] = []

    def answer(self, command: Fields) -> Fields:
        """Carry out a command, and return its answer."""
        fields = dict(command)
        name = f"do_{fields.pop('do')}"
        owner = self if hasattr(self, name) else self._mail
        do = getattr(owner, name, self._unknown)
        try:
            found = do(**fields)
        except Exception as error:
            return {"error": str(error)}
        return found or {}

    def _unknown(self, **_: object) -> Fields:
        return {"error": "unsupported"}

    def do_connect(
        self,
        client: str,
        url: str,
        seed: str,
        device: str,
        dial: str = "",
        mailbox: bool = False,
    ) -> None:
        """Join, and reconnect as the rules permit."""
        host, _, port = (dial or url.rpartition("@")[2].removeprefix("ws://")).partition(":")
        endpoint = TCP4ClientEndpoint(self._reactor, host, int(port.partition("/")[0]))
        box = self._mail.open(client, seed, device) if mailbox else None
        keys = bytes.fromhex(seed), bytes.fromhex(device)
        connection = Connection(self._clock, url, *keys, endpoint=endpoint, mailbox=box)

        def report(event: object) -> None:
            said = self._mail.describe(client, event) or describe(event)
            self._events.append({"client": client, **said})

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
        self._write(ABOUT)

    def lineReceived(self, line: bytes) -> None:
        self._write(self._commands.answer(json.loads(line)))

    def connectionLost(self, reason: object = None) -> None:
        self._reactor.stop()

    def _write(self, fields: Fields) -> None:
        self.sendLine(json.dumps(fields).encode())


def main() -> None:
    """Serve the kit until it closes standard input."""
    reactor = real_reactor()
    stdio.StandardIO(Adapter(reactor), reactor=reactor)
    reactor.run()


if __name__ == "__main__":
    main()
