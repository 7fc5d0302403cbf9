"""X.509: what is read of a certificate that the standard library does not show."""

from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP521R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey

from tests.authority import NAME, Key, chain, ec_key, ed25519_key, issue, rsa_key
from vaultrelay.certificates.der import dotted
from vaultrelay.certificates.x509 import read_certificate


@pytest.mark.parametrize(
    ("key", "kind", "is_for_browsers"),
    [
        (ec_key(), "P-256", True),
        (rsa_key(), "RSA", True),
        (generate_private_key(SECP521R1()), "P-521", False),
        (ed25519_key(), "Ed25519", False),
        (Ed448PrivateKey.generate(), "Ed448", False),
    ],
    ids=["P-256", "RSA", "P-521", "Ed25519", "Ed448"],
)
def test_the_kind_of_key(key: Key, kind: str, is_for_browsers: bool) -> None:
    found = read_certificate(issue(key=key).der)
    assert (found.key, found.is_for_browsers, found.weak_digest) == (kind, is_for_browsers, "")


def test_names_subject_and_issuer() -> None:
    own, root = chain([NAME, "*.example.org", "192.0.2.1", "2001:db8::1"])
    found = read_certificate(own.der)
    assert found.names == (NAME, "*.example.org", "192.0.2.1", "2001:db8::1")
    assert not found.is_self_signed
    assert found.issuer == read_certificate(root.der).subject != found.subject
    assert read_certificate(root.der).is_self_signed
    assert read_certificate(root.der).names == ()


def test_damage_raises_nothing_but_value_errors() -> None:
    der = issue([NAME, "192.0.2.1"]).der
    for place in range(len(der)):
        for damage in (0x01, 0x80, 0xFF):
            changed = bytearray(der)
            changed[place] ^= damage
            with suppress(ValueError):
                read_certificate(bytes(changed))
        with pytest.raises(ValueError, match=r"truncated|invalid length|not a certificate"):
            read_certificate(der[:place])


@pytest.mark.parametrize(
    ("content", "oid"),
    [
        ("2a8648ce3d030107", "1.2.840.10045.3.1.7"),
        ("551d11", "2.5.29.17"),
        ("09", "0.9"),
        ("2b6570", "1.3.101.112"),
        ("883703", "2.999.3"),
        ("", ""),
    ],
)
def test_object_identifiers_are_as_people_write_them(content: str, oid: str) -> None:
    assert dotted(bytes.fromhex(content)) == oid
