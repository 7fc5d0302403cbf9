"""Control messages of a session: presence, slow peers, keepalive and the drain."""

from dataclasses import dataclass
from typing import ClassVar

from vaultrelay.wire import announced
from vaultrelay.wire.control import WORD_CHARS
from vaultrelay.wire.control.joining import Peer
from vaultrelay.wire.json_object import Fields, write_object, write_value


@dataclass(frozen=True, slots=True)
class Joined:
    """Relay to device: a peer has joined."""

    type: ClassVar = "joined"
    peer: Peer

    def encode(self) -> bytes:
        return f'{{"type":"joined",{self.peer.encode_fields()}}}'.encode("ascii")

    @classmethod
    def read(cls, fields: Fields) -> "Joined":
        return cls(Peer.read(fields))


@dataclass(frozen=True, slots=True)
class Left:
    """Relay to device: a peer has left. `reason` is one of LEFT_REASONS, or a future one."""

    type: ClassVar = "left"
    session: int
    reason: str

    def encode(self) -> bytes:
        return (
            f'{{"type":"left","session":{self.session},"reason":{write_value(self.reason)}}}'
        ).encode("ascii")

    @classmethod
    def read(cls, fields: Fields) -> "Left":
        return cls(fields.session(), fields.text("reason", WORD_CHARS))


LEFT_REASONS = frozenset({"closed", "lost", "idle", "slow", "replaced", "draining"})


@dataclass(frozen=True, slots=True)
class Keepalive:
    """Device to relay: the requested ping interval. Relay to device: the interval now in force."""

    type: ClassVar = "keepalive"
    ping_seconds: int

    def encode(self) -> bytes:
        return write_object(self.type, ping_seconds=self.ping_seconds)

    @classmethod
    def read(cls, fields: Fields) -> "Keepalive":
        return cls(fields.integer("ping_seconds"))


@dataclass(frozen=True, slots=True)
class Busy:
    """Relay to device: this peer takes no messages at present; messages to it may be answered by
    NACKs."""

    type: ClassVar = "busy"
    session: int

    def encode(self) -> bytes:
        return write_object(self.type, session=self.session)

    @classmethod
    def read(cls, fields: Fields) -> "Busy":
        return cls(fields.session())


@dataclass(frozen=True, slots=True)
class Ready:
    """Relay to device: the peer that was busy takes messages again."""

    type: ClassVar = "ready"
    session: int

    def encode(self) -> bytes:
        return write_object(self.type, session=self.session)

    @classmethod
    def read(cls, fields: Fields) -> "Ready":
        return cls(fields.session())


@dataclass(frozen=True, slots=True)
class Draining:
    """Relay to device: the relay stops; reconnect after a random time from `reconnect` seconds."""

    type: ClassVar = "draining"
    reason: str
    closes_in: int
    reconnect: tuple[int, int]

    def encode(self) -> bytes:
        return write_object(
            self.type,
            reason=self.reason,
            closes_in=self.closes_in,
            reconnect=list(self.reconnect),
        )

    @classmethod
    def read(cls, fields: Fields) -> "Draining":
        return cls(
            fields.text("reason", WORD_CHARS),
            fields.integer_within("closes_in", announced.DRAIN_SECONDS),
            fields.pair_within("reconnect", announced.DRAIN_SECONDS),
        )
