"""Proofs: other signatures that a relay accepts, and what it refuses."""

from hashlib import sha256, sha512

from vectors.common import AUDIENCE, Json, b64, compact, sample
from vectors.joining import CONTEXT, PLAIN, Join, join_body, signed_bytes
from vectors.keys import channel_of, key_of

GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493
"""Of Ed25519's base point (RFC 8032, section 5.1)."""


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
