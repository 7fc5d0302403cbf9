"""What the chapters share: samples, and byte strings and messages as text."""

import json
from base64 import urlsafe_b64encode
from hashlib import sha256

Json = dict[str, object]

AUDIENCE = "relay.example.org"
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
