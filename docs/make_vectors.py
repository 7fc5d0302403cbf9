"""Makes vectors.json: the test vectors of protocol 3, for the author of a client in any language.

Everything here is written down or computed a second time, from the protocol page and with
`cryptography` alone: the relay's own code is not used, so that its tests compare two
implementations. Nothing is random, so every run writes the same file::

    python docs/make_vectors.py            write vectors.json beside this file
    python docs/make_vectors.py --check    write nothing; exit 1 when the file differs
"""

import argparse
import json
import sys
from base64 import urlsafe_b64encode
from hashlib import sha256, sha512
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

Json = dict[str, object]

TARGET = Path(__file__).with_name("vectors.json")
AUDIENCE = "relay.example.org"
CONTEXT = b"\x20" * 64 + b"VaultMesh relay 3 join" + b"\x00"
GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493
"""Of Ed25519's base point (RFC 8032, section 5.1)."""
EVERYONE = 0xFFFFFFFF


def sample(label: str, size: int) -> bytes:
    """`size` bytes that look random and are the same in every run."""
    return sha256(b"VaultMesh relay 3 test vector: " + label.encode()).digest()[:size]


def b64(raw: bytes) -> str:
    """Base64url without padding."""
    return urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def compact(**fields: object) -> str:
    """A control message as the relay writes it."""
    return json.dumps(fields, separators=(",", ":"))


# Keys.


def hkdf(secret: bytes, salt: bytes, info: bytes) -> bytes:
    """32 bytes of HKDF-SHA256 (RFC 5869)."""
    return HKDF(SHA256(), 32, salt, info).derive(secret)


def key_of(seed: bytes) -> Ed25519PrivateKey:
    """The key pair of a channel."""
    return Ed25519PrivateKey.from_private_bytes(seed)


def channel_of(seed: bytes) -> bytes:
    """The address of a channel."""
    return key_of(seed).public_key().public_bytes_raw()


def derivation(name: str, root: str, profile: str, epoch: int, device: str) -> Json:
    """From what the vault holds to what the relay sees; equal labels are equal bytes."""
    relay_root = sample(f"relay_root {root}", 32)
    profile_id = sample(f"profile_id {profile}", 16)
    device_key = channel_of(sample(f"device {device}", 32))
    channel_info = b"vaultmesh-relay/3 channel" + epoch.to_bytes(4, "big")
    tag_info = b"vaultmesh-relay/3 device-tag" + epoch.to_bytes(4, "big")
    seed = hkdf(relay_root, profile_id, channel_info)
    tag_key = hkdf(relay_root, profile_id, tag_info)
    mac = HMAC(tag_key, SHA256())
    mac.update(device_key)
    return {
        "name": name,
        "relay_root": relay_root.hex(),
        "profile_id": profile_id.hex(),
        "epoch": epoch,
        "device_public_key": device_key.hex(),
        "channel_info": channel_info.hex(),
        "channel_seed": seed.hex(),
        "channel": channel_of(seed).hex(),
        "device_tag_info": tag_info.hex(),
        "device_tag_key": tag_key.hex(),
        "device": mac.finalize()[:8].hex(),
    }


def derivations() -> list[Json]:
    """The derivation, with each input changed in turn."""
    return [
        derivation("first device", "A", "home", 1, "laptop"),
        derivation("another device of the same vault: same channel", "A", "home", 1, "phone"),
        derivation("the same vault at another relay", "A", "office", 1, "laptop"),
        derivation("after a device was removed", "B", "home", 2, "laptop"),
        derivation("an epoch that shows the byte order", "B", "home", 0x01020304, "laptop"),
    ]


# Joining.


def join_body(
    relay_nonce: bytes, device_nonce: bytes, channel: bytes, device: bytes, audience: str
) -> bytes:
    """What a proof is about."""
    name = audience.encode("ascii")
    return (
        b"\x03" + relay_nonce + device_nonce + channel + device + len(name).to_bytes(1, "big")
    ) + name


def signed_bytes(body: bytes) -> bytes:
    """What Ed25519 signs."""
    return CONTEXT + sha256(body).digest()


