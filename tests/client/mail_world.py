"""A relay with a mailbox in memory, its store included, and devices with the reference client."""

from collections import deque
from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from tests.client.world import World, result
from tests.frames import BINARY, client_frame
from tests.memory import SEED
from tests.store.memory_store import Disk, MemoryStore
from vaultrelay.client import (
    Device,
    Mailbox,
    MailboxState,
    MemoryMailStore,
    PutReason,
    PutRefused,
    connect,
)
from vaultrelay.client.mail_store import MailStore
from vaultrelay.mailbox.payers import Payers
from vaultrelay.mailbox.streams import MailboxStreams
from vaultrelay.policy.limits.mailbox import COMMIT_SECONDS
from vaultrelay.store.clerk import Clerk
from vaultrelay.store.store import StoreLimits
from vaultrelay.store.supervisor import State
from vaultrelay.wire.announced import MailboxLimits

LIMITS = MailboxLimits(604_800, 65_536, 10_485_760, 10_000, 262_144)


class Person:
    """A device with a mailbox that can be on and off; `events` are those of the mailbox."""

    def __init__(self, world: "MailWorld", tag: bytes, store: MailStore) -> None:
        self._world = world
        self.tag = tag
        self.store = store
        self.mailbox = Mailbox(store)
        self.device: Device | None = None

    def on(self) -> "Person":
        """Connect, and get all that the relay has."""
        self.join()
        self._world.settle()
        return self

    def join(self) -> None:
        """Connect; the relay has not read its store yet."""
        joining = connect(
            self._world.clock,
            "ws://relay.test",
            SEED,
            self.tag,
            endpoint=self._world.network,
            mailbox=self.mailbox,
        )
        self.device = result(self._world.start(joining))

    def off(self) -> "Person":
        """Lose the connection."""
        assert self.device is not None
        self.device.abort()
        self._world.settle()
        return self

    def restart(self) -> "Person":
        """Start again with what is in the store."""
        self.off()
        self.mailbox = Mailbox(self.store)
        return self

    def events(self) -> list[Any]:
        """What came since the last look."""
        assert self.device is not None
        self._world.settle()
        found = []
        while not self.device._events.is_empty:
            found.append(self._world.next(self.device))
        return found

    def items(self) -> list[bytes]:
        """The payloads that came since the last look; they are taken."""
        found = []
        for event in self.events():
            if hasattr(event, "payload"):
                found.append(event.payload)
                self.mailbox.take(event)
        return found


class MailWorld(World):
    """`disk` is what the relay stores; while there is a `fault` it cannot be used."""

    def __init__(self, limits: MailboxLimits = LIMITS, **settings: Any) -> None:
        super().__init__(**settings)
        self.disk: Disk = {}
        self.store_limits = StoreLimits()
        self.fault: Exception | None = None
        self._calls: deque[Callable[[], None]] = deque()
        self.clerk = Clerk(self._open, self._calls.append, self._state, self.clock.seconds)
        devices = self.relay.service.devices
        self.streams = MailboxStreams(
            self.clerk,
            clock=self.clock,
            ledger=devices.ledger,
            shares=devices.backpressure.shares,
            give_way=devices.core_shares.give_way,
            gathering=devices.batch,
            payers=Payers(self.clock, 0, is_open=False),
            limits=limits,
        )
        self.relay.broker.open_mailbox(self.streams)
        self.settle()

    def person(self, tag: bytes = b"device-a", store: MailStore | None = None) -> Person:
        """A device that is off."""
        return Person(self, tag, store or MemoryMailStore())

    def settle(self) -> None:
        """Let the network and the store do all that they can do now."""
        for _ in range(20):
            self.network.flush()
            self.clock.advance(COMMIT_SECONDS)
            self.clerk.round()
            while self._calls:
                self._calls.popleft()()
        self.network.flush()

    def wait(self, seconds: int) -> None:
        """Let time pass."""
        for _ in range(seconds):
            self.clock.advance(1)
            self.network.flush()
            self.relay.broker.tick()
            self.streams.tick()
        self.settle()

    def stored(self) -> list[bytes]:
        """The payloads of all items."""
        return [kept.put.payload for log in self.disk.values() for kept in log.items.values()]

    def _open(self) -> MemoryStore:
        if self.fault is not None:
            raise self.fault
        return MemoryStore(self.disk, self.store_limits)

    def _state(self, state: State, fault: Exception | None) -> None:
        if state is State.OPEN:
            self.streams.store_returned()
        else:
            self.streams.store_left()


def say(person: Person, message: bytes, opcode: int = BINARY) -> None:
    """The relay sends a message of the test's choice."""
    assert person.device is not None
    person.device._socket.dataReceived(client_frame(opcode, message, masked=False))


def number(person: Person) -> int:
    assert person.device is not None
    return person.device.session


def refused(deferred: "Deferred[bool]") -> PutReason | int:
    with pytest.raises(PutRefused) as error:
        result(deferred)
    return error.value.reason


def states(events: list[Any]) -> list[Any]:
    return [event.state for event in events if isinstance(event, MailboxState)]
