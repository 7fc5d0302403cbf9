"""Control messages: one compact JSON object in a WebSocket text message each.

Both sides ignore unknown fields, so that both can be extended. A device ignores unknown types; the
relay refuses them.
"""

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from vaultrelay.wire import VERSION, announced, base64url, proof
from vaultrelay.wire.announced import Limits
from vaultrelay.wire.broken_rule import Rule
from vaultrelay.wire.json_object import BadControl, Fields, read_object, write_object

CONTROL_BYTES = 4096
"""The largest control message in either direction but `welcome`, which lists every peer."""
WORD_CHARS = 64


@dataclass(frozen=True, slots=True)
class Challenge:
    """Relay to device, first: the inputs of the proof."""

    type: ClassVar = "challenge"
    nonce: bytes
    relay: str
    protocol: int = VERSION

    def encode(self) -> bytes:
        return write_object(
            self.type,
            protocol=self.protocol,
            nonce=base64url.encode(self.nonce),
            relay=self.relay,
        )

    @classmethod
    def read(cls, fields: Fields) -> "Challenge":
        return cls(
            fields.binary("nonce", proof.RELAY_NONCE_BYTES),
            fields.text("relay", WORD_CHARS),
            fields.integer("protocol"),
        )


@dataclass(frozen=True, slots=True)
class Hello:
    """Device to relay, once: which channel, which device, and the proof."""

    type: ClassVar = "hello"
    channel: bytes
    device: bytes
    nonce: bytes
    audience: str
    proof: bytes
    client: str = ""

    def encode(self) -> bytes:
        return write_object(
            self.type,
            channel=base64url.encode(self.channel),
            device=base64url.encode(self.device),
            nonce=base64url.encode(self.nonce),
            audience=self.audience,
            proof=base64url.encode(self.proof),
            client=self.client,
        )

    @classmethod
    def read(cls, fields: Fields) -> "Hello":
        audience = fields.text("audience", proof.AUDIENCE_BYTES)
        if not audience or not audience.isascii() or not audience.isprintable():
            raise BadControl.of(Rule.AUDIENCE_CHARACTERS)
        return cls(
            fields.binary("channel", proof.CHANNEL_BYTES),
            fields.binary("device", proof.DEVICE_BYTES),
            fields.binary("nonce", proof.DEVICE_NONCE_BYTES),
            audience,
            fields.binary("proof", proof.PROOF_BYTES),
            fields.text("client", WORD_CHARS, default=""),
        )


@dataclass(frozen=True, slots=True)
class Peer:
    """Another session of the channel, as `welcome` and `joined` name it."""

    session: int
    device: bytes

    def fields(self) -> dict[str, object]:
        return {"session": self.session, "device": base64url.encode(self.device)}

    @classmethod
    def read(cls, fields: Fields) -> "Peer":
        return cls(fields.session(), fields.binary("device", proof.DEVICE_BYTES))


@dataclass(frozen=True, slots=True)
class Welcome:
    """Relay to device, in answer to a valid hello: the session begins."""

    type: ClassVar = "welcome"
    session: int
    peers: tuple[Peer, ...]
    limits: Limits
    ping_seconds: int
    session_ttl: int
    notice: str | None = None
    node: str | None = None

    def encode(self) -> bytes:
        return write_object(
            self.type,
            session=self.session,
            peers=[peer.fields() for peer in self.peers],
            limits=self.limits.fields(),
            ping_seconds=self.ping_seconds,
            session_ttl=self.session_ttl,
            notice=self.notice,
            **({} if self.node is None else {"node": self.node}),
        )

    @classmethod
    def read(cls, fields: Fields) -> "Welcome":
        _, max_peers = announced.CHANNEL_DEVICES
        return cls(
            fields.session(),
            tuple(Peer.read(peer) for peer in fields.objects("peers", max_peers)),
            Limits.read(fields.object("limits")),
            fields.integer_within("ping_seconds", announced.PING_SECONDS),
            fields.integer_within("session_ttl", announced.SESSION_TTL),
            fields.optional_text("notice", CONTROL_BYTES),
            fields.optional_text("node", WORD_CHARS),
        )


@dataclass(frozen=True, slots=True)
class Joined:
    """Relay to device: a peer has joined."""

    type: ClassVar = "joined"
    peer: Peer

    def encode(self) -> bytes:
        return write_object(self.type, **self.peer.fields())

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
        return write_object(self.type, session=self.session, reason=self.reason)

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


FromDevice: TypeAlias = Hello | Keepalive
FromRelay: TypeAlias = Challenge | Welcome | Joined | Left | Keepalive | Busy | Ready | Draining

_DEVICE_TYPES: dict[str, type[FromDevice]] = {kind.type: kind for kind in (Hello, Keepalive)}
_RELAY_TYPES: dict[str, type[FromRelay]] = {
    kind.type: kind for kind in (Challenge, Welcome, Joined, Left, Keepalive, Busy, Ready, Draining)
}


def read_from_device(text: bytes) -> FromDevice:
    """Return a device's control message. Raises BadControl if JSON, shape or type is wrong."""
    if len(text) > CONTROL_BYTES:
        raise BadControl.of(Rule.CONTROL_SIZE)
    fields = read_object(text)
    kind = _DEVICE_TYPES.get(fields.text("type", WORD_CHARS))
    if kind is None:
        raise BadControl.of(Rule.UNKNOWN_TYPE)
    return kind.read(fields)


def read_from_relay(text: bytes) -> FromRelay | None:
    """Return a relay's control message, or None if its type is unknown.

    Raises BadControl if its shape is wrong.
    """
    fields = read_object(text)
    kind = _RELAY_TYPES.get(fields.text("type", WORD_CHARS))
    if kind is Keepalive:
        # A device may request any interval, and gets one within the range.
        fields.integer_within("ping_seconds", announced.PING_SECONDS)
    return None if kind is None else kind.read(fields)
