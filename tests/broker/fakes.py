"""A clock, connections and devices without a network, in which the tests tell their stories."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple, TypeAlias

from vaultrelay.broker.broker import Broker
from vaultrelay.broker.outbox import Room
from vaultrelay.broker.settings import BrokerSettings
from vaultrelay.policy.access import Access, Admission
from vaultrelay.policy.audience import Audiences
from vaultrelay.policy.budgets import Budgets
from vaultrelay.policy.limits.defaults import DEFAULT_MAX_CONNECTIONS, DEFAULT_SESSION_TTL
from vaultrelay.policy.limits.session import SessionLimits
from vaultrelay.wire.control.from_relay import FromRelay, read_from_relay
from vaultrelay.wire.control.in_session import Keepalive, Left
from vaultrelay.wire.control.joining import Challenge, Hello
from vaultrelay.wire.data import EVERYONE, HEADER_BYTES, Kind, Reason, pack_data, read_header
from vaultrelay.wire.mailbox import PutReason
from vaultrelay.wire.proof import channel_of, join_body, sign_join
from vaultrelay.wire.refusal import Refusal

HOST = "relay.example.org"


class FakeClock:
    """Time that passes only when told to."""

    def __init__(self) -> None:
        self._now = 1000.0
        self._order = count()
        self._calls: list[tuple[float, int, FakeTimer]] = []

    def seconds(self) -> float:
        return self._now

    def callLater(self, delay: float, call: Callable[[], None], /) -> "FakeTimer":
        assert delay >= 0
        timer = FakeTimer(call)
        heappush(self._calls, (self._now + delay, next(self._order), timer))
        return timer

    @property
    def pending(self) -> int:
        """How many calls are still to come."""
        return sum(timer.is_pending for _, _, timer in self._calls)

    def advance(self, seconds: float) -> None:
        """Let time pass, and make the calls whose time has come, each at its own moment."""
        end = self._now + seconds
        while self._calls and self._calls[0][0] <= end:
            self._now, _, timer = heappop(self._calls)
            timer.fire()
        self._now = end


class FakeTimer:
    """A call that is still to come."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call: Callable[[], None] | None = call

    @property
    def is_pending(self) -> bool:
        return self._call is not None

    def cancel(self) -> None:
        assert self._call is not None, "it was cancelled or made before"
        self._call = None

    def fire(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            call()


class Data(bytes):
    """A data message as a device sends it."""

    @property
    def id(self) -> int:
        return read_header(self).id


class Nack(NamedTuple):
    """A NACK as a device reads it."""

    to: int
    peer: int
    id: int
    reason: Reason | PutReason


class Closed(NamedTuple):
    """The end of what a device gets."""

    number: int
    reason: str


Got: TypeAlias = FromRelay | bytes | Nack | Closed
"""What a device gets: control messages and NACKs decoded, the data of peers as it came."""


def nack(message: Data, peer: int, reason: Reason) -> Nack:
    """What tells the sender of `message` that `peer` did not get it."""
    return Nack(read_header(message).sender, peer, message.id, reason)


class RecordingOutbox:
    """An Outbox that keeps all it is given, in order; set `room` to make it HIGH or FULL.

    `bytes_taken` and `partial_bytes` are what the test sets them to.

    Its device answers every ping at once, unless `answers_pings` is off.
    """

    def __init__(self) -> None:
        self.received_since_tick = False
        self.sent_since_tick = False
        self.room = Room.OPEN
        self.answers_pings = True
        self.got: list[Got] = []
        self.pings = 0
        self.switches: list[str] = []
        self.closed: Closed | None = None
        self.bytes_taken = 0
        self.is_empty = True
        self.on_empty: Callable[[], object] | None = None
        self.partial_bytes: int | None = None
        self.dropped = False

    def deliver(self, messages: list[bytes], is_broadcast: bool = False) -> Room:
        assert self.is_clear or len(messages) == 1
        if self.room is not Room.FULL:
            for message in messages:
                self._put(message)
        return self.room

    @property
    def is_clear(self) -> bool:
        return self.room is Room.OPEN

    def call_when_empty(self, callback: Callable[[], object]) -> bool:
        self.on_empty = None if self.is_empty else callback
        return not self.is_empty

    def send_answer(self, nack: bytes) -> Room:
        kind, flags, reason, to, peer, id = read_header(nack)
        assert (len(nack), kind, flags) == (16, Kind.NACK, 0)
        self._put(Nack(to, peer, id, Reason(reason)))
        return min(self.room, Room.HIGH)

    def send_control(self, control: bytes) -> None:
        known = read_from_relay(control)
        assert known is not None
        self._put(known)

    def ping(self) -> None:
        if self.closed is None:
            self.pings += 1
            self.sent_since_tick = True
            self.received_since_tick |= self.answers_pings

    def pause(self) -> None:
        self._switch("pause")

    def resume(self) -> None:
        self._switch("resume")

    def close(self, number: int, reason: str) -> None:
        if self.closed is None:
            closed = Closed(number, reason)
            self._put(closed)
            self.closed = closed

    def drop_queue(self) -> None:
        self.dropped = True

    def _put(self, item: Got) -> None:
        if self.closed is None:
            self.sent_since_tick = True
            self.got.append(item)

    def _switch(self, how: str) -> None:
        if self.closed is None:
            self.switches.append(how)


class Relay:
    """A broker with a clock of its own. Keywords are limits, by their names in SessionLimits."""

    def __init__(
        self,
        max_connections: int = DEFAULT_MAX_CONNECTIONS,
        hosts: tuple[str, ...] = (),
        places: int = 0,
        node_name: str = "",
        **limits: int,
    ) -> None:
        self.clock = FakeClock()
        self.ended: list[tuple[int, str]] = []
        self.settings = BrokerSettings(
            limits=SessionLimits(**limits),
            audiences=Audiences(hosts),
            node_name=node_name,
            max_connections=max_connections,
            per_address=places,
        )
        self.broker = Broker(
            self.clock,
            self.settings,
            on_end=lambda session: self.ended.append((session.number, session.left_reason)),
        )

    def allow(self, access: Access) -> int:
        """Change the access rules; return how many sessions were closed."""
        self.settings = replace(self.settings, access=access)
        self.broker.configure(self.settings)
        return sum(map(self.broker.close_if_refused, tuple(self.broker.sessions)))

    def refusal_of(self, named: bytes | None = None, budgets: Budgets = ()) -> Refusal | None:
        """What an upgrade is refused with, if it is."""
        try:
            self.broker.admit(named, budgets)
        except Refusal as refusal:
            return refusal
        return None

    def connect(
        self,
        tag: int = 1,
        vault: int = 1,
        named: bytes | None = None,
        budgets: Budgets = (),
    ) -> "Device":
        """A device that has been challenged."""
        return Device(self.broker, tag, vault, named, budgets)

    def join(self, tag: int = 1, vault: int = 1) -> "Device":
        """A device that has said its hello."""
        return self.connect(tag, vault).join()

    def meet(self, devices: int, vault: int = 1) -> list["Device"]:
        """Devices that have joined one channel, and have read what came of it."""
        members = [self.join(tag, vault) for tag in range(1, devices + 1)]
        for member in members:
            member.read()
        return members

    def wait(self, seconds: int) -> None:
        """Let time pass, with a look at the deadlines every second."""
        for _ in range(seconds):
            self.clock.advance(1)
            self.broker.tick()


class Device:
    """A device and its connection: says what devices say, and reads what it gets."""

    def __init__(
        self,
        broker: Broker,
        tag: int,
        vault: int,
        named: bytes | None,
        budgets: Budgets = (),
    ) -> None:
        self.tag = tag_of(tag)
        self.channel = channel_of_vault(vault)
        self.outbox = RecordingOutbox()
        self.session = broker.open(self.outbox, named, Admission(budgets))
        self._seed = _seed(vault)
        self._ids = count(1)
        self._have_read = 0

    @property
    def number(self) -> int:
        return self.session.number

    # What it says.

    def hello(self, relay_nonce: bytes | None = None, audience: str = HOST) -> Hello:
        """A good answer to the challenge, or to another relay's."""
        challenge = self.outbox.got[0]
        assert isinstance(challenge, Challenge)
        nonce = b"once upon a time"
        body = join_body(relay_nonce or challenge.nonce, nonce, self.channel, self.tag, audience)
        return Hello(self.channel, self.tag, nonce, audience, sign_join(self._seed, body))

    def join(self) -> "Device":
        self.say(self.hello())
        return self

    def say(self, control: Hello | Keepalive | bytes) -> None:
        self.session.text_received(control if isinstance(control, bytes) else control.encode())

    def data(self, to: int = EVERYONE, payload: bytes = b"ciphertext") -> Data:
        """A data message, not sent yet."""
        return Data(pack_data(to, self.number, next(self._ids), payload))

    def send(self, to: int = EVERYONE, payload: bytes = b"ciphertext") -> Data:
        message = self.data(to, payload)
        self.session.data_received([message])
        return message

    # What becomes of its connection.

    def stall(self, room: Room = Room.HIGH) -> None:
        """Read no more: the queue fills."""
        self.outbox.room = room

    def drain(self) -> None:
        """Read everything: the queue is empty again."""
        self.outbox.room = Room.OPEN
        self.session.queue_drained()

    def leave(self, clean: bool = True) -> None:
        self.session.connection_lost(clean)

    def vanish(self) -> None:
        """Answer nothing any more, without a word."""
        self.outbox.answers_pings = False

    # What it sees.

    def read(self) -> list[Got]:
        """What came since the last look."""
        new = self.outbox.got[self._have_read :]
        self._have_read += len(new)
        return new

    def left(self) -> list[Left]:
        """All departures that it was told of."""
        return [item for item in self.outbox.got if isinstance(item, Left)]

    def closed(self) -> str:
        """Code and reason of its close frame; empty while the connection is open."""
        closed = self.outbox.closed
        return f"{closed.number} {closed.reason}" if closed else ""

    def paused(self) -> bool:
        """Whether the relay does not read it."""
        return self.outbox.switches[-1:] == ["pause"]

    def pings(self) -> int:
        return self.outbox.pings


def resting(session_ttl: int = DEFAULT_SESSION_TTL) -> tuple[Relay, Device]:
    """A device so much over its rate that the relay does not read it for 1000 seconds."""
    relay = Relay(bytes_per_second=10, session_ttl=session_ttl)
    device = relay.join()
    device.send(payload=bytes(1001 * 10 - HEADER_BYTES))
    assert device.paused()
    return relay, device


def tag_of(tag: int) -> bytes:
    """The eight bytes by which a channel knows a device."""
    return tag.to_bytes(8, "big")


@cache
def channel_of_vault(vault: int) -> bytes:
    """The address of a vault's channel."""
    return channel_of(_seed(vault))


def _seed(vault: int) -> bytes:
    return vault.to_bytes(32, "big")
