"""Control messages of both sides."""

import json

from vectors.common import Json, b64, compact, sample
from vectors.joining import PLAIN


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
