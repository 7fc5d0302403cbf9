"""The steps that devices take: two of a throw-away channel meet, and pass each other messages."""

import secrets
from statistics import median
from typing import Any

from twisted.internet.defer import ensureDeferred, gatherResults

from vaultrelay.client import Closed, Device, Joined, Message, Refused, connect
from vaultrelay.client.device import RelayUrl
from vaultrelay.commands.checkup.answers import explain_answer
from vaultrelay.commands.checkup.ask import SWITCHED, UPGRADE, NotHttp, ask
from vaultrelay.commands.checkup.found import CheckFailed, Found
from vaultrelay.logs import printable
from vaultrelay.policy.limits import CLOSE_SECONDS
from vaultrelay.wire import VERSION
from vaultrelay.wire.data import HEADER_BYTES
from vaultrelay.wire.proof import CHANNEL_BYTES, DEVICE_BYTES

ECHOES = 20
ECHO_BYTES = 64
FLOOD_SECONDS = 1.0
FLOOD_BYTES = 16 * 1024
_NO_RELAY = "no_relay"


class Devices:
    """The devices of a checkup, and the steps that they take."""

    def __init__(self, reactor: Any, url: str) -> None:
        self._reactor = reactor
        self._url = url
        self._where = RelayUrl.read(url)
        self._seed = secrets.token_bytes(CHANNEL_BYTES)
        self._closed: Closed | None = None
        self.joined: list[Device] = []

    async def upgrade(self) -> Found:
        try:
            await self._connect()
        except Closed as closed:
            # The upgrade was granted; what came after it belongs to the next step.
            self._closed = closed
            return Found(f"protocol {VERSION}", {"relay": None})
        except Refused as refused:
            if refused.error == _NO_RELAY and refused.status != SWITCHED:
                await self._look_closer()
            raise
        version = self.joined[0].relay_version
        return Found(f"protocol {VERSION}, relay {printable(version)}", {"relay": version})

    async def join(self) -> Found:
        if self._closed is not None:
            raise self._closed
        await self._connect()
        first, second = self.joined
        event = await first.receive()
        met = isinstance(event, Joined) and event.peer.session == second.session
        if not met or first.session not in second.peers:
            raise CheckFailed("The two devices do not see each other.")
        facts = {
            "notice": first.notice,
            "ping_seconds": first.ping_seconds,
            "node": first.node,
        }
        where = f" on {printable(first.node)}" if first.node else ""
        return Found(f"two devices met{where}", facts)

    async def echo(self) -> Found:
        first, second = self.joined
        times = []
        for _ in range(ECHOES):
            payload = secrets.token_bytes(ECHO_BYTES)
            started = self._reactor.seconds()
            first.send(payload, to=second.session)
            second.send(await _payload(second), to=first.session)
            if await _payload(first) != payload:
                raise CheckFailed("A message came back changed.")
            times.append(1000 * (self._reactor.seconds() - started))
        low, middle, high = min(times), median(times), max(times)
        return Found(
            f"{ECHOES} round trips through two legs each: "
            f"median {middle:.1f} ms, {low:.1f} to {high:.1f} ms",
            {"milliseconds": {"min": low, "median": middle, "max": high}},
        )

    async def largest(self) -> Found:
        first, second = self.joined
        size = first.limits.message_bytes
        payload = secrets.token_bytes(size - HEADER_BYTES)
        first.send(payload, to=second.session)
        if await _payload(second) != payload:
            raise CheckFailed("The largest message came changed.")
        return Found(f"a message of {size} bytes arrived whole", {"bytes": size})

    async def throughput(self) -> Found:
        first, second = self.joined
        size = min(FLOOD_BYTES, first.limits.message_bytes - HEADER_BYTES)
        payload = secrets.token_bytes(size)
        started = self._reactor.seconds()
        work = (self._flood(first, second, payload), self._drain(second))
        _, received = await gatherResults(map(ensureDeferred, work), consumeErrors=True)
        rate = received / (self._reactor.seconds() - started) / 1e6
        allowed = first.limits.bytes_per_second
        limit = f"; the relay allows {allowed / 1e6:.0f} MB/s in the long run" if allowed else ""
        return Found(f"{rate:.1f} MB/s{limit}", {"megabytes_per_second": round(rate, 2)})

    async def leave(self) -> None:
        """Leave the channel; who gets no answer to that is cut off."""
        while self.joined:
            device = self.joined.pop()
            deadline = self._reactor.callLater(CLOSE_SECONDS, device.abort)
            await device.close()
            if deadline.active():
                deadline.cancel()

    async def _look_closer(self) -> None:
        """Ask once more, to see who refuses the upgrade, and how; CheckFailed with that."""
        try:
            answer = await ask(self._reactor, self._where, self._where.path, UPGRADE)
        except NotHttp as error:
            raise CheckFailed(str(error)) from None
        except Exception:
            return
        if answer.status != SWITCHED:
            raise CheckFailed(explain_answer(answer, self._where))

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
        self.joined.append(await connect(self._reactor, self._url, self._seed, tag))


async def _payload(device: Device) -> bytes:
    """The next message's payload; anything else ends the step."""
    event = await device.receive()
    if not isinstance(event, Message):
        raise CheckFailed(f"Instead of a message came {type(event).__name__}.")
    return event.payload
