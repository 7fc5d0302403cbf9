"""Keys: from what a vault holds to what a relay sees."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from vectors.common import Json, sample


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
