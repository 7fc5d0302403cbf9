"""Tokens in URLs: where they are found, how they are kept out of what is shown."""

import pytest

from vaultrelay.commands.checkup import url
from vaultrelay.commands.checkup.result import CheckFailed
from vaultrelay.wire.relay_url import RelayUrl

HEX = "9f86d081884c7d659a2feaa0c55ad015"
BASE64URL = "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg"


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ("wss://a.example", None),
        ("wss://a.example/v3", None),
        ("wss://a.example/relay-for-the-whole-family-2026/v3", None),
        ("wss://a.example/?device=phone", None),
        ("wss://any:s3cret@a.example/", None),
        (f"wss://any:{BASE64URL}@a.example/", None),
        ("wss://a.example/?token=x", "query"),
        ("wss://a.example/?a=b&Access_Token=x", "query"),
        ("wss://a.example/?token", "query"),
        (f"wss://a.example/?{BASE64URL}", "query"),
        (f"wss://a.example/?t={HEX}", "query"),
        ("wss://a.example/#token=x", "fragment"),
        (f"wss://a.example/#{HEX}", "fragment"),
        (f"wss://a.example/{HEX}/v3", "path"),
        (f"wss://a.example/{BASE64URL}", "path"),
        ("wss://a.example/0b7c3a1e-5f5d-4e0c-9d9e-2f1b6c7a8d90", "path"),
    ],
)
def test_a_token_that_proxies_would_log_is_found(given: str, place: str | None) -> None:
    assert url.token_part(given) == place
    if place is not None:
        with pytest.raises(
            CheckFailed, match=f"The {place} of the URL seems to contain a token"
        ) as failed:
            url.check_url(given)
        assert HEX not in str(failed.value)


def test_a_token_in_its_place_is_good() -> None:
    found = url.check_url("wss://any:s3cret@a.example")
    assert found is not None
    assert (found.facts, found.warnings) == ({"token": True}, ())
    assert url.check_url("wss://a.example") is None


def test_a_user_alone_is_no_token() -> None:
    found = url.check_url("wss://s3cret@a.example")
    assert found is not None
    assert [warning.slug for warning in found.warnings] == ["token_not_sent"]
    assert "s3cret" not in found.detail + found.warnings[0].text


@pytest.mark.parametrize(
    ("given", "addresses", "slug"),
    [
        ("ws://any:s3cret@a.example", ["8.8.8.8"], "token_in_clear"),
        ("ws://any:s3cret@a.example", ["192.168.1.2", "8.8.8.8"], "token_in_clear"),
        ("ws://any:s3cret@a.example", ["192.168.1.2", "::1", "127.0.0.1"], None),
        ("wss://any:s3cret@a.example", ["8.8.8.8"], None),
        ("ws://a.example", ["8.8.8.8"], "plain_in_public"),
        ("ws://a.example", ["192.168.1.2", "2606:4700::1"], "plain_in_public"),
        ("ws://a.example", ["192.168.1.2", "::1"], None),
        ("wss://a.example", ["8.8.8.8"], None),
    ],
)
def test_a_url_without_tls_is_for_near_networks(
    given: str, addresses: list[str], slug: str | None
) -> None:
    warning = url.plaintext_warning(RelayUrl.read(given), addresses)
    assert (None if warning is None else warning.slug) == slug
    if warning is not None:
        assert "s3cret" not in warning.text


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("wss://any:s3cret@a.example:8443/v3", "wss://a.example:8443/v3"),
        ("wss://any:s3/cret@a.example", "wss://a.example"),
        ("wss://a.example/?s3cret#s3cret", "wss://a.example/"),
        (f"wss://a.example/{HEX}/v3", "wss://a.example/***/v3"),
        ("any:s3cret@a.example", "a.example"),
        ("wss://any:s3?cret@a.example", "wss://a.example"),
        ("wss://any:s3#cret@a.example", "wss://a.example"),
        ("wss://a\x1b.example", "wss://a\\x1b.example"),
    ],
)
def test_a_url_is_shown_without_what_is_secret(given: str, said: str) -> None:
    assert url.shown(given) == said
