"""The promise of the whole broker, whatever happens in whatever order:

messages of one sender to one peer arrive in order, once; or the sender gets a NACK that names
message and peer; or one of the two is closed, which the other side learns. Nobody waits for ever:
not a sender for a receiver that takes nothing, and not for a word that it takes again.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.broker.fakes import Data, Device, Got, Nack, Relay
from vaultrelay.broker.outbox import Room
from vaultrelay.policy.limits.memory import BUSY_SECONDS, PROGRESS_BYTES, SLOW_SECONDS
from vaultrelay.policy.limits.timeouts import STANDSTILL_SECONDS
from vaultrelay.wire.close_codes import CloseCode
from vaultrelay.wire.control.in_session import Busy, Joined, Left, Ready
from vaultrelay.wire.control.joining import Welcome
from vaultrelay.wire.data import EVERYONE, Reason, read_header

SLOW = "4004 slow;rule=unread"
CLOSED_AS = {"", "4004 slow", "4007 memory", "4501 bad_message", "4509 replaced"}
TAGS = range(1, 5)
PICK = st.integers(0, 11)


@dataclass(eq=False)
class Member:
    """A device as this test knows it. While it is stalled it reads nothing of what comes."""

    device: Device
    left: bool = False
    read_before_stall: int | None = None
    is_backed_up: bool = False
    quiet_seconds: int = 0
    """Without progress, while it is backed up."""
    taken: int = 0
    """What it had taken at its last progress."""

    @property
    def number(self) -> int:
        return self.device.number

    @property
    def over(self) -> bool:
        return self.left or self.device.closed() != ""

    @property
    def stalled(self) -> bool:
        return self.read_before_stall is not None

    @property
    def got(self) -> list[Got]:
        """What the relay gave to its connection."""
        return self.device.outbox.got

    @property
    def read(self) -> list[Got]:
        """What it managed to read of that; if it ends while stalled, it never reads the rest."""
        return self.got[: self.read_before_stall]

    @property
    def is_busy(self) -> bool:
        return self.is_backed_up and self.quiet_longest >= BUSY_SECONDS

    quiet_longest: int = 0
    """The longest time without progress, while it is backed up."""

    def back_up(self) -> None:
        """Its queue is above the high mark."""
        if not self.is_backed_up:
            self.is_backed_up = True
            self.quiet_seconds = self.quiet_longest = 0
            self.taken = self.device.outbox.bytes_taken

    def second(self) -> None:
        """A second has passed, and the relay has looked at it."""
        self.quiet_seconds += 1
        if self.device.outbox.bytes_taken - self.taken >= PROGRESS_BYTES:
            self.taken, self.quiet_seconds = self.device.outbox.bytes_taken, 0
        self.quiet_longest = max(self.quiet_longest, self.quiet_seconds)

    def learnt_of(self, departed: int) -> bool:
        return any(left.session == departed for left in self.device.left())


@dataclass(frozen=True)
class Sent:
    """A message, the numbers it was for, and those of them that were there."""

    sender: Member
    message: Data
    to: tuple[int, ...]
    present: frozenset[int]


class Channel(RuleBasedStateMachine):
    """Four devices that come and go around one that stays and reads everything."""

    def __init__(self) -> None:
        super().__init__()
        self.relay = Relay(messages_per_second=0, bytes_per_second=0)
        self.all: dict[int, Member] = {}
        self.sent: list[Sent] = []
        self.holds: set[tuple[Member, Member]] = set()
        self.witness = self._enter(tag=0)
        for tag in TAGS:
            self._enter(tag)

    # What happens.

    @rule(tag=st.sampled_from(TAGS))
    def joins(self, tag: int) -> None:
        """A new device, or one that replaces its older session."""
        self._enter(tag)

    @rule(who=PICK)
    def sends_to_all(self, who: int) -> None:
        sender = self._pick(who)
        peers = [peer for peer in self._present() if peer is not sender]
        self._send(sender, EVERYONE, tuple(peer.number for peer in peers))

    @rule(who=PICK, to=PICK)
    def sends_to_one(self, who: int, to: int) -> None:
        """To a peer that is there, that left, or that never was."""
        sender = self._pick(who)
        others = [number for number in range(1, len(self.all) + 3) if number != sender.number]
        number = others[-1 - to % len(others)]
        self._send(sender, number, (number,))

    @precondition(lambda self: self._guests())
    @rule(who=PICK, room=st.sampled_from([Room.HIGH, Room.FULL]), sender=PICK)
    def falls_behind(self, who: int, room: Room, sender: int) -> None:
        """A queue fills, by what is sent to it."""
        member = self._pick_guest(who)
        if not member.stalled:
            member.read_before_stall = len(member.got)
        member.device.stall(room)
        self.sends_to_all(sender)

    @precondition(lambda self: self._guests())
    @rule(who=PICK, sender=PICK)
    def fills_up_late(self, who: int, sender: int) -> None:
        """A queue turns out to be full when what one device sent is written to it."""
        member, other = self._pick_guest(who), self._pick(sender)
        if member.stalled or other is member:
            return
        self._send(other, member.number, (member.number,))
        member.read_before_stall = len(member.got)
        member.device.stall()
        member.device.session.queue_full()
        member.device.session.hold_sender(other.device.session)
        self._back_up(other, member)

    @precondition(lambda self: self._stalled())
    @rule(who=PICK, size=st.sampled_from([1, PROGRESS_BYTES - 1, PROGRESS_BYTES]))
    def takes_some(self, who: int, size: int) -> None:
        """And gets to read one thing more."""
        stalled = self._stalled()
        member = stalled[who % len(stalled)]
        member.device.outbox.bytes_taken += size
        assert member.read_before_stall is not None
        member.read_before_stall = min(member.read_before_stall + 1, len(member.got))

    @precondition(lambda self: self._stalled())
    @rule(who=PICK)
    def catches_up(self, who: int) -> None:
        stalled = self._stalled()
        member = stalled[who % len(stalled)]
        member.read_before_stall = None
        member.is_backed_up = False
        member.device.drain()
        self.holds = {(held, holder) for held, holder in self.holds if holder is not member}

    @precondition(lambda self: self._guests())
    @rule(who=PICK, how=st.sampled_from(["closes", "is lost", "breaks a rule", "holds most"]))
    def ends(self, who: int, how: str) -> None:
        member = self._pick_guest(who)
        if how == "breaks a rule":
            member.device.send(to=member.number)
            assert member.device.closed().startswith("4501 bad_message;rule=")
        elif how == "holds most":
            member.device.session.close(CloseCode.MEMORY)
        else:
            member.device.leave(clean=how == "closes")
            member.left = True

    @rule(seconds=st.sampled_from([1, 2, BUSY_SECONDS, SLOW_SECONDS // 2, SLOW_SECONDS]))
    def time_passes(self, seconds: int) -> None:
        """In which whoever takes nothing for too long holds up nobody, and then is closed."""
        for _ in range(seconds):
            self.relay.wait(1)
            for member in self.all.values():
                if member.is_backed_up and not member.left and member.device.closed() in ("", SLOW):
                    member.second()
                    assert member.over == (member.quiet_seconds >= SLOW_SECONDS)
        self.holds = {
            (held, holder) for held, holder in self.holds if held is holder or not holder.is_busy
        }

    @rule()
    def stands_still(self) -> None:
        """The machine sleeps, for which nobody is to blame."""
        self.relay.clock.advance(STANDSTILL_SECONDS * 100)
        self.relay.broker.tick()

    # What must be true after each of it.

    @invariant()
    def every_message_is_accounted_for(self) -> None:
        given = {number: messages_in(member.got) for number, member in self.all.items()}
        read = {number: messages_in(member.read) for number, member in self.all.items()}
        nacked = Counter(
            (item.to, item.peer, item.id)
            for member in self.all.values()
            for item in member.got
            if isinstance(item, Nack)
        )
        for sent in self.sent:
            for number in sent.to:
                refused = nacked[sent.sender.number, number, sent.message.id]
                if number not in sent.present:
                    assert refused == 1
                    continue
                assert refused + given[number][sent.message] == 1
                if refused + read[number][sent.message] == 0:
                    receiver = self.all[number]
                    assert receiver.stalled
                    assert not receiver.over or sent.sender.over or sent.sender.learnt_of(number)

    @invariant()
    def nobody_gets_what_is_not_for_them(self) -> None:
        meant = Counter((number, bytes(sent.message)) for sent in self.sent for number in sent.to)
        for member in self.all.values():
            for message in messages_in(member.got):
                assert meant[member.number, message] == 1

    @invariant()
    def every_device_reads_one_ordered_stream(self) -> None:
        for member in self.all.values():
            there: set[int] = set()
            last: dict[int, int] = defaultdict(int)
            for item in member.got:
                if isinstance(item, Welcome):
                    there = {peer.session for peer in item.peers}
                elif isinstance(item, Joined):
                    there.add(item.peer.session)
                elif isinstance(item, Left):
                    there.remove(item.session)
                elif isinstance(item, Busy | Ready):
                    assert item.session in there
                elif isinstance(item, bytes):
                    header = read_header(item)
                    assert header.sender in there
                    assert header.id > last[header.sender]
                    last[header.sender] = header.id
            if not member.over:
                assert there == {peer.number for peer in self._present()} - {member.number}

    @invariant()
    def whoever_was_refused_learns_when_to_send_again(self) -> None:
        """Or that the peer is gone; and nobody learns it that needs not."""
        for member in self.all.values():
            waits: set[int] = set()
            for item in member.got:
                if isinstance(item, Busy):
                    waits.add(item.session)
                elif isinstance(item, Nack) and item.reason is Reason.BUSY:
                    waits.add(item.peer)
                elif isinstance(item, Ready):
                    waits.remove(item.session)
                elif isinstance(item, Left):
                    waits.discard(item.session)
            if not member.over:
                assert all(self.all[number].is_backed_up for number in waits)

    @invariant()
    def nobody_is_held_up_without_need(self) -> None:
        present = self._present()
        for member in present:
            holders = [holder for held, holder in self.holds if held is member]
            assert member.device.paused() == any(holder in present for holder in holders)

    @invariant()
    def nobody_is_closed_without_reason(self) -> None:
        for member in self.all.values():
            reason = member.device.closed()
            assert reason.partition(";rule=")[0] in CLOSED_AS
            assert reason != SLOW or member.quiet_seconds >= SLOW_SECONDS

    def teardown(self) -> None:
        """Everybody leaves, and nothing is left."""
        for member in self.all.values():
            member.device.leave()
        broker = self.relay.broker
        assert (broker.sessions, broker.channels, broker.joined) == (set(), {}, 0)
        assert not any(member.device.session.flow.is_queue_high for member in self.all.values())

    # Inside.

    def _enter(self, tag: int) -> Member:
        member = Member(self.relay.join(tag))
        assert member.number not in self.all
        self.all[member.number] = member
        return member

    def _present(self) -> list[Member]:
        return [member for member in self.all.values() if not member.over]

    def _guests(self) -> list[Member]:
        return [member for member in self._present() if member is not self.witness]

    def _stalled(self) -> list[Member]:
        return [member for member in self._guests() if member.stalled]

    def _pick(self, who: int) -> Member:
        present = self._present()
        return present[who % len(present)]

    def _pick_guest(self, who: int) -> Member:
        guests = self._guests()
        return guests[who % len(guests)]

    def _send(self, sender: Member, to: int, numbers: tuple[int, ...]) -> None:
        receivers = {peer.number: peer for peer in self._present() if peer.number in numbers}
        message = sender.device.send(to)
        self.sent.append(Sent(sender, message, numbers, frozenset(receivers)))
        for receiver in receivers.values():
            if receiver.stalled:
                self._back_up(sender, receiver)
        nacked = any(isinstance(item, Nack) and item.id == message.id for item in sender.got)
        if nacked and sender.stalled:
            self._back_up(sender, sender)

    def _back_up(self, sender: Member, receiver: Member) -> None:
        receiver.back_up()
        self.holds.add((receiver, receiver))
        if not receiver.is_busy:
            self.holds.add((sender, receiver))


def messages_in(got: list[Got]) -> Counter[bytes]:
    return Counter(item for item in got if isinstance(item, bytes))


def test_the_promise_holds_in_any_order_of_events() -> None:
    run_state_machine_as_test(
        Channel,
        settings=settings(max_examples=150, stateful_step_count=40, deadline=None, database=None),
    )
