"""The certificate as a client gets it: what `check` warns of, and what a refused one is for."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP521R1, generate_private_key

from tests.authority import NAME, chain, ed25519_key, issue, rsa_key
from vaultrelay.commands.checkup.certificate import certificate_warnings, explain_name_mismatch


def slugs(der: bytes) -> list[str]:
    return [warning.slug for warning in certificate_warnings(der)]


def test_a_good_one_is_left_alone() -> None:
    assert slugs(chain()[0].der) == []
    assert slugs(chain(key=rsa_key())[0].der) == []


def test_one_that_is_self_signed_or_of_an_odd_key_is_a_warning() -> None:
    assert slugs(issue().der) == ["self_signed"]
    assert slugs(chain(key=ed25519_key())[0].der) == ["key_kind"]
    assert slugs(chain(key=generate_private_key(SECP521R1()))[0].der) == ["key_kind"]
    assert slugs(issue(key=ed25519_key()).der) == ["self_signed", "key_kind"]


def test_one_that_cannot_be_read_is_left_alone() -> None:
    assert slugs(b"") == []
    assert slugs(b"garbage") == []
    assert explain_name_mismatch(b"garbage", NAME) is None


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a.example"], "The certificate is for a.example, not for relay.test: use a name in"),
        (["*.b.example", "192.0.2.1"], "The certificate is for *.b.example, 192.0.2.1, not for"),
        ([f"{n}.example" for n in range(7)], "The certificate is for 0.example, 1.example, 2.ex"),
        (
            [],
            "The certificate contains no host name, so every device refuses it. Devices ignore",
        ),
    ],
)
def test_one_for_other_names_is_told_with_them(names: list[str], said: str) -> None:
    text = explain_name_mismatch(issue(names).der, "relay.test")
    assert text is not None
    assert text.startswith(said)
    assert "relay.test" in text


def test_an_address_as_a_host_name_is_told_as_that() -> None:
    der = issue(alternatives=[x509.DNSName("192.0.2.1")]).der
    text = explain_name_mismatch(der, "192.0.2.1")
    assert text is not None
    assert text.startswith("The certificate contains 192.0.2.1 as a host name, which no device")