class Join:
    """One device's join, from the challenge to the hello."""

    def __init__(
        self,
        name: str,
        audience: str = AUDIENCE,
        client: str | None = "vectors/1",
        keys: Json | None = None,
    ) -> None:
        self.name = name
        self.audience = audience
        self.client = client
        self.seed = sample(f"{name}: channel seed", 32)
        self.device = sample(f"{name}: device", 8)
        if keys is not None:
            self.seed = bytes.fromhex(str(keys["channel_seed"]))
            self.device = bytes.fromhex(str(keys["device"]))
        self.channel = channel_of(self.seed)
        self.relay_nonce = sample(f"{name}: relay nonce", 32)
        self.device_nonce = sample(f"{name}: device nonce", 16)
        self.body = join_body(
            self.relay_nonce, self.device_nonce, self.channel, self.device, audience
        )
        self.proof = key_of(self.seed).sign(signed_bytes(self.body))

    def hello(self, **changes: object) -> str:
        """The hello, with some fields changed; None takes one out."""
        fields: Json = {
            "type": "hello",
            "channel": b64(self.channel),
            "device": b64(self.device),
            "nonce": b64(self.device_nonce),
            "audience": self.audience,
            "proof": b64(self.proof),
            "client": self.client,
        }
        fields.update(changes)
        return compact(**{name: value for name, value in fields.items() if value is not None})

    def vector(self) -> Json:
        """Every step of the join."""
        return {
            "name": self.name,
            "channel_seed": self.seed.hex(),
            "channel": self.channel.hex(),
            "relay_nonce": self.relay_nonce.hex(),
            "device_nonce": self.device_nonce.hex(),
            "device": self.device.hex(),
            "audience": self.audience,
            "client": self.client,
            "challenge": compact(
                type="challenge", protocol=3, nonce=b64(self.relay_nonce), relay="1.0.0"
            ),
            "body": self.body.hex(),
            "body_sha256": sha256(self.body).hexdigest(),
            "signed": signed_bytes(self.body).hex(),
            "proof": self.proof.hex(),
            "hello": self.hello(),
        }


PLAIN = Join("the worked example of the page", client="example/1.0", keys=derivations()[0])


def joins() -> list[Json]:
    """Joins that succeed."""
    return [
        PLAIN.vector(),
        Join("without the optional client", client=None).vector(),
        Join("an internationalized name", "xn--bcher-kva.example").vector(),
        Join("an IPv4 address", "192.0.2.7").vector(),
        Join("an IPv6 address", "2001:db8::1:0:0:1").vector(),
        Join("the shortest audience", "a").vector(),
        Join("the longest audience", ".".join(["a" * 63] * 4)).vector(),
        Join("a client name beyond ASCII", client="B\u00fccher/2 \U0001f511").vector(),
    ]


def other_signature(join: Join) -> bytes:
    """A proof that verifies and is not RFC 8032's: its nonce is not derived from the message.

    The secret scalar of another key pair serves as nonce, so that its public key is R.
    """
    nonce_seed = sample("another nonce of a signature", 32)
    commitment = channel_of(nonce_seed)
    message = signed_bytes(join.body)
    digest = sha512(commitment + join.channel + message).digest()
    challenge = int.from_bytes(digest, "little")
    scalar = (secret_scalar(nonce_seed) + challenge * secret_scalar(join.seed)) % GROUP_ORDER
    return commitment + scalar.to_bytes(32, "little")


def secret_scalar(seed: bytes) -> int:
    """The number behind an Ed25519 seed (RFC 8032, section 5.1.5)."""
    low = bytearray(sha512(seed).digest()[:32])
    low[0] &= 0xF8
    low[31] = low[31] & 0x7F | 0x40
    return int.from_bytes(low, "little")


def other_signatures() -> list[Json]:
    """Hellos whose proof a relay accepts, and that no signer of RFC 8032 makes."""
    return [
        {
            "why": "the nonce of the signature is random, as some libraries have it",
            "channel_seed": PLAIN.seed.hex(),
            "relay_nonce": PLAIN.relay_nonce.hex(),
            "hello": PLAIN.hello(proof=b64(other_signature(PLAIN))),
        }
    ]


def refused_proofs() -> list[Json]:
    """Hellos that are well formed and answered with 4503; `relay_nonce` is the relay's."""
    join = PLAIN
    key = key_of(join.seed)
    flipped = bytes([join.proof[0] ^ 1]) + join.proof[1:]
    scalar = int.from_bytes(join.proof[32:], "little") + GROUP_ORDER
    other_nonce = sample("another relay nonce", 32)
    found = [
        ("one bit of the proof is flipped", join.relay_nonce, {"proof": b64(flipped)}),
        (
            "S of the signature is not reduced",
            join.relay_nonce,
            {"proof": b64(join.proof[:32] + scalar.to_bytes(32, "little"))},
        ),
        ("the proof is all zero", join.relay_nonce, {"proof": b64(bytes(64))}),
        ("the proof answers another challenge", other_nonce, {}),
        (
            "the proof was made with another device nonce",
            join.relay_nonce,
            {"nonce": b64(sample("another device nonce", 16))},
        ),
        ("the proof names another device", join.relay_nonce, {"device": b64(b"12345678")}),
        ("the proof was made for another host", join.relay_nonce, {"audience": "example.net"}),
        (
            "the proof is of another channel",
            join.relay_nonce,
            {"channel": b64(channel_of(sample("another channel", 32)))},
        ),
        (
            "the body was signed instead of context and hash",
            join.relay_nonce,
            {"proof": b64(key.sign(join.body))},
        ),
        (
            "the context was left out",
            join.relay_nonce,
            {"proof": b64(key.sign(sha256(join.body).digest()))},
        ),
        (
            "the zero byte after the context was left out",
            join.relay_nonce,
            {"proof": b64(key.sign(CONTEXT[:-1] + sha256(join.body).digest()))},
        ),
    ]
    return [
        {"why": why, "relay_nonce": nonce.hex(), "hello": join.hello(**changes)}
        for why, nonce, changes in found
    ]


