"""Data messages of the mailbox."""

from vectors.common import EVERYONE, Json, sample
from vectors.data import header
from vectors.mailbox_keys import collapse_keys

PUT, ITEM, STORED, NACK = 0x12, 0x13, 0x14, 0x11
ZEROS = bytes(16)
ITEM_ID = sample("item id", 16)
CURSOR = sample("cursor", 16)


def put(
    id: int, payload: bytes, *, item_id: bytes = ITEM_ID, key: bytes = ZEROS, ttl: int = 0
) -> bytes:
    """A PUT of session 7."""
    return header(PUT, 0, 0, 0, 7, id) + item_id + key + ttl.to_bytes(4, "big") + payload


def puts() -> list[Json]:
    """PUTs that session 7 may send."""
    key = bytes.fromhex(str(collapse_keys()[0]["key"]))
    found = [
        ("a delta", 41, ITEM_ID, ZEROS, 0, b"ciphertext"),
        ("a snapshot, which replaces the last one", 42, ITEM_ID, key, 0, b"ciphertext"),
        ("kept for a minute", 43, ITEM_ID, ZEROS, 60, b"ciphertext"),
        ("an empty payload", 0, ITEM_ID, ZEROS, 0, b""),
        ("every byte of the numbers", 0x01020304, bytes(range(16)), key, 0x05060708, b"\x00"),
        ("the largest numbers", 0xFFFFFFFF, b"\xff" * 16, b"\xff" * 16, 0xFFFFFFFF, b"\xff"),
    ]
    return [
        {
            "name": name,
            "hex": put(id, payload, item_id=item_id, key=key, ttl=ttl).hex(),
            "session": 7,
            "id": id,
            "item_id": item_id.hex(),
            "key": key.hex(),
            "ttl": ttl,
            "payload": payload.hex(),
        }
        for name, id, item_id, key, ttl, payload in found
    ]


def refused_puts() -> list[Json]:
    """Binary messages that close session 7, which has a mailbox, with 4501 and this rule."""
    rest = put(41, b"ciphertext")[16:]
    found = [
        ("a header alone", "data_size", header(PUT, 0, 0, 0, 7, 41)),
        ("one byte short of its header", "data_size", put(41, b"")[:-1]),
        ("shorter than any header", "data_size", put(41, b"")[:15]),
        ("a flag", "flags", header(PUT, 1, 0, 0, 7, 41) + rest),
        ("a reason", "reason", header(PUT, 0, 1, 0, 7, 41) + rest),
        ("from another session", "from", header(PUT, 0, 0, 0, 8, 41) + rest),
        ("from nobody", "from", header(PUT, 0, 0, 0, 0, 41) + rest),
        ("to a peer", "to", header(PUT, 0, 0, 3, 7, 41) + rest),
        ("to everyone", "to", header(PUT, 0, 0, EVERYONE, 7, 41) + rest),
        ("an item id of zeros", "item_id", put(41, b"ciphertext", item_id=ZEROS)),
        ("an ITEM, which only a relay sends", "kind", header(ITEM, 0, 0, 0, 7, 41) + rest),
        ("a STORED, which only a relay sends", "kind", header(STORED, 0, 0, 0, 7, 41) + rest),
    ]
    return [
        {"why": why, "rule": rule, "session": 7, "hex": message.hex()}
        for why, rule, message in found
    ]


def nacks() -> list[Json]:
    """What session 7 gets for a PUT that is not stored."""
    reasons = {"busy": 2, "too_big": 3, "rate": 4, "not_allowed": 5, "full": 7, "away": 8}
    return [
        {
            "name": name,
            "put": put(40 + reason, b"ciphertext").hex(),
            "hex": header(NACK, 0, reason, 7, 0, 40 + reason).hex(),
            "kind": NACK,
            "flags": 0,
            "reason": reason,
            "to": 7,
            "from": 0,
            "id": 40 + reason,
        }
        for name, reason in reasons.items()
    ]


def items() -> list[Json]:
    """ITEMs: the same bytes for each device."""
    found = [
        ("a delta", ITEM_ID, CURSOR, b"ciphertext"),
        ("an empty payload", ITEM_ID, CURSOR, b""),
        ("every byte", bytes(range(16)), bytes(range(16, 32)), b"\x00\xff"),
    ]
    return [
        {
            "name": name,
            "hex": (header(ITEM, 0, 0, EVERYONE, 0, 0) + item_id + cursor + payload).hex(),
            "item_id": item_id.hex(),
            "cursor": cursor.hex(),
            "payload": payload.hex(),
        }
        for name, item_id, cursor, payload in found
    ]


def stored() -> list[Json]:
    """Answers to PUTs of session 7; one of zeros moves no cursor."""
    found = [
        ("on the disk", 41, ITEM_ID, CURSOR),
        ("a repetition, or before `live`: moves nothing", 41, ITEM_ID, ZEROS),
        ("every byte of the numbers", 0x01020304, bytes(range(16)), bytes(range(16, 32))),
    ]
    return [
        {
            "name": name,
            "hex": (header(STORED, 0, 0, 7, 0, id) + item_id + cursor).hex(),
            "to": 7,
            "id": id,
            "item_id": item_id.hex(),
            "cursor": cursor.hex(),
            "moves": cursor != ZEROS,
        }
        for name, id, item_id, cursor in found
    ]


def refused_relay_data() -> list[Json]:
    """What no relay sends session 7: it ignores a message with flags, and else closes with 1002."""
    item, answer = ITEM_ID + CURSOR + b"ciphertext", ITEM_ID + CURSOR
    found = [
        ("a flag of an ITEM", True, header(ITEM, 1, 0, EVERYONE, 0, 0) + item),
        ("a flag of a STORED", True, header(STORED, 0x80, 0, 7, 0, 41) + answer),
        ("a short ITEM", False, header(ITEM, 0, 0, EVERYONE, 0, 0) + item[:31]),
        ("a reason", False, header(ITEM, 0, 1, EVERYONE, 0, 0) + item),
        ("an ITEM to one session", False, header(ITEM, 0, 0, 7, 0, 0) + item),
        ("an ITEM from a session", False, header(ITEM, 0, 0, EVERYONE, 3, 0) + item),
        ("an ITEM with an id", False, header(ITEM, 0, 0, EVERYONE, 0, 1) + item),
        ("an item id of zeros", False, header(ITEM, 0, 0, EVERYONE, 0, 0) + ZEROS + item[16:]),
        ("an ITEM at no place", False, header(ITEM, 0, 0, EVERYONE, 0, 0) + ITEM_ID + ZEROS),
        ("a short STORED", False, header(STORED, 0, 0, 7, 0, 41) + answer[:31]),
        ("a STORED to another session", False, header(STORED, 0, 0, 8, 0, 41) + answer),
        ("a STORED from a session", False, header(STORED, 0, 0, 7, 3, 41) + answer),
    ]
    return [
        {"why": why, "session": 7, "ignored": ignored, "hex": message.hex()}
        for why, ignored, message in found
    ]
