"""Control messages of the join: challenge, hello and welcome."""

from dataclasses import dataclass
from typing import ClassVar

from vaultrelay.wire import VERSION, announced, base64url, proof
from vaultrelay.wire.announced import Limits
from vaultrelay.wire.broken_rule import Rule
from vaultrelay.wire.control import CONTROL_BYTES, WORD_CHARS
from vaultrelay.wire.json_object import BadControl, Fields, write_object


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