def refused_channels() -> list[Json]:
    """The 14 channel keys of small order, each with a proof that was forged without any secret.

    R is the neutral element and S is 0, so the signature holds as soon as the hash is a multiple
    of the point's order: one of eight device nonces will do.
    """
    points = [
        ("00" * 32, 4),
        ("01" + "00" * 31, 1),
        ("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", 8),
        ("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", 8),
        ("ec" + "ff" * 30 + "7f", 2),
        ("ed" + "ff" * 30 + "7f", 4),
        ("ee" + "ff" * 30 + "7f", 1),
    ]
    signature = b"\x01" + bytes(63)
    relay_nonce = sample("forged: relay nonce", 32)
    device = sample("forged: device", 8)
    found: list[Json] = []
    for text, order in points:
        for sign in (0x00, 0x80):
            low = bytes.fromhex(text)
            channel = low[:31] + bytes([low[31] | sign])
            counter = 0
            while True:
                device_nonce = counter.to_bytes(16, "big")
                body = join_body(relay_nonce, device_nonce, channel, device, AUDIENCE)
                digest = sha512(signature[:32] + channel + signed_bytes(body)).digest()
                if int.from_bytes(digest, "little") % GROUP_ORDER % 8 == 0:
                    break
                counter += 1
            found.append(
                {
                    "channel": channel.hex(),
                    "order": order,
                    "relay_nonce": relay_nonce.hex(),
                    "hello": compact(
                        type="hello",
                        channel=b64(channel),
                        device=b64(device),
                        nonce=b64(device_nonce),
                        audience=AUDIENCE,
                        proof=b64(signature),
                    ),
                }
            )
    return found


# Control messages.


def relay_controls() -> list[Json]:
    """What a relay says, byte for byte, and its fields with byte strings in hex."""
    laptop, phone = sample("laptop", 8), sample("phone", 8)
    nonce = sample("nonce", 32)
    limits: Json = {
        "message_bytes": 1048576,
        "messages_per_second": 2000,
        "bytes_per_second": 16777216,
        "channel_devices": 64,
    }
    unlimited: Json = {**limits, "messages_per_second": None, "bytes_per_second": None}
    found: list[tuple[str, Json, Json]] = [
        (
            "the first message of every connection",
            {"type": "challenge", "protocol": 3, "nonce": b64(nonce), "relay": "1.0.0"},
            {"nonce": nonce.hex()},
        ),
        (
            "welcome into an empty channel",
            {
                "type": "welcome",
                "session": 1,
                "peers": [],
                "limits": limits,
                "ping_seconds": 50,
                "session_ttl": 3600,
                "notice": None,
            },
            {},
        ),
        (
            "welcome of one of several relays",
            {
                "type": "welcome",
                "session": 1,
                "peers": [],
                "limits": limits,
                "ping_seconds": 50,
                "session_ttl": 3600,
                "notice": None,
                "node": "relay-2",
            },
            {},
        ),
        (
            "welcome with peers, no rates, and words for the user",
            {
                "type": "welcome",
                "session": 4294967294,
                "peers": [
                    {"session": 3, "device": b64(laptop)},
                    {"session": 5, "device": b64(phone)},
                ],
                "limits": unlimited,
                "ping_seconds": 300,
                "session_ttl": 86400,
                "notice": "Moves on Sunday.",
            },
            {
                "peers": [
                    {"session": 3, "device": laptop.hex()},
                    {"session": 5, "device": phone.hex()},
                ]
            },
        ),
        (
            "a peer is there",
            {"type": "joined", "session": 9, "device": b64(phone)},
            {"device": phone.hex()},
        ),
        *(
            (f"a peer is gone: {reason}", {"type": "left", "session": 9, "reason": reason}, {})
            for reason in ("closed", "lost", "idle", "slow", "replaced", "draining")
        ),
        (
            "a peer is gone, for a reason that is not known yet",
            {"type": "left", "session": 9, "reason": "moved"},
            {},
        ),
        ("a peer takes nothing at present", {"type": "busy", "session": 5}, {}),
        ("a peer takes messages again", {"type": "ready", "session": 5}, {}),
        ("the ping interval in force", {"type": "keepalive", "ping_seconds": 300}, {}),
        (
            "the relay is about to stop",
            {"type": "draining", "reason": "restart", "closes_in": 20, "reconnect": [2, 12]},
            {},
        ),
    ]
    return [
        {"name": name, "text": compact(**fields), "fields": {**fields, **hexed}}
        for name, fields, hexed in found
    ]


def tolerated_relay_controls() -> list[Json]:
    """What a device must take without complaint; `fields` is None where it does nothing."""
    joined: Json = {"type": "joined", "session": 9, "device": sample("phone", 8).hex()}
    device = b64(sample("phone", 8))
    return [
        {
            "why": "a type that the device does not know",
            "text": compact(type="weather", sunny=True),
            "fields": None,
        },
        {
            "why": "a field that the device does not know",
            "text": compact(type="joined", session=9, device=device, mood={"good": [1]}),
            "fields": joined,
        },
        {
            "why": "another order of fields, and white space",
            "text": f'{{ "device": "{device}",\n  "session": 9, "type": "joined" }}',
            "fields": joined,
        },
        {
            "why": "escapes",
            "text": f'{{"type":"j\\u006fined","session":9,"device":"{device}"}}',
            "fields": joined,
        },
    ]


