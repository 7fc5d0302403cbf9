"""URLs of relays: their parts, their text, and what is no such URL."""

import pytest

from vaultrelay.wire.relay_url import RelayUrl, has_token, with_token


@pytest.mark.parametrize(
    ("text", "host", "port", "path", "authority"),
    [
        ("wss://Relay.Example.org", "relay.example.org", 443, "/", "relay.example.org:443"),
        ("ws://[2001:DB8::1]:8080/v3", "2001:db8::1", 8080, "/v3", "[2001:db8::1]:8080"),
        ("ws://münchen.example", "xn--mnchen-3ya.example", 80, "/", "xn--mnchen-3ya.example:80"),
        ("ws://a.example/ü/a b%20c", "a.example", 80, "/%C3%BC/a%20b%20c", "a.example:80"),
    ],
)
def test_its_parts(text: str, host: str, port: int, path: str, authority: str) -> None:
    url = RelayUrl.read(text)
    assert (url.host, url.port, url.path, url.authority) == (host, port, path, authority)
    assert url.authorization is None


@pytest.mark.parametrize(
    "text",
    ["", "relay.example.org", "https://relay", "ws://", "ws://a:b:c", "ws://a:0", "ws://a\x1b"],
)
def test_what_is_no_relay_url(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        RelayUrl.read(text)


def test_a_token_becomes_a_header_and_is_in_no_text() -> None:
    url = RelayUrl.read("wss://any:s3%2Fcret@a.example")
    assert url.authorization == "Basic YW55OnMzL2NyZXQ="
    assert "cret" not in str(url)
    assert "Basic" not in repr(url)


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("WSS://Any:secret@A.example:443/", "wss://a.example"),
        ("ws://a.example:443/v3", "ws://a.example:443/v3"),
        ("ws://[::1]:80", "ws://[::1]"),
    ],
)
def test_its_text_has_nothing_superfluous(text: str, short: str) -> None:
    assert str(RelayUrl.read(text)) == short


@pytest.mark.parametrize(
    ("path", "page"),
    [("", "/health"), ("/v3", "/health"), ("/one/v3/", "/one/health"), ("/xv3", "/xv3/health")],
)
def test_pages_are_beside_the_endpoint_of_devices(path: str, page: str) -> None:
    assert RelayUrl.read(f"wss://a.example{path}").page("health") == page


@pytest.mark.parametrize(
    ("text", "token", "sent"),
    [
        ("wss://a.example/v3", "abc", "wss://any:abc@a.example/v3"),
        ("wss://[::1]:8080", "a/b@c:d%", "wss://any:a%2Fb%40c%3Ad%25@[::1]:8080"),
        ("wss://user@a.example", "abc", "wss://any:abc@a.example"),
    ],
)
def test_a_token_is_put_where_a_password_stands(text: str, token: str, sent: str) -> None:
    assert with_token(text, token) == sent
    assert has_token(sent)
    assert not has_token(text)


def test_the_query_is_dialled_and_not_shown() -> None:
    url = RelayUrl.read("wss://relay.example/v3?region=eu&x=%2F")
    assert (url.path, url.query) == ("/v3", "?region=eu&x=%2F")
    assert str(url) == "wss://relay.example/v3"
    assert RelayUrl.read("wss://relay.example/v3?").query == ""
