"""HAProxy as a peer: connects to the relay, which announces the channels that have devices here.

HAProxy's own table has an entry for every upgrade, which takes no proof, and keeps it for a minute.
The relay's announcements are in a separate table, which clients without a proof cannot fill
(docs/decisions/0018-relays-announce-their-channels.rst).
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain, islice
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from vaultrelay.logs import RelayLog
from vaultrelay.policy.budgets import Budgets
from vaultrelay.policy.limits.haproxy import (
    ANNOUNCE_TICK_SECONDS,
    ANNOUNCED_AT_FIRST,
    DOUBT_SECONDS,
    MAX_HAPROXIES,
    MAX_NEW_CHANNELS,
    NEW_CHANNELS_A_TICK,
    PEER_MESSAGES_BURST,
    PEER_MESSAGES_PER_SECOND,
    PEER_SILENT_SECONDS,
    TICKS_A_ROUND,
)
from vaultrelay.policy.limits.pending import HEAD_SECONDS
from vaultrelay.policy.token_bucket import TokenBucket
from vaultrelay.transport.pending_connections import PendingConnections
from vaultrelay.transport.periodic import PeriodicTask
from vaultrelay.wire.haproxy_peers import (
    ACCEPTED,
    HEARTBEAT,
    HELLO_BYTES,
    HELLO_LINES,
    RESYNC_PARTIAL,
    TRY_LATER,
    BadPeer,
    Messages,
    read_hello,
    table_definition,
    updates,
)


class HAProxyPeer(Protocol):
    """The connection of one HAProxy process. `relay` is this relay's name in HAProxy.

    Until its hello is accepted, it is a pending connection, which may be evicted.
    """

    transport: Any
    relay = ""
    budgets: Budgets = ()

    def __init__(self, announcer: "Announcer", pending: PendingConnections) -> None:
        self._received_at = announcer.clock.seconds()
        self._announcer = announcer
        self._pending = pending
        self._backlog: Iterator[bytes] = iter(())
        self._hello = b""
        self._messages = Messages()
        self._rate = TokenBucket(PEER_MESSAGES_PER_SECOND, self._received_at, PEER_MESSAGES_BURST)
        self._deadline: IDelayedCall | None = None
        self._is_full = False

    def connectionMade(self) -> None:
        self._pending.add(self)
        self._pending.bytes_received(self)
        self._deadline = self._announcer.clock.callLater(HEAD_SECONDS, self.abort)
        self.transport.registerProducer(self, True)

    def dataReceived(self, data: bytes) -> None:
        self._received_at = self._announcer.clock.seconds()
        try:
            if not self.relay:
                data = self._read_hello(data)
            # One answer for all: a peer that sends many and reads none would fill the memory.
            if self._wants_resync(data) and not self._is_full:
                self.transport.write(RESYNC_PARTIAL)
        except BadPeer as error:
            self._refuse(error.answer)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._cancel_deadline()
        self._pending.remove(self)
        self._announcer.remove_peer(self)

    def announce(self, channels: Iterable[bytes]) -> None:
        """Send these channels, some channels from before the connection, and a heartbeat."""
        if not self._is_full:
            some = islice(self._backlog, ANNOUNCED_AT_FIRST)
            self.transport.write(updates(chain(channels, some), self.relay) + HEARTBEAT)

    def is_silent(self, now: float) -> bool:
        """Return whether HAProxy sent nothing for too long."""
        return now - self._received_at > PEER_SILENT_SECONDS

    def abort(self) -> None:
        """Reset the connection."""
        self.transport.abortConnection()

    evict = abort

    # Producer methods, called by the transport: a HAProxy that does not read misses entries.

    def pauseProducing(self) -> None:
        self._is_full = True

    def resumeProducing(self) -> None:
        self._is_full = False

    def stopProducing(self) -> None:
        self._is_full = True

    def _read_hello(self, data: bytes) -> bytes:
        """Answer the hello once it is complete; return the bytes after it."""
        self._hello += data
        *lines, rest = self._hello.split(b"\n", HELLO_LINES)
        if len(lines) < HELLO_LINES:
            if len(self._hello) > HELLO_BYTES:
                raise BadPeer
            return b""
        relay, haproxy = read_hello(lines)
        if not self._announcer.add_peer(self):
            raise BadPeer(TRY_LATER)
        self._cancel_deadline()
        self._pending.remove(self)
        self._hello, self.relay = b"", relay
        self._announcer.log.info(
            "Announcing the channels of this relay to HAProxy {haproxy}, as server {relay}",
            haproxy=haproxy,
            relay=relay,
        )
        self.transport.write(ACCEPTED + table_definition())
        self._backlog = self._announcer.all_channels()
        self.announce(())
        return rest

    def _wants_resync(self, data: bytes) -> bool:
        """Return whether these messages request a resync. Raises BadPeer if they are too many."""
        wants = False
        for is_request in self._messages.read(data):
            if self._rate.spend(1) and self._rate.debt_seconds(self._received_at):
                raise BadPeer
            wants |= is_request
        return wants

    def _refuse(self, answer: bytes) -> None:
        if not answer:
            # The peer may never read the unsent bytes, so an orderly close could wait without end.
            self.abort()
            return
        self.transport.write(answer)
        self.transport.unregisterProducer()
        self.transport.loseConnection()

    def _cancel_deadline(self) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()


class Announcer:
    """Announces all channels to each connected HAProxy, a part in each tick.

    Costs nothing without a HAProxy. `channels` are those that have devices now. After a silence of
    HAProxy, or a standstill of the relay, devices may be at another relay while their old sessions
    are open here. Until those have ended, the channels of that moment are in doubt: not announced.
    """

    def __init__(
        self, clock: IReactorTime, channels: Callable[[], Collection[bytes]], *, log: RelayLog
    ) -> None:
        self.clock, self.log = clock, log
        self._channels = channels
        self._peers: set[HAProxyPeer] = set()
        self._new: deque[bytes] = deque()
        self._round: Iterator[bytes] = iter(())
        self._part_size = 0
        self._ticked_at = self._doubt_ends = 0.0
        self._doubtful: frozenset[bytes] = frozenset()
        self._ticking = PeriodicTask(
            self._tick, clock, "Cannot announce channels to HAProxy", log=log
        )

    def all_channels(self) -> Iterator[bytes]:
        """Yield the channels not in doubt that have devices now, and still have in their turn."""
        return filter(self._is_announced, tuple(self._channels()))

    def began(self, channel: bytes) -> None:
        """Announce a channel soon after its first device joined."""
        # Beyond this limit new channels wait for their turn in the round.
        if self._peers and len(self._new) < MAX_NEW_CHANNELS:
            self._new.append(channel)

    def add_peer(self, peer: HAProxyPeer) -> bool:
        """Add a HAProxy. Return False if there are too many."""
        if len(self._peers) >= MAX_HAPROXIES:
            return False
        if not self._peers:
            self._ticked_at = self.clock.seconds()
            self._ticking.start(ANNOUNCE_TICK_SECONDS)
        self._peers.add(peer)
        return True

    def remove_peer(self, peer: HAProxyPeer) -> None:
        """Remove a HAProxy, if it was added."""
        self._peers.discard(peer)
        if not self._peers:
            self._ticking.stop()
            self._new.clear()

    def close(self) -> None:
        """Close all connections, since the relay stops."""
        for peer in tuple(self._peers):
            peer.abort()

    def _tick(self) -> None:
        now = self.clock.seconds()
        gap, self._ticked_at = now - self._ticked_at, now
        was_stopped = gap > PEER_SILENT_SECONDS
        # Messages of HAProxy that arrived during a standstill are not read yet.
        silent = [] if was_stopped else [peer for peer in self._peers if peer.is_silent(now)]
        if silent or was_stopped:
            self._doubtful = frozenset(self._channels())
            self._doubt_ends = now + DOUBT_SECONDS
        for peer in silent:
            self.remove_peer(peer)
            peer.abort()
        part = self._next_part()
        for peer in tuple(self._peers):
            peer.announce(part)

    def _next_part(self) -> list[bytes]:
        """Return the channels of a tick: new ones first, then the next of the round."""
        part = list(islice(self._round, self._part_size))
        if len(part) < self._part_size or not part:
            everything = self._channels()
            self._part_size = -(-len(everything) // TICKS_A_ROUND)
            self._round = iter(tuple(everything))
        new = [self._new.popleft() for _ in range(min(len(self._new), NEW_CHANNELS_A_TICK))]
        return [channel for channel in (*new, *part) if self._is_announced(channel)]

    def _is_announced(self, channel: bytes) -> bool:
        is_in_doubt = channel in self._doubtful and self.clock.seconds() < self._doubt_ends
        return channel in self._channels() and not is_in_doubt
