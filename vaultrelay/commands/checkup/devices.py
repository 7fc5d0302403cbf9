"""The devices of a checkup: two of a temporary channel connect, meet, and leave."""

import secrets
from typing import Any

from twisted.internet.defer import DeferredList, ensureDeferred

from vaultrelay.client import Closed, Device, Joined, Mailbox, Refused, connect
from vaultrelay.client.refused import NO_RELAY
from vaultrelay.commands.checkup.answers import explain_answer
from vaultrelay.commands.checkup.messages import Pair
from vaultrelay.commands.checkup.result import CheckFailed, StepResult
from vaultrelay.commands.checkup.tls_endpoint import endpoint_of
from vaultrelay.policy.limits.timeouts import CLOSE_SECONDS
from vaultrelay.policy.printable import printable
from vaultrelay.wire import VERSION
from vaultrelay.wire.proof import CHANNEL_BYTES, DEVICE_BYTES
from vaultrelay.wire.relay_url import RelayUrl

DEBT_SECONDS = 1
"""A device that is over its rate is replaced if the relay reads it no sooner."""


class Devices:
    """The devices of a checkup, and the steps in which they connect."""

    def __init__(self, reactor: Any, url: str) -> None:
        self._reactor = reactor
        self._url = url
        self._where = RelayUrl.read(url)
        self._seed = secrets.token_bytes(CHANNEL_BYTES)
        self._closed: Closed | None = None
        self.joined: list[Device] = []
        self._pair: Pair | None = None

    async def upgrade(self) -> StepResult:
        try:
            await self.connect()
        except Closed as closed:
            # The upgrade was granted; later events belong to the next step.
            self._closed = closed
            return StepResult(f"protocol {VERSION}", {"relay": None})
        except Refused as refused:
            if refused.error == NO_RELAY and refused.answer is not None:
                raise CheckFailed(explain_answer(refused.answer, self._where)) from None
            raise
        version = self.joined[0].relay_version
        return StepResult(f"protocol {VERSION}, relay {printable(version)}", {"relay": version})

    async def join(self) -> StepResult:
        if self._closed is not None:
            raise self._closed
        await self.connect()
        first, second = self.joined
        event = await first.receive()
        met = isinstance(event, Joined) and event.peer.session == second.session
        if not met or first.session not in second.peers:
            raise CheckFailed("The two devices do not see each other.")
        self._pair = Pair(self.joined, self._reactor)
        facts = {
            "notice": first.notice,
            "ping_seconds": first.ping_seconds,
            "node": first.node,
        }
        where = f" on {printable(first.node)}" if first.node else ""
        return StepResult(f"two devices met{where}", facts)

    async def pair(self) -> Pair:
        """Return the two devices; new ones if the old ones left, or are over their rates for
        long."""
        if self._pair is None or self._pair.debt_seconds > DEBT_SECONDS:
            await self.leave()
            self._seed = secrets.token_bytes(CHANNEL_BYTES)
            await self.connect()
            await self.connect()
            self._pair = Pair(self.joined, self._reactor)
        return self._pair

    async def leave(self) -> None:
        """Leave the channel; a device that gets no answer to its close is cut off."""
        devices, self.joined = self.joined, []
        pair, self._pair = self._pair, None
        # The relay does not read the close of a device that is over its rate.
        wait = 0 if pair is not None and pair.debt_seconds > DEBT_SECONDS else CLOSE_SECONDS
        parting = [ensureDeferred(self._part(device, wait)) for device in devices]
        await DeferredList(parting, consumeErrors=True)

    async def _part(self, device: Device, seconds: float) -> None:
        deadline = self._reactor.callLater(seconds, device.abort)
        await device.close()
        if deadline.active():
            deadline.cancel()

    async def connect(self, mailbox: Mailbox | None = None) -> Device:
        """Return one more device of the channel; `leave` includes it."""
        tag = secrets.token_bytes(DEVICE_BYTES)
        device = await connect(
            self._reactor,
            self._url,
            self._seed,
            tag,
            endpoint=endpoint_of(self._reactor, self._where),
            mailbox=mailbox,
        )
        self.joined.append(device)
        return device
