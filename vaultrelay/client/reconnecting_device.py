"""Connection: a device that joins again after its connection has ended."""

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias, TypeVar

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime, IStreamClientEndpoint

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
        self._timer: IDelayedCall | None = None
        self._ping_seconds: int | None = None
        self._is_closed = False
        self._pending: Deferred[Any] | None = None
        self.device: Device | None = None

    async def receive(self) -> ConnectionEvent:
        """Return the next event: Opened, then those of the session, then Ended.

        After an Ended it waits, and dials again: at once if `woke` or `network_changed` permits it.
        Raises RuntimeError after an Ended without `retry_seconds`; a new Connection starts over.
        """
        if self.device is None:
            return await self._open()
        try:
            event = await self.device.receive()
        except Closed as closed:
            is_suspect, self.device = self.device.is_suspect, None
            return self._ended(closed, at_once=is_suspect)
        if isinstance(event, Draining):
            self._reconnecting.draining(event.reconnect)
        return event

    def keep_alive(self, ping_seconds: int) -> None:
        """Ask the relay for this ping interval, now and after every welcome."""
        self._ping_seconds = ping_seconds
        if self.device is not None:
            with suppress(Closed):
                self.device.keep_alive(ping_seconds)

    def woke(self) -> None:
        """The machine woke, or the user opened the application: try at once (rule 4).

        A session that does not answer within PROBE_SECONDS ends, and the next attempt is made at
        once. A delay of the relay still applies.
        """
        if self.device is not None:
            with suppress(Closed):
                self.device.probe()
        elif self._delay and not self._reconnecting.is_delay_given:
            self._delay = 0.0
            if self._timer is not None and self._timer.active():
                self._timer.reset(0)

    def network_changed(self) -> bool:
        """The network changed or came back: try at once, as in `woke`.

        Return whether `receive` may be awaited again: the refusal was for the network address.
        """
        self.woke()
        may_dial = self._delay is None and self._reconnecting.depends_on_network
        if may_dial and not self._is_closed:
            self._delay = 0.0
        return may_dial and not self._is_closed

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
            await self._cancellable(self._wait(self._delay))
            self.device = await self._cancellable(ensureDeferred(self._dial()))
        except Exception as error:
            return self._ended(error)
        self._reconnecting.opened(self._clock.seconds())
        if self._ping_seconds is not None:
            self.keep_alive(self._ping_seconds)
        return Opened(self.device)

    def _wait(self, seconds: float) -> Deferred[None]:
        def cancel(_: Deferred[None]) -> None:
            timer.cancel()

        waited: Deferred[None] = Deferred(cancel)
        self._timer = timer = self._clock.callLater(seconds, waited.callback, None)
        return waited

    async def _cancellable(self, pending: Deferred[Found]) -> Found:
        self._pending = pending
        try:
            return await pending
        finally:
            self._pending = None

    def _ended(self, error: Exception, *, at_once: bool = False) -> Ended:
        decided = self._reconnecting.ended(error, self._clock.seconds())
        if at_once and decided is not None and not self._reconnecting.is_delay_given:
            decided = 0.0
        self._delay = None if self._is_closed else decided
        return Ended(error, self._delay)
