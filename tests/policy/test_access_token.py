"""Access tokens: fresh ones, and their lines."""

import pytest

from vaultrelay.policy.access_token import TOKEN_BYTES, digest_of, new_token, token_line
from vaultrelay.wire import base64url

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
"""SHA-256 of "abc" (FIPS 180-4, the NIST's example)."""


def test_tokens_are_32_bytes_and_all_different() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(len(base64url.decode(token, TOKEN_BYTES)) == 32 for token in tokens)


def test_a_line_has_the_label_and_the_hash() -> None:
    assert digest_of(b"abc").hex() == ABC
    assert token_line("Alice's".replace("'", "-"), "abc") == f"Alice-s:{ABC}"


@pytest.mark.parametrize("label", ["", "a b", "a:b", "ä", "a\n", "x" * 33, "#a"])
def test_a_bad_label_is_refused(label: str) -> None:
    with pytest.raises(ValueError, match="1 to 32 letters"):
        token_line(label, "abc")


@pytest.mark.parametrize("label", ["a", "x" * 32, "Alice.phone_2-b"])
def test_a_good_label_is_taken(label: str) -> None:
    assert token_line(label, "abc") == f"{label}:{ABC}"
