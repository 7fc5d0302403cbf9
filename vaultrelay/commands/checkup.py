"""The checkup: a relay tried step by step, as two devices of a throw-away channel."""

import secrets
import ssl
from collections.abc import Callable, Coroutine
from statistics import median
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred, gatherResults

from vaultrelay.client import Closed, Device, Joined, Message, Refused, connect
from vaultrelay.client.device import RelayUrl
from vaultrelay.commands.probe import dial, greet, resolve
from vaultrelay.logs import printable
from vaultrelay.wire import VERSION
from vaultrelay.wire.close_codes import CloseCode
from vaultrelay.wire.data import HEADER_BYTES
from vaultrelay.wire.proof import CHANNEL_BYTES, DEVICE_BYTES

STEP_SECONDS = 20
"""After which a step has failed: whoever waits longer for a relay has given up."""
ECHOES = 20
ECHO_BYTES = 64
FLOOD_SECONDS = 1.0
FLOOD_BYTES = 16 * 1024


class CheckFailed(Exception):
    """The relay works, but does not do what it should."""


class Checkup:
    """The steps, and what they found."""

    def __init__(self, reactor: Any, url: str, report: Callable[[dict[str, Any]], None]) -> None:
        self._reactor = reactor
        self._url = url
        self._where = RelayUrl.read(url)
        self._report = report
        self._seed = secrets.token_bytes(CHANNEL_BYTES)
        self._closed: Closed | None = None
        self._devices: list[Device] = []
        self.results: list[dict[str, Any]] = []

    @property
    def passed(self) -> bool:
        """Whether every step passed."""
        return all(result["passed"] for result in self.results)

    async def run(self) -> None:
        """Take the steps in turn until one fails."""
        steps: list[tuple[str, Callable[[], Coroutine[Any, Any, dict[str, Any]]]]] = [
            ("name", self._name),
            ("tcp", self._tcp),
            *([("tls", self._tls)] if self._where.scheme == "wss" else []),
            ("upgrade", self._upgrade),
            ("join", self._join),
            ("echo", self._echo),
            ("largest", self._largest),
            ("throughput", self._throughput),
        ]
        for step, take in steps:
            result = await self._take(step, take)
            self.results.append(result)
            self._report(result)
            if not result["passed"]:
                break
        for device in self._devices:
            await device.close()

    async def _take(
        self, step: str, take: Callable[[], Coroutine[Any, Any, dict[str, Any]]]
    ) -> dict[str, Any]:
        started = self._reactor.seconds()
        try:
            work: Deferred[dict[str, Any]] = ensureDeferred(take())
            found = await work.addTimeout(STEP_SECONDS, self._reactor)
        except Exception as error:
            found = {"detail": explain(error, step), "passed": False}
        seconds = round(self._reactor.seconds() - started, 4)
        return {"step": step, "passed": True, "seconds": seconds, **found}

    async def _name(self) -> dict[str, Any]:
        addresses = await resolve(self._reactor, self._where)
        return {"detail": f"{self._where.host} is {', '.join(addresses)}", "addresses": addresses}

    async def _tcp(self) -> dict[str, Any]:
        address = await dial(self._reactor, self._where)
        return {"detail": f"{address} answers on port {self._where.port}"}

    async def _tls(self) -> dict[str, Any]:
        found = await greet(self._reactor, self._where)
        return {
            "detail": f"{found.version}, {found.cipher}; the certificate is good for another "
            f"{found.days_left} days",
            "version": found.version,
            "cipher": found.cipher,
            "days_left": found.days_left,
        }

    async def _upgrade(self) -> dict[str, Any]:
        try:
            await self._connect()
        except Closed as closed:
            # The upgrade was granted; what came after it belongs to the next step.
            self._closed = closed
            return {"detail": f"protocol {VERSION}"}
        version = self._devices[0].relay_version
        return {"detail": f"protocol {VERSION}, relay {printable(version)}", "relay": version}

    async def _join(self) -> dict[str, Any]:
        if self._closed is not None:
            raise self._closed
        await self._connect()
        first, second = self._devices
        event = await first.receive()
        met = isinstance(event, Joined) and event.peer.session == second.session
        if not met or first.session not in second.peers:
            raise CheckFailed("the two devices do not see each other")
        return {"detail": "two devices met", "notice": first.notice}

    async def _echo(self) -> dict[str, Any]:
        first, second = self._devices
        times = []
        for _ in range(ECHOES):
            payload = secrets.token_bytes(ECHO_BYTES)
            started = self._reactor.seconds()
            first.send(payload, to=second.session)
            second.send(await _payload(second), to=first.session)
            if await _payload(first) != payload:
                raise CheckFailed("a message came back changed")
            times.append(1000 * (self._reactor.seconds() - started))
        low, middle, high = min(times), median(times), max(times)
        return {
            "detail": f"{ECHOES} round trips through two legs each: "
            f"median {middle:.1f} ms, {low:.1f} to {high:.1f} ms",
            "milliseconds": {"min": low, "median": middle, "max": high},
        }

    async def _largest(self) -> dict[str, Any]:
        first, second = self._devices
        size = first.limits.message_bytes
        payload = secrets.token_bytes(size - HEADER_BYTES)
        first.send(payload, to=second.session)
        if await _payload(second) != payload:
            raise CheckFailed("the largest message came changed")
        return {"detail": f"a message of {size} bytes arrived whole", "bytes": size}

    async def _throughput(self) -> dict[str, Any]:
        first, second = self._devices
        size = min(FLOOD_BYTES, first.limits.message_bytes - HEADER_BYTES)
        payload = secrets.token_bytes(size)
        started = self._reactor.seconds()
        work = (self._flood(first, second, payload), self._drain(second))
        _, received = await gatherResults(map(ensureDeferred, work), consumeErrors=True)
        rate = received / (self._reactor.seconds() - started) / 1e6
        allowed = first.limits.bytes_per_second
        limit = f"; the relay allows {allowed / 1e6:.0f} MB/s in the long run" if allowed else ""
        return {"detail": f"{rate:.1f} MB/s{limit}", "megabytes_per_second": round(rate, 2)}

    async def _flood(self, sender: Device, receiver: Device, payload: bytes) -> None:
        """Send as fast as the connection takes it; an empty message ends it."""
        end = self._reactor.seconds() + FLOOD_SECONDS
        while self._reactor.seconds() < end:
            sender.send(payload, to=receiver.session)
            await sender.room()
        sender.send(b"", to=receiver.session)

    async def _drain(self, receiver: Device) -> int:
        """The bytes that come until an empty message."""
        received = 0
        while payload := await _payload(receiver):
            received += len(payload)
        return received

    async def _connect(self) -> None:
        tag = secrets.token_bytes(DEVICE_BYTES)
        self._devices.append(await connect(self._reactor, self._url, self._seed, tag))