def device_controls() -> list[Json]:
    """What a device may say beside the hellos above."""
    reordered = json.loads(PLAIN.hello())
    reordered = dict(reversed(reordered.items()))
    return [
        {"name": "another ping interval", "text": compact(type="keepalive", ping_seconds=300)},
        {
            "name": "out of range, answered with 20",
            "text": compact(type="keepalive", ping_seconds=0),
        },
        {
            "name": "fields in another order, and white space",
            "text": json.dumps(reordered, indent=1),
        },
        {"name": "a field that the relay does not know", "text": PLAIN.hello(colour="blue")},
    ]


def refused_device_controls() -> list[Json]:
    """What closes with 4501 and this rule, whenever it is sent."""
    hello = PLAIN.hello
    found = [
        ("not JSON", "json", "hello"),
        ("nothing", "json", ""),
        ("a byte order mark", "json", "\ufeff" + compact(type="keepalive", ping_seconds=50)),
        ("not an object", "object", "[]"),
        ("no type", "type_missing", compact(ping_seconds=50)),
        ("a type that is no text", "type_type", compact(type=3)),
        ("a type that the relay does not know", "unknown_type", compact(type="weather")),
        (
            "a type that only a relay may send",
            "unknown_type",
            compact(type="joined", session=9, device=b64(b"12345678")),
        ),
        (
            "a name twice",
            "duplicate_name",
            '{"type":"keepalive","ping_seconds":50,"ping_seconds":60}',
        ),
        ("NaN is not JSON", "json", '{"type":"keepalive","ping_seconds":NaN}'),
        (
            "more than 4096 bytes",
            "control_size",
            compact(type="keepalive", ping_seconds=50, filler="x" * 4096),
        ),
        ("a number as text", "ping_seconds_type", compact(type="keepalive", ping_seconds="50")),
        ("a fraction", "ping_seconds_type", '{"type":"keepalive","ping_seconds":50.0}'),
        (
            "a truth value as number",
            "ping_seconds_type",
            compact(type="keepalive", ping_seconds=True),
        ),
        ("no ping_seconds", "ping_seconds_missing", compact(type="keepalive")),
        ("no channel", "channel_missing", hello(channel=None)),
        ("no device", "device_missing", hello(device=None)),
        ("no nonce", "nonce_missing", hello(nonce=None)),
        ("no audience", "audience_missing", hello(audience=None)),
        ("no proof", "proof_missing", hello(proof=None)),
        (
            "null is not the same as left out",
            "client_type",
            hello()[:-1].rsplit(",", 1)[0] + ',"client":null}',
        ),
        ("a channel in hex", "channel_length", hello(channel=PLAIN.channel.hex())),
        ("a channel with padding", "channel_base64url", hello(channel=b64(PLAIN.channel) + "=")),
        ("a channel of 31 bytes", "channel_length", hello(channel=b64(PLAIN.channel[:31]))),
        ("a device of 9 bytes", "device_length", hello(device=b64(bytes(9)))),
        ("a nonce of 32 bytes", "nonce_length", hello(nonce=b64(PLAIN.relay_nonce))),
        ("an empty audience", "audience_characters", hello(audience="")),
        ("an audience beyond ASCII", "audience_characters", hello(audience="b\u00fccher.example")),
        (
            "an audience with a control character",
            "audience_characters",
            hello(audience="relay\n.example.org"),
        ),
        ("an audience of 256 characters", "audience_length", hello(audience="a" * 256)),
        ("a client name of 65 characters", "client_length", hello(client="x" * 65)),
    ]
    return [{"why": why, "rule": rule, "text": text} for why, rule, text in found]


# Data messages.


def header(kind: int, flags: int, reason: int, to: int, sender: int, id: int) -> bytes:
    """The sixteen bytes in front of every payload."""
    return (
        bytes([kind, flags])
        + reason.to_bytes(2, "big")
        + to.to_bytes(4, "big")
        + sender.to_bytes(4, "big")
        + id.to_bytes(4, "big")
    )


def data_vector(name: str, to: int, sender: int, id: int, payload: bytes) -> Json:
    """A DATA message that session `sender` may send."""
    return {
        "name": name,
        "hex": (header(0x10, 0, 0, to, sender, id) + payload).hex(),
        "kind": 0x10,
        "flags": 0,
        "reason": 0,
        "to": to,
        "from": sender,
        "id": id,
        "payload": payload.hex(),
    }


def data_messages() -> list[Json]:
    """DATA messages that the session in `from` may send."""
    return [
        data_vector("to one peer", 3, 7, 1, b"ciphertext"),
        data_vector("to every peer", EVERYONE, 7, 2, b"ciphertext"),
        data_vector("an empty payload", 3, 7, 3, b""),
        data_vector(
            "every byte of the numbers", 0x01020304, 0x05060708, 0x090A0B0C, bytes(range(4))
        ),
        data_vector("the largest numbers", 0xFFFFFFFD, 0xFFFFFFFE, 0xFFFFFFFF, b"\xff"),
        data_vector("the smallest numbers", 2, 1, 0, b"\x00"),
    ]


