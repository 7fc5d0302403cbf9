"""The devices of a checkup: two of a temporary channel connect, meet, and leave."""

import secrets
from typing import Any

from twisted.internet.defer import DeferredList, ensureDeferred

from vaultrelay.client import Closed, Device, Joined, Refused, connect
from vaultrelay.client.device import RelayUrl
from vaultrelay.commands.checkup.answers import explain_answer
from vaultrelay.commands.checkup.http import SWITCHED, UPGRADE, NotHttp, ask
from vaultrelay.commands.checkup.messages import Pair
from vaultrelay.commands.checkup.result import CheckFailed, Found
from vaultrelay.logs import printable
from vaultrelay.policy.limits import CLOSE_SECONDS
from vaultrelay.wire import VERSION
from vaultrelay.wire.proof import CHANNEL_BYTES, DEVICE_BYTES

REST_SECONDS = 1
"""A device that the relay reads later than that, since it is over its rate, is replaced."""
_NO_RELAY = "no_relay"


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

    async def upgrade(self) -> Found:
        try:
            await self._connect()
        except Closed as closed:
            # The upgrade was granted; later events belong to the next step.
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
        self._pair = Pair(self.joined, self._reactor)
        facts = {
            "notice": first.notice,
            "ping_seconds": first.ping_seconds,
            "node": first.node,
        }
        where = f" on {printable(first.node)}" if first.node else ""
        return Found(f"two devices met{where}", facts)

    async def pair(self) -> Pair:
        """Return the two devices; new ones if the old ones left, or are over their rates for
        long."""
        if self._pair is None or self._pair.rest_seconds > REST_SECONDS:
            await self.leave()
            self._seed = secrets.token_bytes(CHANNEL_BYTES)
            await self._connect()
            await self._connect()
            self._pair = Pair(self.joined, self._reactor)
        return self._pair

    async def leave(self) -> None:
        """Leave the channel; a device that gets no answer to its close is cut off."""
        devices, self.joined = self.joined, []
        pair, self._pair = self._pair, None
        # The relay does not read the close of a device that is over its rate.
        wait = 0 if pair is not None and pair.rest_seconds > REST_SECONDS else CLOSE_SECONDS
        parting = [ensureDeferred(self._part(device, wait)) for device in devices]
        await DeferredList(parting, consumeErrors=True)

    async def _part(self, device: Device, seconds: float) -> None:
        deadline = self._reactor.callLater(seconds, device.abort)
        await device.close()
        if deadline.active():
            deadline.cancel()

    async def _look_closer(self) -> None:
        """Repeat the request, to find the server that refuses the upgrade. Raises CheckFailed with
        it."""
        try:
            answer = await ask(self._reactor, self._where, self._where.path, UPGRADE)
        except NotHttp as error:
            raise CheckFailed(str(error)) from None
        except Exception:
            return
        if answer.status != SWITCHED:
            raise CheckFailed(explain_answer(answer, self._where))

    async def _connect(self) -> None:
        tag = secrets.token_bytes(DEVICE_BYTES)
        self.joined.append(await connect(self._reactor, self._url, self._seed, tag))
