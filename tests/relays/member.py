"""Member: a device that comes back whenever it is closed, talks, and answers what it hears."""

import random
import struct
from contextlib import suppress
from itertools import count
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.error import ConnectError
from twisted.internet.task import deferLater

from tests.relays.auditor import Auditor
from tests.relays.nodes import HOST
from vaultrelay.client import Closed, Device, Draining, Left, Message, Nack, Refused, connect
from vaultrelay.wire.close_codes import CloseCode

HASTE = 10
"""A member waits for a tenth of what docs/protocol.rst tells it. That is harder on all others."""
LONGEST_WAIT = 60
UNANNOUNCED = (2, 12)
"""What a close with 4000 means without its announcement."""
_SAID, _HEARD = b"s", b"h"
_STAYS = count(1)


class Member:
    """One device of a channel.

    `stays` counts how often it was welcomed, and `came_back` how often it had hung up itself.
    """

    def __init__(self, clock: Any, auditor: Auditor, port: int, channel: int, tag: bytes) -> None:
        self.channel = channel
        self.tag = tag
        self.port = port
        self.device: Device | None = None
        self.node = ""
        self.stays = 0
        self.came_back = 0
        self.troubles: list[str] = []
        self._clock = clock
        self._auditor = auditor
        self._random = random.Random(f"{channel} {tag!r}")
        self._stay = 0
        self._attempts, self._reconnect = 0, UNANNOUNCED
        self._wants_to_stay = True
        self._pause: Deferred[None] | None = None
        self._numbers: dict[int, int] = {}
        self._unanswered: dict[int, tuple[int, int]] = {}

    async def live(self) -> None:
        """Join, and join again, until `leave`."""
        while self._wants_to_stay:
            try:
                await self._join()
                await self._listen()
            except (Refused, Closed, ConnectError, CancelledError) as trouble:
                if self._wants_to_stay:
                    self.troubles.append(str(trouble) or type(trouble).__name__)
                    self._pause = deferLater(self._clock, self._waits_after(trouble) / HASTE)
                    with suppress(CancelledError):
                        await self._pause

    def leave(self) -> None:
        """Close, and do not come back."""
        self._wants_to_stay = False
        if self.device is not None:
            self.device.close()
        elif self._pause is not None:
            self._pause.cancel()

    def come_back(self) -> None:
        """Hang up without a word, as a device that changes its network."""
        if self.device is not None:
            self.came_back += 1
            self.device.abort()

    def say_something(self) -> None:
        """Send a numbered message to each peer."""
        if self.device is None:
            return
        for session in self.device.peers:
            number = self._numbers.get(session, 0) + 1
            with suppress(Closed):
                id = self.device.send(_SAID + struct.pack(">QQ", self._stay, number), session)
                self._numbers[session] = number
                self._unanswered[id] = (session, number)

    @property
    def awaits_answers(self) -> int:
        """How many of its messages were neither answered nor refused, both ends being there."""
        return len(self._unanswered)

    def _waits_after(self, trouble: BaseException) -> float:
        """Seconds, as the protocol page has it."""
        if isinstance(trouble, Closed) and trouble.code == CloseCode.RESTART.number:
            return self._random.uniform(*self._reconnect)
        self._attempts += 1
        longest: int = min(LONGEST_WAIT, 2**self._attempts)
        return longest * self._random.uniform(0.5, 1)

    async def _join(self) -> None:
        endpoint = TCP4ClientEndpoint(self._clock, HOST, self.port)
        seed = self.channel.to_bytes(32, "big")
        url = f"ws://{HOST}:{self.port}"
        self.device = await connect(self._clock, url, seed, self.tag, endpoint=endpoint)
        self.node = self.device.node or ""
        self.stays += 1
        self._attempts, self._reconnect = 0, UNANNOUNCED
        self._stay = next(_STAYS)
        self._auditor.joined(self.channel, self.tag, self.node)
        if not self._wants_to_stay:
            self.device.close()

    async def _listen(self) -> None:
        """Until the connection is over, which raises Closed."""
        device = self.device
        assert device is not None
        try:
            while True:
                event = await device.receive()
                if isinstance(event, Message):
                    self._hear(event)
                elif isinstance(event, Nack):
                    _, number = self._unanswered.pop(event.id, (0, 0))
                    self._auditor.refused(self._stay, number)
                elif isinstance(event, Draining):
                    self._reconnect = event.reconnect
                elif isinstance(event, Left):
                    self._forget(event.session)
        finally:
            self.device = None
            self._numbers.clear()
            self._unanswered.clear()
            self._auditor.gone(self.channel, self.tag)

    def _hear(self, message: Message) -> None:
        assert self.device is not None
        if message.payload.startswith(_SAID):
            stay, number = struct.unpack(">QQ", message.payload[1:])
            self._auditor.arrived(stay, self._stay, number)
            with suppress(Closed):
                self.device.send(_HEARD + struct.pack(">I", message.id), message.sender)
        else:
            self._unanswered.pop(struct.unpack(">I", message.payload[1:])[0], None)

    def _forget(self, session: int) -> None:
        """A peer left: what it had not answered may or may not have reached it."""
        self._numbers.pop(session, None)
        lost = [id for id, (to, _) in self._unanswered.items() if to == session]
        for id in lost:
            del self._unanswered[id]
