from hashlib import sha256

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from vaultrelay.wire.proof import (
    PROOF_BYTES,
    REFUSED_CHANNELS,
    channel_of,
    join_body,
    sign_join,
    verify_join,
)

SEED = bytes(range(32))
CHANNEL = bytes.fromhex("03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8")
GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493

BODY = bytes.fromhex(
    "03"  # the protocol version
    "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"  # the relay's nonce
    "404142434445464748494a4b4c4d4e4f"  # the device's nonce
    "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"  # the channel
    "5051525354555657"  # the device
    "11"  # 17 bytes of audience
    "72656c61792e6578616d706c652e6f7267"  # relay.example.org
)
PROOF = bytes.fromhex(
    "65490475a47a4263baa1516cbd55191c7a3bca41c7b57a264ce318df33f68f47"
    "fda665f4cffb9963d1631e3cdfbb388564294b6c67cf821f778f86141636b504"
)


def body(
    relay_nonce: bytes = bytes(range(0x20, 0x40)),
    device_nonce: bytes = bytes(range(0x40, 0x50)),
    channel: bytes = CHANNEL,
    device: bytes = bytes(range(0x50, 0x58)),
    audience: str = "relay.example.org",
) -> bytes:
    return join_body(relay_nonce, device_nonce, channel, device, audience)


def library_accepts(channel: bytes, proof: bytes, signed: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(channel).verify(proof, signed)
    except InvalidSignature:
        return False
    return True


def signed(joined: bytes) -> bytes:
    return b" " * 64 + b"VaultMesh relay 3 join\x00" + sha256(joined).digest()


def test_the_body_is_laid_out_as_the_protocol_says() -> None:
    assert body() == BODY


@pytest.mark.parametrize("length", [1, 17, 255])
def test_the_audience_follows_its_length_in_one_byte(length: int) -> None:
    assert body(audience="a" * length)[89:] == bytes([length]) + b"a" * length


@pytest.mark.parametrize("audience", ["a" * 256, "münchen.example"])
def test_an_audience_that_the_body_cannot_hold_is_an_error(audience: str) -> None:
    with pytest.raises(ValueError, match=r"range\(0, 256\)|ascii"):
        body(audience=audience)


def test_the_channel_is_the_public_key_of_its_seed() -> None:
    assert channel_of(SEED) == CHANNEL
    # RFC 8032, section 7.1, test 1.
    assert channel_of(
        bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    ) == bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")


def test_the_proof_of_known_values() -> None:
    assert sign_join(SEED, BODY) == PROOF
    assert verify_join(CHANNEL, BODY, PROOF)


def test_what_is_signed_is_the_context_and_the_hash_of_the_body() -> None:
    assert library_accepts(CHANNEL, sign_join(SEED, BODY), signed(BODY))


@settings(deadline=None, derandomize=True, max_examples=20)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=400))
def test_every_proof_of_the_key_is_accepted(seed: bytes, joined: bytes) -> None:
    assert verify_join(channel_of(seed), joined, sign_join(seed, joined))


@pytest.mark.parametrize(
    "tampered",
    [
        body(relay_nonce=bytes(32)),
        body(device_nonce=bytes(16)),
        body(channel=channel_of(bytes(32))),
        body(device=bytes(8)),
        body(audience="relay.example.net"),
        body(audience="relay.example.or"),
        body(audience="Relay.example.org"),
    ],
    ids=["relay nonce", "device nonce", "channel", "device", "audience", "shorter", "case"],
)
def test_a_proof_made_for_other_values_is_refused(tampered: bytes) -> None:
    assert not verify_join(CHANNEL, tampered, sign_join(SEED, BODY))


def flipped(data: bytes, position: int) -> bytes:
    changed = bytearray(data)
    changed[position] ^= 0x01
    return bytes(changed)


def test_a_change_of_any_byte_of_the_body_is_noticed() -> None:
    for position in range(len(BODY)):
        assert not verify_join(CHANNEL, flipped(BODY, position), PROOF), position


def test_a_change_of_any_byte_of_the_proof_is_noticed() -> None:
    for position in range(PROOF_BYTES):
        assert not verify_join(CHANNEL, BODY, flipped(PROOF, position)), position


@pytest.mark.parametrize(
    "text",
    [
        BODY,
        sha256(BODY).digest(),
        signed(BODY).removeprefix(b" " * 64),
        signed(BODY).replace(b"relay 3", b"relay 2"),
    ],
    ids=["body", "hash", "no spaces", "other context"],
)
def test_a_signature_over_anything_else_is_no_proof(text: bytes) -> None:
    assert not verify_join(CHANNEL, BODY, Ed25519PrivateKey.from_private_bytes(SEED).sign(text))


@pytest.mark.parametrize(
    ("channel", "proof"),
    [
        (channel_of(bytes(32)), PROOF),  # another key
        (CHANNEL, sign_join(bytes(32), BODY)),
        (CHANNEL, bytes(64)),
        (CHANNEL, b""),  # other sizes
        (CHANNEL, PROOF[:63]),
        (CHANNEL, PROOF + b"\x00"),
        (b"", PROOF),
        (CHANNEL[:31], PROOF),
        (CHANNEL + b"\x00", PROOF),
        (b"\x02" + bytes(31), PROOF),  # no point of the curve
        (b"\xff" * 32, PROOF),
    ],
)
def test_every_other_way_of_failing_looks_the_same(channel: bytes, proof: bytes) -> None:
    assert verify_join(channel, BODY, proof) is False


def test_a_proof_has_one_spelling_only() -> None:
    """Adding the group's order to the second half gives a number with the same meaning."""
    second = int.from_bytes(PROOF[32:], "little") + GROUP_ORDER
    assert not verify_join(CHANNEL, BODY, PROOF[:32] + second.to_bytes(32, "little"))


SMALL_ORDER = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
]


def test_the_refused_channels_are_the_points_of_small_order() -> None:
    assert {bytes.fromhex(text) for text in SMALL_ORDER} == REFUSED_CHANNELS


@pytest.mark.parametrize("channel", [bytes.fromhex(text) for text in SMALL_ORDER], ids=SMALL_ORDER)
def test_a_forgery_under_a_key_of_small_order_is_refused(channel: bytes) -> None:
    """Nobody has a secret key for such a channel, and yet the library finds the signature good."""
    joined, forgery = forge(channel)
    assert library_accepts(channel, forgery, signed(joined))
    assert verify_join(channel, joined, forgery) is False


def forge(channel: bytes) -> tuple[bytes, bytes]:
    """A body and a signature over it, found by trying device nonces: about one in eight works."""
    for nonce in range(64):
        joined = body(channel=channel, device_nonce=bytes([nonce]) * 16)
        for point in SMALL_ORDER:
            forgery = bytes.fromhex(point) + bytes(32)
            if library_accepts(channel, forgery, signed(joined)):
                return joined, forgery
    raise AssertionError("the library accepts no forgery")
