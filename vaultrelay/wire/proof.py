"""The join proof: shows that a device holds the channel's key, and reveals nothing else.

::

    body   = u8(3) | relay nonce[32] | device nonce[16] | channel[32] | device[8]
             | u8(length of audience) | audience
    signed = 0x20 * 64 | "VaultMesh relay 3 join" | 0x00 | SHA-256(body)
    proof  = Ed25519(channel secret key, signed)

The nonces make a proof valid for one connection only, the audience for one relay only.
"""

from hashlib import sha256

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from vaultrelay.wire import VERSION

RELAY_NONCE_BYTES = 32
DEVICE_NONCE_BYTES = 16
CHANNEL_BYTES = 32
DEVICE_BYTES = 8
PROOF_BYTES = 64
AUDIENCE_BYTES = 255
"""The maximum of the length byte."""

_CONTEXT = b"\x20" * 64 + b"VaultMesh relay 3 join\x00"

_SMALL_ORDER = (
    "00" * 32,
    "01" + "00" * 31,
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ec" + "ff" * 30 + "7f",
    "ed" + "ff" * 30 + "7f",
    "ee" + "ff" * 30 + "7f",
)
REFUSED_CHANNELS = frozenset(
    bytes.fromhex(text)[:31] + bytes([bytes.fromhex(text)[31] | sign])
    for text in _SMALL_ORDER
    for sign in (0x00, 0x80)
)
"""The 14 encodings of points of small order, under which common libraries verify forgeries."""


def join_body(
    relay_nonce: bytes, device_nonce: bytes, channel: bytes, device: bytes, audience: str
) -> bytes:
    """Return the bytes to hash and sign. `audience` is ASCII, 1 to 255 characters."""
    name = audience.encode("ascii")
    return b"".join(
        (
            bytes([VERSION]),
            relay_nonce,
            device_nonce,
            channel,
            device,
            bytes([len(name)]),
            name,
        )
    )


def sign_join(channel_seed: bytes, body: bytes) -> bytes:
    """Return the 64-byte proof over `body` by the channel with this 32-byte Ed25519 seed."""
    return SigningKey(channel_seed).sign(signed(body)).signature


def verify_join(channel: bytes, body: bytes, proof: bytes) -> bool:
    """Return whether `proof` is a signature by `channel`; all failures look the same."""
    if channel in REFUSED_CHANNELS:
        return False
    try:
        VerifyKey(channel).verify(signed(body), proof)
    except (BadSignatureError, ValueError):
        return False
    return True


def channel_of(channel_seed: bytes) -> bytes:
    """Return the 32-byte address of the channel with this Ed25519 seed."""
    return bytes(SigningKey(channel_seed).verify_key)


def signed(body: bytes) -> bytes:
    """Return the 119 bytes whose signature is the proof over `body`."""
    return _CONTEXT + sha256(body).digest()
