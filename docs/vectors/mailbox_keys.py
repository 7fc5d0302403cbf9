"""Collapse keys, and how long an item is kept."""

from vectors.common import Json
from vectors.keys import derivations, hmac_sha256


def collapse_keys() -> list[Json]:
    """Keys of items that replace each other."""
    keys = derivations()[0]
    tag_key, device = bytes.fromhex(str(keys["device_tag_key"])), bytes.fromhex(str(keys["device"]))
    found = [("snapshot", b"snapshot"), ("nothing named", b""), ("any bytes", b"\x00\xff")]
    return [
        {
            "name": name,
            "device_tag_key": tag_key.hex(),
            "device": device.hex(),
            "what": what.hex(),
            "key": hmac_sha256(tag_key, b"vaultmesh-relay/3 collapse" + device + what)[:16].hex(),
        }
        for name, what in found
    ]


def lifetimes() -> list[Json]:
    """Seconds for which a relay keeps an item: by its ttl, and at most the retention."""
    found = [
        ("none named", 0, 604800),
        ("a minute", 60, 60),
        ("exactly the retention", 604800, 604800),
        ("longer than the retention", 604801, 604800),
        ("the largest number", 0xFFFFFFFF, 604800),
    ]
    return [
        {"name": name, "ttl": ttl, "retention": 604800, "seconds": seconds}
        for name, ttl, seconds in found
    ]
