"""Node URLs: what names an admin endpoint. tests/config/test_address_kinds.py has refused ones."""

import pytest

from vaultrelay.cluster.url import NODE_NAME, NodeUrl


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("http://10.0.0.2:9090", ("http", "10.0.0.2", 9090, "")),
        ("http://relay-2/", ("http", "relay-2", 80, "")),
        ("https://[2001:db8::1]:9090/one/", ("https", "2001:db8::1", 9090, "/one")),
        ("unix:/run/admin.sock", ("unix", "localhost", 0, "/run/admin.sock")),
    ],
)
def test_its_parts(text: str, parts: tuple[object, ...]) -> None:
    url = NodeUrl.read(text)
    assert (url.text, url.scheme, url.host, url.port, url.path) == (text, *parts)
    assert url.can_be_opened == (url.scheme != "unix")


def test_a_name_needs_no_quotes_anywhere() -> None:
    for name in ("relay-2", "a.b_C", "", "x" * 32):
        assert NODE_NAME.fullmatch(name)
    for name in ("x" * 33, "a b", "a\n", 'a"', "<a>", "a/b", "ä"):
        assert not NODE_NAME.fullmatch(name)
