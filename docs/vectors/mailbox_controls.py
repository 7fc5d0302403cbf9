"""Control messages of the mailbox."""

from vectors.common import Json, b64, compact, sample
from vectors.joining import PLAIN

CURSOR = sample("cursor", 16)
LIMITS: Json = {
    "retention": 604800,
    "item_bytes": 65536,
    "channel_bytes": 10485760,
    "channel_items": 10000,
    "window_bytes": 262144,
}


def relay_controls() -> list[Json]:
    """What a relay with a mailbox says, and its fields with byte strings in hex."""
    welcome: Json = {
        "type": "welcome",
        "session": 7,
        "peers": [],
        "limits": {
            "message_bytes": 1048576,
            "messages_per_second": 2000,
            "bytes_per_second": 16777216,
            "channel_devices": 64,
        },
        "ping_seconds": 50,
        "session_ttl": 3600,
        "notice": None,
    }
    opened: Json = {"type": "mailbox", "state": "open"}
    found: list[tuple[str, Json, Json]] = [
        ("welcome to a device that asked", {**welcome, "mailbox": LIMITS}, {}),
        (
            "welcome of one of several relays",
            {**welcome, "node": "relay-2", "mailbox": LIMITS},
            {},
        ),
        ("what you missed follows", {**opened, "gap": None}, {}),
        ("something is deleted", {**opened, "gap": "gone"}, {}),
        ("the cursor is not known", {**opened, "gap": "unknown"}, {}),
        (
            "you have all",
            {"type": "mailbox", "state": "live", "cursor": b64(CURSOR)},
            {"cursor": CURSOR.hex()},
        ),
        ("you have all of nothing", {"type": "mailbox", "state": "live", "cursor": None}, {}),
        ("the store cannot be used", {"type": "mailbox", "state": "away"}, {}),
        ("there is room again", {"type": "mailbox", "state": "room"}, {}),
        (
            "deleted up to a place",
            {"type": "erased", "cursor": b64(CURSOR)},
            {"cursor": CURSOR.hex()},
        ),
        ("nothing to delete", {"type": "erased", "cursor": None}, {}),
    ]
    return [
        {"name": name, "text": compact(**fields), "fields": {**fields, **hexed}}
        for name, fields, hexed in found
    ]


def tolerated_relay_controls() -> list[Json]:
    """What a device must take without complaint."""
    found: list[tuple[str, Json, Json]] = [
        (
            "a state that the device does not know, and ignores",
            {"type": "mailbox", "state": "asleep", "until": 9},
            {"type": "mailbox", "state": "asleep"},
        ),
        (
            "a gap that the device does not know, and treats as unknown",
            {"type": "mailbox", "state": "open", "gap": "moved"},
            {"type": "mailbox", "state": "open", "gap": "moved"},
        ),
        (
            "a field that the device does not know",
            {"type": "mailbox", "state": "live", "cursor": b64(CURSOR), "items": 5},
            {"type": "mailbox", "state": "live", "cursor": CURSOR.hex()},
        ),
    ]
    return [
        {"why": why, "text": compact(**fields), "fields": taken} for why, fields, taken in found
    ]


def refused_relay_controls() -> list[Json]:
    """What no relay sends: a device closes with 1002."""
    live = {"type": "mailbox", "state": "live"}
    found: list[tuple[str, Json]] = [
        ("no state", {"type": "mailbox"}),
        ("a state that is no text", {"type": "mailbox", "state": 1}),
        ("a gap that is no text", {"type": "mailbox", "state": "open", "gap": True}),
        ("a cursor of 15 bytes", {**live, "cursor": b64(CURSOR[:15])}),
        ("a cursor in hex", {**live, "cursor": CURSOR.hex()}),
        ("a cursor that is no text", {"type": "erased", "cursor": 5}),
    ]
    return [{"why": why, "text": compact(**fields)} for why, fields in found]


def device_controls() -> list[Json]:
    """What a device may say to a relay with a mailbox, and the cursor that it names."""
    found = [
        ("from the beginning", PLAIN.hello(mailbox={}), None),
        ("from a cursor on", PLAIN.hello(mailbox={"cursor": b64(CURSOR)}), CURSOR),
        ("erase all", compact(type="erase"), None),
        ("erase up to a place", compact(type="erase", cursor=b64(CURSOR)), CURSOR),
        ("erase nothing", compact(type="erase", cursor=b64(bytes(16))), bytes(16)),
    ]
    return [
        {"name": name, "text": text, "cursor": cursor and cursor.hex()}
        for name, text, cursor in found
    ]


def refused_device_controls() -> list[Json]:
    """What a relay with a mailbox closes with 4501 and this rule.

    One without a mailbox ignores the field of a hello, and closes for each erase with the rule
    unknown_type.
    """
    spare = b64(CURSOR)[:-1] + chr(ord(b64(CURSOR)[-1]) + 1)
    found = [
        ("a mailbox that is no object", "mailbox_type", PLAIN.hello(mailbox=True)),
        ("a list", "mailbox_type", PLAIN.hello(mailbox=[])),
        (
            "null is not the same as left out",
            "mailbox_type",
            PLAIN.hello()[:-1] + ',"mailbox":null}',
        ),
        ("a cursor of null", "cursor_type", PLAIN.hello(mailbox={"cursor": None})),
        ("a cursor in hex", "cursor_length", PLAIN.hello(mailbox={"cursor": CURSOR.hex()})),
        ("an empty cursor", "cursor_length", PLAIN.hello(mailbox={"cursor": ""})),
        ("a spare bit", "cursor_base64url", PLAIN.hello(mailbox={"cursor": spare})),
        ("erase up to null", "cursor_type", compact(type="erase", cursor=None)),
        ("erase up to a number", "cursor_type", compact(type="erase", cursor=150)),
        ("erase up to 15 bytes", "cursor_length", compact(type="erase", cursor=b64(CURSOR[:15]))),
    ]
    return [{"why": why, "rule": rule, "text": text} for why, rule, text in found]
