"""A relay with a mailbox in memory, whose store does its work when the test lets it."""

from collections import deque
from collections.abc import Callable
from itertools import count
from typing import Any

from tests.broker.fakes import Nack, RecordingOutbox, Relay
from tests.store.memory_store import Disk, MemoryStore
from vaultrelay.broker.backpressure import Backpressure
from vaultrelay.broker.core_shares import CoreShares
from vaultrelay.broker.outbox import Room
from vaultrelay.broker.session import Session
from vaultrelay.mailbox.payers import Payers
from vaultrelay.mailbox.streams import MailboxStreams
from vaultrelay.policy.budgets import Budgets
from vaultrelay.policy.ledger import Ledger
from vaultrelay.policy.limits.mailbox import COMMIT_SECONDS
from vaultrelay.store.clerk import Clerk
from vaultrelay.store.store import StoreLimits
from vaultrelay.store.supervisor import State
from vaultrelay.wire.announced import MailboxLimits
from vaultrelay.wire.control.in_session import Joined, Left
from vaultrelay.wire.control.joining import Hello
from vaultrelay.wire.control.mailbox import Erase
from vaultrelay.wire.data import read_header
from vaultrelay.wire.mailbox import NO_KEY, MailboxKind, PutReason, pack_put, read_item, read_stored

LIMITS = MailboxLimits(604_800, 65_536, 10_485_760, 10_000, 262_144)


class MailOutbox(RecordingOutbox):
    """Keeps ITEMs and STOREDs, parsed. For Backpressure it is a PressedReader, which holds what its
    device does not read."""

    session: Session | None
    ledger: Ledger | None = None
    """Counts what is delivered, if the device takes nothing."""
    held_bytes = shared_bytes = 0
    partial = None

    def read_again(self) -> None:
        """There is nothing to read."""

    def relieve(self) -> None:
        raise AssertionError("memory was to suffice")

    def deliver(self, messages: list[bytes], is_broadcast: bool = False) -> Room:
        (message,) = messages
        if self.ledger is not None:
            self.ledger.add(len(message))
            self.held_bytes += len(message)
            self.is_empty = False
        if self.room is not Room.FULL:
            is_item = message[0] == MailboxKind.ITEM
            self._put(read_item(message) if is_item else message)  # type: ignore[arg-type]
        return self.room

    def send_answer(self, answer: bytes) -> Room:
        assert self.session is not None
        header = read_header(answer)
        if header.kind == MailboxKind.STORED:
            self._put(read_stored(answer, self.session.number))  # type: ignore[arg-type]
        else:
            nack = Nack(header.to, header.sender, header.id, PutReason(header.reason))
            self._put(nack)
        return min(self.room, Room.HIGH)


class Gathering:
    """Counts the batches."""

    def __init__(self) -> None:
        self.open = False
        self.batches = 0

    def begin(self) -> None:
        assert not self.open
        self.open = True

    def end(self, sender: None) -> None:
        self.open = False
        self.batches += 1


class MailRelay(Relay):
    """A relay with a mailbox, and the clerk, which works at each call of `work`."""

    def __init__(
        self, *, limits: MailboxLimits = LIMITS, address_bytes: int = 0, **more: Any
    ) -> None:
        super().__init__()
        self.disk: Disk = {}
        self.store_limits = StoreLimits(**more)
        self.fault: Exception | None = None
        self.calls: deque[Callable[[], None]] = deque()
        self.states: list[State] = []
        self.clerk = Clerk(self._open, self.calls.append, self._state, self.clock.seconds)
        self.ledger = Ledger(1 << 24)
        self.connections: list[MailOutbox] = []
        """The outboxes of devices that read nothing."""
        self.streams = MailboxStreams(
            self.clerk,
            clock=self.clock,
            ledger=self.ledger,
            shares=Backpressure(self.ledger, self.clock, self.connections).shares,
            give_way=CoreShares(self.clock, self.ledger, ()).give_way,
            gathering=Gathering(),
            payers=Payers(self.clock, address_bytes, is_open=True),
            limits=limits,
        )
        self.broker.open_mailbox(self.streams)

    def work(self) -> None:
        """Let the clerk do all that it can do now, and hear of it."""
        for _ in range(20):
            self.clock.advance(COMMIT_SECONDS)
            self.clerk.round()
            while self.calls:
                self.calls.popleft()()

    def mail_device(self, tag: int = 1, vault: int = 1, budgets: Budgets = ()) -> "MailDevice":
        """A device that has been challenged."""
        return MailDevice(self, tag, vault, budgets)

    def hold_memory(self) -> None:
        """Let others take all memory."""
        self.ledger.add(self.ledger.limit)

    def free_memory(self) -> None:
        """Let them take none."""
        self.ledger.add(-self.ledger.limit)

    def live(self, tag: int = 1, vault: int = 1) -> "MailDevice":
        """A device that has all items, and has read what came."""
        device = self.mail_device(tag, vault).open()
        self.work()
        device.read()
        return device

    def _open(self) -> MemoryStore:
        if self.fault is not None:
            raise self.fault
        return MemoryStore(self.disk, self.store_limits)

    def _state(self, state: State, fault: Exception | None) -> None:
        self.states.append(state)
        if state is State.OPEN:
            self.streams.store_returned()
        elif state is not State.FULL:
            self.streams.store_left()


class MailDevice:
    """A device with a mailbox."""

    def __init__(self, relay: MailRelay, tag: int, vault: int, budgets: Budgets) -> None:
        self._relay = relay
        self._device = relay.connect(tag, vault, budgets=budgets)
        self._session = self._device.session
        self.outbox = self._device.outbox = MailOutbox()
        self.outbox.session = self._session
        self.outbox.got = list(self._session.outbox.got)  # type: ignore[attr-defined]
        self._session.outbox = self.outbox
        self._session.flow.outbox = self.outbox
        self._ids = count(1)

    @property
    def session(self) -> Session:
        return self._session

    def open(self, cursor: bytes = b"") -> "MailDevice":
        """Join, and ask for the items after a cursor."""
        hello = self._device.hello()
        asked = Hello(
            hello.channel,
            hello.device,
            hello.nonce,
            hello.audience,
            hello.proof,
            mailbox=cursor,
        )
        self._device.say(asked)
        return self

    def put(
        self,
        number: int,
        payload: bytes = b"sealed",
        key: bytes = NO_KEY,
        ttl: int = 0,
    ) -> int:
        """Send a PUT of the item with this number; return its id."""
        id = next(self._ids)
        item_id = number.to_bytes(16, "big")
        message = pack_put(self._session.number, id, item_id, payload, key=key, ttl=ttl)
        self._session.data_received([message])
        return id

    def erase(self, cursor: bytes | None = None) -> None:
        self._device.say(Erase(cursor).encode())

    def read(self) -> list[Any]:
        """What came since the last look, but for the other devices' coming and going."""
        return [each for each in self._device.read() if not isinstance(each, Joined | Left)]

    def closed(self) -> str:
        return self._device.closed()

    def leave(self) -> None:
        self._device.leave()

    def take_nothing(self) -> "MailDevice":
        """Let all that comes wait in memory."""
        self.outbox.ledger = self._relay.ledger
        self._relay.connections.append(self.outbox)
        return self

    def take_all(self) -> None:
        """Read everything: the queue is empty again."""
        self.outbox.room = Room.OPEN
        self.outbox.is_empty = True
        self._session.queue_drained()
        callback, self.outbox.on_empty = self.outbox.on_empty, None
        if callback is not None:
            callback()