async def _payload(device: Device) -> bytes:
    """The next message's payload; anything else ends the step."""
    event = await device.receive()
    if not isinstance(event, Message):
        raise CheckFailed(f"instead of a message came {type(event).__name__}")
    return event.payload


def explain(error: Exception, step: str) -> str:
    """What went wrong in a step, and where to look."""
    text = printable(_cause(error)) or type(error).__name__
    hint = _HINTS.get((step, type(error).__name__)) or _HINTS.get((step, ""), "")
    if isinstance(error, Refused):
        hint = ""
    if isinstance(error, Closed) and error.code in _SENTENCES:
        hint = _SENTENCES[error.code] + _CURES.get(error.code, "")
    stop = "" if text.endswith((".", "?")) else "."
    return f"{text}{stop} {hint}".strip()


def _cause(error: Exception) -> str:
    if type(error).__name__ == "TimeoutError":
        # Twisted has several of them, none with a word for people.
        return f"no answer in {STEP_SECONDS} s"
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, ssl.SSLError):
        reason = getattr(error, "reason", None) or ""
        return reason.lower().replace("_", " ")
    return getattr(error, "strerror", None) or str(error)


_SENTENCES = {code.number: code.sentence for code in CloseCode}
_CURES = {
    CloseCode.AUDIENCE.number: " Its operator can add this name with --public-url.",
    CloseCode.RATE.number: " Its operator limits rates with --rate-messages and --rate-bytes.",
}
_HINTS = {
    ("name", ""): "Is the host name spelled right, and does DNS know it?",
    ("tcp", ""): "Is the relay running, is the port right, does a firewall let it through?",
    ("tls", ""): "Does the relay serve TLS here, and is its certificate for this name and valid?",
    ("upgrade", ""): "Does a proxy in front of the relay pass WebSocket upgrades on?",
    ("upgrade", "TimeoutError"): "Something accepts connections here but does not answer as a "
    "relay would; a proxy may hold the upgrade back.",
}
