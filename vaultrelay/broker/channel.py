"""Channel: the sessions of one vault, and the messages between them."""

from math import inf

from vaultrelay.broker.counters import Counters
from vaultrelay.broker.outbox import Room
from vaultrelay.broker.session import Session
from vaultrelay.policy.budgets import Budget
from vaultrelay.wire.control.in_session import Joined, Left
from vaultrelay.wire.control.joining import Peer
from vaultrelay.wire.data import EVERYONE, NO_SESSION, Reason, RunEnd, end_of_run, pack_nack

_FIRST_NUMBER = 1


class Channel:
    """The joined sessions of one vault. Their numbers are never reused while the channel lives."""

    __slots__ = (
        "_budgets",
        "_counters",
        "_drained",
        "_last_full",
        "_next_number",
        "devices",
        "key",
        "sessions",
    )

    def __init__(self, key: bytes, counters: Counters) -> None:
        self.key = key
        self.sessions: dict[int, Session] = {}
        self.devices: dict[bytes, Session] = {}
        self._budgets: set[Budget] | None = None
        self._counters = counters
        self._drained: set[int] | None = None
        self._last_full = NO_SESSION
        """The receiver to check first, since its queue was full the last time. Checking all
        receivers before each message takes a quarter of the time of a broadcast."""
        self._next_number = _FIRST_NUMBER

    def has_room(self, maximum: int) -> bool:
        """Return whether another session can join a channel of `maximum` devices."""
        return len(self.sessions) < maximum and self._next_number < EVERYONE

    def has_device_of(self, budget: Budget) -> bool:
        """Return whether a device counts in this budget.

        The budgets are collected once after a join or a leave, which visits all devices anyhow; no
        number of calls costs more than that.
        """
        if self._budgets is None:
            self._budgets = {each for peer in self.sessions.values() for each in peer.budgets}
        return budget in self._budgets

    def add(self, session: Session, device: bytes) -> list[Peer]:
        """Number a session and announce it to its peers; return the peers."""
        number = self._next_number
        self._next_number += 1
        self._budgets = None
        peers = [Peer(peer.number, peer.device) for peer in self.sessions.values()]
        self._announce(Joined(Peer(number, device)).encode())
        self.sessions[number] = self.devices[device] = session
        session.enter(self, number, device)
        return peers

    def remove(self, session: Session) -> None:
        """Remove an ended session and announce the reason to its peers."""
        del self.sessions[session.number]
        del self.devices[session.device]
        self._budgets = None
        if session.left_reason == "draining":
            self._drained = self._drained or set()
            self._drained.add(session.number)
        for peer in self.sessions.values():
            peer.flow.forget_sender(session.flow)
        self._announce(Left(session.number, session.left_reason).encode())

    def run_end(self, sender: Session, messages: list[bytes], start: int, to: int) -> RunEnd:
        """Find the messages that can be relayed together from `start` on: one, or more while
        nothing waits for their receivers."""
        alone = start + 1, len(messages[start])
        # First without a look at the receivers, which may be many.
        if end_of_run(messages, start, 1, inf) != alone:
            receivers = self._clear_receivers(sender, to)
            if receivers:
                return end_of_run(messages, start, *sender.rates.affordable(receivers))
        return alone

    def relay(self, sender: Session, messages: list[bytes], to: int, id: int) -> int:
        """Deliver a checked message, with this id, or several up to their `run_end`; send NACKs
        for what is not delivered.

        Returns the number of receivers.
        """
        if to == EVERYONE:
            for receiver in self.sessions.values():
                if receiver is not sender:
                    room = receiver.outbox.deliver(messages, True)
                    if room:
                        self._queue_high(sender, receiver, id, room)
            return len(self.sessions) - 1
        peer = self.sessions.get(to)
        if peer is None:
            drained = self._drained is not None and to in self._drained
            self._nack(sender, to, id, Reason.DRAINING if drained else Reason.GONE)
        else:
            room = peer.outbox.deliver(messages)
            if room:
                self._queue_high(sender, peer, id, room)
        return 1

    def _clear_receivers(self, sender: Session, to: int) -> int:
        """Return the number of receivers, if the queues of all of them are clear; else 0."""
        if to != EVERYONE:
            peer = self.sessions.get(to)
            return 1 if peer is not None and peer.outbox.is_clear else 0
        last = self.sessions.get(self._last_full, sender)
        if last is not sender and not last.outbox.is_clear:
            return 0
        for receiver in self.sessions.values():
            if receiver is not sender and not receiver.outbox.is_clear:
                self._last_full = receiver.number
                return 0
        return len(self.sessions) - 1

    def _queue_high(self, sender: Session, receiver: Session, id: int, room: Room) -> None:
        receiver.hold_sender(sender)
        if room is Room.FULL:
            receiver.flow.refuse_sender(sender.flow)
            self._nack(sender, receiver.number, id, Reason.BUSY)

    def _nack(self, sender: Session, peer: int, id: int, reason: Reason) -> None:
        self._counters.undelivered[reason.name.lower()] += 1
        if sender.outbox.send_answer(pack_nack(sender.number, peer, id, reason)):
            sender.queue_full()

    def _announce(self, control: bytes) -> None:
        for session in self.sessions.values():
            session.outbox.send_control(control)
