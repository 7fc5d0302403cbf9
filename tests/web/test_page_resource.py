"""What gets through to the pages of a request: nothing but what the relay itself wrote."""

import pytest

from vaultrelay.web.page_resource import page_head
from vaultrelay.wire.request import read_request

HTTPS = [
    "X-Forwarded-Proto: https",
    "X-Forwarded-Proto: HTTPS",
    "X-Forwarded-Proto: Https , http",
    "X-Forwarded-Proto: https,http",
    "X-Forwarded-Proto: wss",
    "X-Forwarded-Proto: , https",
    "X-Forwarded-Proto: https\r\nX-Forwarded-Proto: http",
    "X-Forwarded-Proto: https\r\nForwarded: proto=http",
    "Forwarded: proto=https",
    "Forwarded: for=192.0.2.60;proto=https;by=203.0.113.43",
    'Forwarded: For="[2001:db8::17]:4711"; Proto="HTTPS"',
    "Forwarded: for=192.0.2.43;proto=https, for=198.51.100.17;proto=http",
]
HTTP = [
    "X-Forwarded-Proto: http",
    "X-Forwarded-Proto: http,https",
    "X-Forwarded-Proto: httpsx",
    "X-Forwarded-Proto: https;q=1",
    "X-Forwarded-Proto:",
    "X-Forwarded-Proto: http\r\nForwarded: proto=https",
    "Forwarded: for=192.0.2.43, for=198.51.100.17;proto=https",
    "Forwarded: proto=http;xproto=https",
    "Forwarded: xproto=https",
    "Forwarded: proto=https-not",
    "Forwarded:",
    "X-Some: https",
]


def lines_of(*fields: str, first: str = "GET / HTTP/1.1") -> list[str]:
    head = "\r\n".join([first, "Host: relay.test", *fields, "", ""]).encode("latin-1")
    return page_head(read_request(head)).decode("latin-1").split("\r\n")


@pytest.mark.parametrize("fields", HTTPS)
def test_the_first_proxy_says_how_the_visitor_came(fields: str) -> None:
    assert "x-forwarded-proto: https" in lines_of(fields)


@pytest.mark.parametrize("fields", HTTP)
def test_all_else_is_no_https(fields: str) -> None:
    assert not [line for line in lines_of(fields) if line.startswith("x-forwarded-proto")]


def test_the_host_of_an_absolute_target_is_the_pages_too() -> None:
    lines = lines_of(first="GET http://other.test:81/health?x HTTP/1.1")
    assert lines[0] == "GET /health HTTP/1.1"
    assert [line for line in lines if line.startswith("host")] == ["host: other.test:81"]


def test_nothing_else_gets_through() -> None:
    lines = lines_of(
        "X-Client-Address: 192.0.2.1", "Cookie: a", "Forwarded: for=192.0.2.1;proto=https"
    )
    assert [line.partition(":")[0] for line in lines[1:-2]] == [
        "Connection",
        "host",
        "x-forwarded-proto",
    ]
