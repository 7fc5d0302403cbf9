"""Data messages and NACKs."""

from vectors.common import EVERYONE, Json


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
