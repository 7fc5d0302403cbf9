"""Channel: the sessions of one vault, and the way of a message between them."""

from vaultrelay.broker.counters import Counters
from vaultrelay.broker.outbox import Room
from vaultrelay.broker.session import Session
from vaultrelay.wire.control import Joined, Left, Peer
from vaultrelay.wire.data import EVERYONE, Reason, pack_nack

_FIRST_NUMBER = 1


class Channel:
    """Where the devices of one vault meet. Session numbers are never reused while it lives."""

    __slots__ = ("_counters", "_drained", "_next_number", "devices", "key", "sessions")

    def __init__(self, key: bytes, counters: Counters) -> None:
        self.key = key
        self.sessions: dict[int, Session] = {}
        self.devices: dict[bytes, Session] = {}
        self._counters = counters
        self._drained: set[int] | None = None
        self._next_number = _FIRST_NUMBER

    @property
    def numbers_left(self) -> bool:
        """Whether another session can be numbered."""
        return self._next_number < EVERYONE

    def add(self, session: Session, device: bytes) -> list[Peer]:
        """Number a session and announce it to its peers, whom this returns."""
        peers = [Peer(number, peer.device) for number, peer in self.sessions.items()]
        session.number = self._next_number
        self._next_number += 1
        self._announce(Joined(Peer(session.number, device)).encode())
        self.sessions[session.number] = session
        self.devices[device] = session
        return peers

    def remove(self, session: Session, reason: str) -> None:
        """Take a session out and tell its peers why."""
        del self.sessions[session.number]
        del self.devices[session.device]
        if reason == "draining":
            if self._drained is None:
                self._drained = set()
            self._drained.add(session.number)
        self._announce(Left(session.number, reason).encode())

    def relay(self, sender: Session, message: bytes, to: int, id: int) -> int:
        """Pass a checked message on; NACK what a peer will not get. Returns how many it is for."""
        if to == EVERYONE:
            for receiver in self.sessions.values():
                if receiver is not sender:
                    room = receiver.outbox.deliver(message)
                    if room:
                        self._short_of_room(sender, receiver, id, room)
            return len(self.sessions) - 1
        peer = self.sessions.get(to)
        if peer is None:
            drained = self._drained is not None and to in self._drained
            self._nack(sender, to, id, Reason.DRAINING if drained else Reason.GONE)
        else:
            room = peer.outbox.deliver(message)
            if room:
                self._short_of_room(sender, peer, id, room)
        return 1

    def _short_of_room(self, sender: Session, receiver: Session, id: int, room: Room) -> None:
        receiver.backed_up(sender, room is Room.FULL)
        if room is Room.FULL:
            self._nack(sender, receiver.number, id, Reason.BUSY)

    def _nack(self, sender: Session, peer: int, id: int, reason: Reason) -> None:
        self._counters.undelivered[reason.name.lower()] += 1
        if sender.outbox.send_nack(pack_nack(sender.number, peer, id, reason)):
            sender.backed_up(sender)

    def _announce(self, control: bytes) -> None:
        for session in self.sessions.values():
            session.outbox.send_control(control)
