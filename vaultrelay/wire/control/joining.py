"""Control messages of the join: challenge, hello and welcome.

f-strings format those that the relay sends for every join: json takes five times as long.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from vaultrelay.wire import VERSION, announced, base64url, proof
from vaultrelay.wire.announced import Limits, MailboxLimits
from vaultrelay.wire.broken_rule import Rule
from vaultrelay.wire.control import CONTROL_BYTES, CURSOR_BYTES, WORD_CHARS
from vaultrelay.wire.json_object import BadControl, Fields, write_object, write_value


@dataclass(frozen=True, slots=True)
class Challenge:
    """Relay to device, first: the inputs of the proof."""

    type: ClassVar = "challenge"
    nonce: bytes
    relay: str
    protocol: int = VERSION

    def encode(self) -> bytes:
        return (
            f'{{"type":"challenge","protocol":{self.protocol},'
            f'"nonce":"{base64url.encode(self.nonce)}","relay":{write_value(self.relay)}}}'
        ).encode("ascii")

    @classmethod
    def read(cls, fields: Fields) -> "Challenge":
        return cls(
            fields.binary("nonce", proof.RELAY_NONCE_BYTES),
            fields.text("relay", WORD_CHARS),
            fields.integer("protocol"),
        )


@dataclass(frozen=True, slots=True)
class Hello:
    """Device to relay, once: which channel, which device, and the proof.

    `mailbox` is the cursor after which the device wants items, empty for all of them, and None if
    it wants no mailbox.
    """

    type: ClassVar = "hello"
    channel: bytes
    device: bytes
    nonce: bytes
    audience: str
    proof: bytes
    client: str = ""
    mailbox: bytes | None = None

    def encode(self) -> bytes:
        return write_object(
            self.type,
            channel=base64url.encode(self.channel),
            device=base64url.encode(self.device),
            nonce=base64url.encode(self.nonce),
            audience=self.audience,
            proof=base64url.encode(self.proof),
            client=self.client,
            **({} if self.mailbox is None else {"mailbox": _cursor_fields(self.mailbox)}),
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
            _read_cursor(fields.object("mailbox")) if "mailbox" in fields else None,
        )


def _cursor_fields(cursor: bytes) -> dict[str, str]:
    return {"cursor": base64url.encode(cursor)} if cursor else {}


def _read_cursor(fields: Fields) -> bytes:
    return fields.binary("cursor", CURSOR_BYTES) if "cursor" in fields else b""


@dataclass(frozen=True, slots=True)
class Peer:
    """Another session of the channel, as `welcome` and `joined` name it."""

    session: int
    device: bytes

    def encode_fields(self) -> str:
        """Return the fields as JSON, without the braces."""
        return f'"session":{self.session},"device":"{base64url.encode(self.device)}"'

    @classmethod
    def read(cls, fields: Fields) -> "Peer":
        return cls(fields.session(), fields.binary("device", proof.DEVICE_BYTES))


@dataclass(frozen=True, slots=True)
class Welcome:
    """Relay to device, in answer to a valid hello: the session begins.

    `mailbox` is None if the device has not asked for one, or the relay offers none.
    """

    type: ClassVar = "welcome"
    session: int
    peers: tuple[Peer, ...]
    limits: Limits
    ping_seconds: int
    session_ttl: int
    notice: str | None = None
    node: str | None = None
    mailbox: MailboxLimits | None = None

    def encode(self) -> bytes:
        peers = ",".join([f"{{{peer.encode_fields()}}}" for peer in self.peers])
        others = _encode_announced(
            self.limits,
            self.ping_seconds,
            self.session_ttl,
            self.notice,
            self.node,
            self.mailbox,
        )
        text = f'{{"type":"welcome","session":{self.session},"peers":[{peers}],{others}'
        return text.encode("ascii")

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
            MailboxLimits.read(fields.object("mailbox")) if "mailbox" in fields else None,
        )


@lru_cache(maxsize=2)
def _encode_announced(
    limits: Limits,
    ping_seconds: int,
    session_ttl: int,
    notice: str | None,
    node: str | None,
    mailbox: MailboxLimits | None,
) -> str:
    """Return the end of a `welcome`: the same for all devices, or for all with a mailbox."""
    fields: dict[str, object] = {
        "limits": limits.fields(),
        "ping_seconds": ping_seconds,
        "session_ttl": session_ttl,
        "notice": notice,
    }
    if node is not None:
        fields["node"] = node
    if mailbox is not None:
        fields["mailbox"] = mailbox._asdict()
    return write_value(fields).removeprefix("{")