def nacks() -> list[Json]:
    """What a relay answers when `from` did not get message `id` of session `to`."""
    reasons = ("gone", "busy", "too_big", "rate", "not_allowed", "draining")
    return [
        {
            "name": name,
            "hex": header(0x11, 0, reason, 7, 3, 40 + reason).hex(),
            "kind": 0x11,
            "flags": 0,
            "reason": reason,
            "to": 7,
            "from": 3,
            "id": 40 + reason,
        }
        for reason, name in enumerate(reasons, 1)
    ]


def refused_data() -> list[Json]:
    """Binary messages that close session 7 with 4501 and this rule."""
    found = [
        ("empty", "data_size", b""),
        ("one byte short of a header", "data_size", header(0x10, 0, 0, 3, 7, 1)[:15]),
        ("an unknown kind", "kind", header(0x00, 0, 0, 3, 7, 1)),
        ("an unknown kind next to the known ones", "kind", header(0x12, 0, 0, 3, 7, 1)),
        ("a NACK, which only a relay sends", "kind", header(0x11, 0, 1, 3, 7, 1)),
        ("a flag", "flags", header(0x10, 1, 0, 3, 7, 1)),
        ("a reason", "reason", header(0x10, 0, 1, 3, 7, 1)),
        ("the high byte of a reason", "reason", header(0x10, 0, 0x0100, 3, 7, 1)),
        ("from another session", "from", header(0x10, 0, 0, 3, 8, 1)),
        ("from nobody", "from", header(0x10, 0, 0, 3, 0, 1)),
        ("little-endian", "from", header(0x10, 0, 0, 0x03000000, 0x07000000, 0x01000000)),
        ("to the sender itself", "to", header(0x10, 0, 0, 7, 7, 1)),
        ("to session 0", "to", header(0x10, 0, 0, 0, 7, 1)),
    ]
    return [
        {"why": why, "rule": rule, "session": 7, "hex": message.hex()}
        for why, rule, message in found
    ]


# Base64url, audiences, close codes.


def base64url_texts() -> Json:
    """Spellings of byte strings; a wrong one is refused wherever it stands."""
    raw = [b"", b"\x00", b"\xff", b"\xfb\xff", b"\x00\x10\x83", bytes(8), bytes(range(32))]
    return {
        "canonical": [{"hex": item.hex(), "text": b64(item)} for item in raw],
        "refused": [
            {"why": why, "bytes": size, "text": text}
            for why, size, text in (
                ("padding", 1, "AA=="),
                ("padding", 2, "AAA="),
                ("the alphabet of plain base64", 2, "+/8"),
                ("four spare bits are not zero", 1, "AB"),
                ("two spare bits are not zero", 2, "AAB"),
                ("a single character more than whole groups", 3, "AAAAA"),
                ("white space before", 3, " AAAA"),
                ("a line end after", 3, "AAAA\n"),
                ("white space within", 3, "AA AA"),
                ("a foreign character", 3, "AA.A"),
                ("a character beyond ASCII", 3, "AA\u00c4A"),
                ("too few bytes", 8, b64(bytes(7))),
                ("too many bytes", 8, b64(bytes(9))),
                ("nothing", 8, ""),
            )
        ],
    }


