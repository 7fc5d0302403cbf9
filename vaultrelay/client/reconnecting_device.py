"""Connection: a device that joins again after its connection has ended."""

from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias, TypeVar

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.internet.task import deferLater

from vaultrelay.client.device import Device, connect
from vaultrelay.client.events import Closed, Event
from vaultrelay.client.mailbox import Mailbox
from vaultrelay.client.reconnecting import Reconnecting
from vaultrelay.wire.control.in_session import Draining


@dataclass(frozen=True, slots=True)
class Opened:
    """A session has begun; `device` is valid until the next Ended."""

    device: Device


@dataclass(frozen=True, slots=True)
class Ended:
    """A connection has ended, or was not made.

    `error` is what `connect` or `Device.receive` raised. `retry_seconds` is the delay before the
    next attempt; None if there is none, and the user is to be asked.
    """

    error: Exception
    retry_seconds: float | None


ConnectionEvent: TypeAlias = Opened | Ended | Event
Found = TypeVar("Found")


class Connection:
    """Joins a channel as often as the rules of the protocol page permit (Reconnecting).

    Takes the arguments of `connect`. It connects while `receive` is awaited, and at no other time.
    """

    def __init__(
        self,
        reactor: IReactorTime,
        url: str,
        channel_seed: bytes,
        device: bytes,
        trust_roots: bytes | None = None,
        endpoint: IStreamClientEndpoint | None = None,
        mailbox: Mailbox | None = None,
    ) -> None:
        self._clock = reactor
        self._dial = partial(
            connect, reactor, url, channel_seed, device, trust_roots, endpoint, mailbox
        )
        self._reconnecting = Reconnecting()
        self._delay: float | None = 0.0
        self._is_closed = False
        self._pending: Deferred[Any] | None = None
        self.device: Device | None = None

    async def receive(self) -> ConnectionEvent:
        """Return the next event: Opened, then those of the session, then Ended.

        After an Ended it waits, and dials again. Raises RuntimeError after an Ended without
        `retry_seconds`; a new Connection starts over.
        """
        if self.device is None:
            return await self._open()
        try:
            event = await self.device.receive()
        except Closed as closed:
            self.device = None
            return self._ended(closed)
        if isinstance(event, Draining):
            self._reconnecting.draining(event.reconnect)
        return event

    def close(self) -> None:
        """Leave the channel, and make no further attempt; `receive` returns an Ended."""
        self._is_closed, self._delay = True, None
        if self.device is not None:
            self.device.close()
        elif self._pending is not None:
            self._pending.cancel()

    async def _open(self) -> Opened | Ended:
        if self._delay is None:
            raise RuntimeError("the connection has ended, and may not be made again by itself")
        try:
            await self._cancellable(deferLater(self._clock, self._delay))
            self.device = await self._cancellable(ensureDeferred(self._dial()))
        except Exception as error:
            return self._ended(error)
        self._reconnecting.opened(self._clock.seconds())
        return Opened(self.device)

    async def _cancellable(self, pending: Deferred[Found]) -> Found:
        self._pending = pending
        try:
            return await pending
        finally:
            self._pending = None

    def _ended(self, error: Exception) -> Ended:
        decided = self._reconnecting.ended(error, self._clock.seconds())
        self._delay = None if self._is_closed else decided
        return Ended(error, self._delay)