def audiences() -> Json:
    """Host names: how a device spells what it dialled, and which names mean a relay."""
    spelled = [
        ("wss://relay.example.org", AUDIENCE),
        ("wss://RELAY.Example.ORG:8443/v3", AUDIENCE),
        ("wss://relay.example.org.", AUDIENCE),
        ("wss://any:TOKEN@relay.example.org/", AUDIENCE),
        ("ws://nas:8080", "nas"),
        ("ws://my_nas.lan", "my_nas.lan"),
        ("wss://b\u00fccher.example", "xn--bcher-kva.example"),
        ("wss://B\u00dcCHER.example", "xn--bcher-kva.example"),
        ("wss://xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("wss://fa\u00df.example", "xn--fa-hia.example"),
        ("ws://192.0.2.7:8080", "192.0.2.7"),
        ("ws://[2001:DB8:0:0:1:0:0:1]:8080", "2001:db8::1:0:0:1"),
        ("ws://[2001:db8:0:1:0:0:0:2]", "2001:db8:0:1::2"),
        ("ws://[0:0:0:0:0:0:0:1]", "::1"),
    ]
    matched = [
        (["relay.example.org"], ["relay.example.org"], ["example.org", "relay.example.net"]),
        (
            ["relay.example.org"],
            [],
            [
                "RELAY.EXAMPLE.ORG",
                "relay.example.org.",
                "relay.example.org:443",
                " relay.example.org",
            ],
        ),
        (
            ["*.example.org"],
            ["relay.example.org", "other.example.org"],
            ["example.org", "a.relay.example.org", "relayexample.org"],
        ),
        (
            ["192.0.2.7", "2001:db8::1"],
            ["192.0.2.7", "2001:db8::1"],
            ["192.0.2.8", "2001:db8::0:1"],
        ),
        ([], ["relay.example.org", "anything.example"], []),
    ]
    mapped = ["::ffff:192.0.2.1", "::ffff:c000:201"]
    loopback = ["127.0.0.1"]
    disputed = [
        ("ws://[::ffff:192.0.2.1]:8080", mapped[0], mapped, False),
        ("ws://[::FFFF:C000:0201]", mapped[1], mapped, False),
        ("ws://127.1", loopback[0], loopback, True),
        ("ws://0x7f.0.0.1", loopback[0], loopback, True),
        ("ws://0177.0.0.1", loopback[0], loopback, True),
        ("ws://2130706433:8080", loopback[0], loopback, True),
        ("ws://127.0.0.1.", loopback[0], loopback, True),
    ]
    return {
        "dialled": [{"url": url, "audience": audience} for url, audience in spelled],
        "not_in_every_parser": [
            {"url": url, "name": name, "audiences": spellings, "may_be_refused": may_be_refused}
            for url, name, spellings, may_be_refused in disputed
        ],
        "no_host": [
            "wss://",
            "wss:relay.example.org",
            "wss://a..example",
            f"wss://{'a' * 64}.example",
            "ws://127.0.0.256",
            "ws://1.2.3.4.5",
            "ws://nas.08",
        ],
        "relays": [
            {"names": names, "accepts": accepts, "refuses": refuses}
            for names, accepts, refuses in matched
        ],
    }


def close_codes() -> list[Json]:
    """Every close code of the protocol, also those that no relay gives yet."""
    table = {
        4000: "restart",
        4001: "idle",
        4002: "ping_timeout",
        4003: "hello_timeout",
        4004: "slow",
        4005: "rate",
        4006: "relay_full",
        4007: "memory",
        4008: "internal",
        4009: "resync",
        4500: "protocol",
        4501: "bad_message",
        4502: "too_big",
        4503: "proof",
        4504: "audience",
        4506: "not_allowed",
        4507: "channel_full",
        4509: "replaced",
        4510: "kicked",
    }
    first_lasting = 4500
    retries = {code: None if code < first_lasting else 0 for code in table} | {4509: 1}
    return [
        {"code": code, "slug": slug, "may_return": retries[code] != 0, "retries": retries[code]}
        for code, slug in table.items()
    ]


def close_reasons() -> list[Json]:
    """Reason texts of close frames, taken apart."""
    found: list[tuple[int, str, str, dict[str, str]]] = [
        (4000, "restart", "restart", {}),
        (4005, "rate;retry=30", "rate", {"retry": "30"}),
        (4006, "relay_full;retry=60", "relay_full", {"retry": "60"}),
        (4008, "internal;ref=a1b2c3", "internal", {"ref": "a1b2c3"}),
        (4501, "bad_message;rule=nonce_length", "bad_message", {"rule": "nonce_length"}),
        (4502, "too_big;limit=1048576", "too_big", {"limit": "1048576"}),
        (4503, "proof;rule=signature", "proof", {"rule": "signature"}),
    ]
    return [
        {"code": code, "text": text, "slug": slug, "details": details}
        for code, text, slug, details in found
    ]


# Upgrades.

HOST = "Host: relay.example.org"
WEBSOCKET = "Upgrade: websocket"
CONNECTION = "Connection: Upgrade"
VERSION = "Sec-WebSocket-Version: 13"
KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
BASE = (HOST, WEBSOCKET, CONNECTION, VERSION, KEY)
PROTOCOL = "X-VaultMesh-Protocol: 3"


def head(*lines: str, first: str = "GET / HTTP/1.1") -> str:
    """A request head."""
    return "\r\n".join([first, *lines, "", ""])


def accepted_upgrades() -> list[Json]:
    """Heads that get a 101: the version it names, the subprotocol it names, the channel."""
    address = b64(PLAIN.channel)
    named = f"X-VaultMesh-Channel: {address}"
    browser = "Sec-WebSocket-Protocol: vaultmesh.3"
    whole = (*BASE, PROTOCOL, named)
    found: list[tuple[str, str, str | None, str | None]] = [
        ("an app", head(*whole), None, address),
        ("without the channel", head(*BASE, PROTOCOL), None, None),
        ("the path /v3", head(*whole, first="GET /v3 HTTP/1.1"), None, address),
        (
            "a query, which is not looked at",
            head(*whole, first="GET /?a=b HTTP/1.1"),
            None,
            address,
        ),
        (
            "a URL in place of the path",
            head(*whole, first="GET ws://relay.example.org/v3 HTTP/1.1"),
            None,
            address,
        ),
        (
            "a URL without a path, with a port, in any case",
            head(*whole, first="GET HTTPS://RELAY.Example.ORG:443?a=b HTTP/1.1"),
            None,
            address,
        ),
        (
            "several versions",
            head(*BASE, "X-VaultMesh-Protocol: 4, 3", named),
            None,
            address,
        ),
        (
            "several versions on two lines",
            head(*BASE, "X-VaultMesh-Protocol: 4", PROTOCOL, named),
            None,
            address,
        ),
        (
            "names of headers, and words of Upgrade and Connection, in any case",
            head(
                HOST.upper(),
                "UPGRADE: WebSocket",
                "connection: keep-alive, upgrade",
                VERSION.lower(),
                KEY,
                PROTOCOL.lower(),
                named,
            ),
            None,
            address,
        ),
        (
            "extensions, which are never taken",
            head(*whole, "Sec-WebSocket-Extensions: permessage-deflate"),
            None,
            address,
        ),
        ("with an access token", head(*whole, "Authorization: Bearer TOKEN"), None, address),
        (
            "a browser",
            head(
                *BASE,
                "Origin: https://vault.example.org",
                f"{browser}, vaultmesh.channel.{address}",
            ),
            "vaultmesh.3",
            address,
        ),
        ("a browser without the channel", head(*BASE, browser), "vaultmesh.3", None),
        (
            "a browser that speaks several versions",
            head(
                *BASE,
                f"Sec-WebSocket-Protocol: vaultmesh.4, vaultmesh.channel.{address}, vaultmesh.3",
            ),
            "vaultmesh.3",
            address,
        ),
        (
            "header and subprotocol together",
            head(*whole, f"{browser}, vaultmesh.channel.{address}"),
            "vaultmesh.3",
            address,
        ),
    ]
    return [
        {
            "name": name,
            "head": text,
            "protocol": 3,
            "subprotocol": subprotocol,
            "channel": None if channel is None else PLAIN.channel.hex(),
        }
        for name, text, subprotocol, channel in found
    ]


def refused_upgrades() -> list[Json]:
    """Heads that get an HTTP answer: its status and the `error` of its JSON body."""
    address = b64(PLAIN.channel)
    other = b64(channel_of(sample("another channel", 32)))
    # 32 bytes leave two spare bits in the last character; the next letter sets one of them.
    spare = address[:-1] + chr(ord(address[-1]) + 1)
    unsupported = (426, "protocol_unsupported")
    bad = (400, "bad_request")
    subprotocol = "Sec-WebSocket-Protocol"
    found = [
        ("no version", unsupported, head(*BASE)),
        ("no version in common", unsupported, head(*BASE, "X-VaultMesh-Protocol: 2, 4")),
        (
            "a version that is no whole number",
            unsupported,
            head(*BASE, "X-VaultMesh-Protocol: 3.0"),
        ),
        ("an empty version", unsupported, head(*BASE, "X-VaultMesh-Protocol:")),
        ("a version with a leading zero", unsupported, head(*BASE, "X-VaultMesh-Protocol: 03")),
        (
            "the header counts, not the subprotocol",
            unsupported,
            head(*BASE, "X-VaultMesh-Protocol: 4", f"{subprotocol}: vaultmesh.3"),
        ),
        (
            "a browser that offers its channel only",
            unsupported,
            head(*BASE, f"{subprotocol}: vaultmesh.channel.{address}"),
        ),
        (
            "subprotocols know upper and lower case",
            unsupported,
            head(*BASE, f"{subprotocol}: VaultMesh.3"),
        ),
        ("a channel with padding", bad, head(*BASE, PROTOCOL, f"X-VaultMesh-Channel: {address}=")),
        ("a channel with a spare bit", bad, head(*BASE, PROTOCOL, f"X-VaultMesh-Channel: {spare}")),
        (
            "a channel in hex",
            bad,
            head(*BASE, PROTOCOL, f"X-VaultMesh-Channel: {PLAIN.channel.hex()}"),
        ),
        ("an empty channel", bad, head(*BASE, PROTOCOL, "X-VaultMesh-Channel:")),
        (
            "a channel of a browser with a spare bit",
            bad,
            head(*BASE, f"{subprotocol}: vaultmesh.3, vaultmesh.channel.{spare}"),
        ),
        (
            "two channels",
            bad,
            head(
                *BASE,
                PROTOCOL,
                f"X-VaultMesh-Channel: {address}",
                f"{subprotocol}: vaultmesh.channel.{other}",
            ),
        ),
        (
            "the channel's header twice",
            bad,
            head(*BASE, PROTOCOL, *[f"X-VaultMesh-Channel: {address}"] * 2),
        ),
        ("another path", (404, "not_found"), head(*BASE, PROTOCOL, first="GET /v4 HTTP/1.1")),
        (
            "another method",
            (405, "method_not_allowed"),
            head(*BASE, PROTOCOL, first="POST / HTTP/1.1"),
        ),
        ("HTTP/1.0", bad, head(*BASE, PROTOCOL, first="GET / HTTP/1.0")),
        ("a target that is no path", bad, head(*BASE, PROTOCOL, first="GET * HTTP/1.1")),
        ("a URL without a host", bad, head(*BASE, PROTOCOL, first="GET ws:///v3 HTTP/1.1")),
        ("a URL with a user", bad, head(*BASE, PROTOCOL, first="GET ws://u@a/ HTTP/1.1")),
        ("a URL of another scheme", bad, head(*BASE, PROTOCOL, first="GET ftp://a/ HTTP/1.1")),
        (
            "a URL does not do for Host",
            bad,
            head(*BASE[1:], PROTOCOL, first="GET ws://relay.example.org/ HTTP/1.1"),
        ),
        (
            "a URL with another path",
            (404, "not_found"),
            head(*BASE, PROTOCOL, first="GET ws://relay.example.org/v4 HTTP/1.1"),
        ),
        (
            "a tunnel",
            (405, "method_not_allowed"),
            head(HOST, first="CONNECT relay.example.org:443 HTTP/1.1"),
        ),
        (
            "a WebSocket of HTTP/2 that became no upgrade",
            bad,
            head(*BASE, PROTOCOL, first="CONNECT / HTTP/1.1"),
        ),
        ("no Host", bad, head(*BASE[1:], PROTOCOL)),
        ("two Hosts", bad, head(HOST, *BASE, PROTOCOL)),
        (
            "two tokens",
            bad,
            head(*BASE, PROTOCOL, "Authorization: Bearer A", "Authorization: Bearer B"),
        ),
        ("no WebSocket version", bad, head(*BASE[:3], KEY, PROTOCOL)),
        (
            "an old WebSocket version",
            bad,
            head(*BASE[:3], "Sec-WebSocket-Version: 8", KEY, PROTOCOL),
        ),
        ("no WebSocket key", bad, head(*BASE[:4], PROTOCOL)),
        (
            "a WebSocket key of 15 bytes",
            bad,
            head(*BASE[:4], "Sec-WebSocket-Key: " + "A" * 20, PROTOCOL),
        ),
        ("a body", bad, head(*BASE, PROTOCOL, "Content-Length: 1")),
        ("a chunked body", bad, head(*BASE, PROTOCOL, "Transfer-Encoding: chunked")),
        ("bare line feeds", bad, head(*BASE, PROTOCOL).replace("\r\n", "\n", 1)),
        ("a folded line", bad, head(*BASE, "X-VaultMesh-Protocol:\r\n 3")),
        ("a control character", bad, head(*BASE, PROTOCOL, "User-Agent: a\x00b")),
        ("a space before the colon", bad, head(*BASE, "X-VaultMesh-Protocol : 3")),
    ]
    return [
        {"why": why, "head": text, "status": status, "error": error}
        for why, (status, error), text in found
    ]


def refusals() -> list[Json]:
    """What else stands in a refusal: its headers, and the fields of its body beside `detail`."""
    found: list[tuple[int, str, Json, dict[str, str]]] = [
        (400, "bad_request", {}, {}),
        (404, "not_found", {}, {}),
        (405, "method_not_allowed", {}, {"Allow": "GET, HEAD"}),
        (408, "request_timeout", {}, {}),
        (426, "protocol_unsupported", {"supported": [3]}, {"X-VaultMesh-Protocol": "3"}),
        (429, "relay_full", {}, {"Retry-After": "10"}),
        (431, "head_too_large", {}, {}),
        (503, "relay_full", {}, {"Retry-After": "60"}),
        (503, "overloaded", {}, {"Retry-After": "17"}),
        (503, "draining", {}, {"Retry-After": "5"}),
    ]
    common = {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
        "Connection": "close",
    }
    return [
        {"status": status, "body": {"error": error, **more}, "headers": {**common, **headers}}
        for status, error, more, headers in found
    ]


def vectors() -> Json:
    """The whole document."""
    return {
        "about": "Test vectors of VaultMesh relay protocol 3; protocol.rst says what they mean. "
        "Byte strings are hex, except in messages, which stand as they are sent. A request head "
        "is text whose every character is one byte.",
        "derivations": derivations(),
        "joins": joins(),
        "other_signatures": other_signatures(),
        "refused_proofs": refused_proofs(),
        "refused_channels": refused_channels(),
        "relay_controls": relay_controls(),
        "tolerated_relay_controls": tolerated_relay_controls(),
        "device_controls": device_controls(),
        "refused_device_controls": refused_device_controls(),
        "data": data_messages(),
        "nacks": nacks(),
        "refused_data": refused_data(),
        "base64url": base64url_texts(),
        "audiences": audiences(),
        "close_codes": close_codes(),
        "close_reasons": close_reasons(),
        "accepted_upgrades": accepted_upgrades(),
        "refused_upgrades": refused_upgrades(),
        "refusals": refusals(),
    }


def main() -> int:
    """Write the file, or compare it; the exit status."""
    parser = argparse.ArgumentParser(description="Makes the test vectors of protocol 3.")
    parser.add_argument("--check", action="store_true", help="only compare; exit 1 on a difference")
    text = json.dumps(vectors(), indent=1) + "\n"
    if not parser.parse_args().check:
        TARGET.write_text(text, encoding="ascii", newline="\n")
        return 0
    if TARGET.exists() and TARGET.read_bytes() == text.encode("ascii"):
        return 0
    print(f"{TARGET} is not what make_vectors.py makes; run it without --check.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
