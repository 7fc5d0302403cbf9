"""Heads: where a request begins, what begins none, and what can become no head any more."""

import pytest

from vaultrelay.wire.head import (
    EMPTY_LINES,
    begins_proxy_header,
    check_growing,
    request_start,
)
from vaultrelay.wire.refusal import Refusal

VERSION_2 = bytes.fromhex("0d0a0d0a000d0a515549540a")
PROXY_HEADERS = [
    b"PROXY TCP4 198.51.100.7 203.0.113.1 50000 443\r\n",
    b"PROXY TCP6 2001:db8::7 2001:db8::1 50000 443\r\n",
    b"PROXY UNKNOWN\r\n",
    b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n",
    VERSION_2 + b"\x20\x00\x00\x00",
    VERSION_2 + b"\x21\x11\x00\x0c" + bytes(12),
    VERSION_2 + b"\x21\x21\x00\x24" + bytes(36),
    VERSION_2 + b"\x21\x31\x00\xd8" + bytes(216),
]
NONE = [
    b"PROXY / HTTP/1.1",
    b"PROXY",
    b"PROXY TCP",
    b"PROXYTCP4 ",
    b"\r\n\r\nGET",
    b"GET / HTTP/1.1",
]


def refusal_of(data: bytes, in_tls: bool = False, has_proxy_header: bool = False) -> Refusal:
    with pytest.raises(Refusal) as caught:
        request_start(data, in_tls, has_proxy_header)
    return caught.value


@pytest.mark.parametrize("header", PROXY_HEADERS)
def test_a_proxy_header_is_recognized_by_its_first_bytes(header: bytes) -> None:
    for follows in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01"):
        assert begins_proxy_header(header + follows)
        assert begins_proxy_header((header + follows)[:14])


@pytest.mark.parametrize("data", NONE)
def test_what_looks_like_one_is_none(data: bytes) -> None:
    assert not begins_proxy_header(data)


@pytest.mark.parametrize("header", PROXY_HEADERS)
def test_a_proxy_header_that_drips_is_never_taken_for_something_else(header: bytes) -> None:
    parts = [header[:size] for size in range(len(header) + 1)]
    known = [begins_proxy_header(part) for part in parts].index(True)
    for part in parts[:known]:
        assert request_start(part, False, False) in (None, 0, len(part) // 2 * 2)
    refusal = refusal_of(parts[known])
    assert refusal.counted == "proxy_unexpected"
    assert "--listen haproxy:" in refusal.detail


def test_a_second_proxy_header_is_called_that() -> None:
    refusal = refusal_of(PROXY_HEADERS[0], has_proxy_header=True)
    assert refusal.counted == "proxy_unexpected"
    assert refusal.detail.startswith("A second PROXY header came")


@pytest.mark.parametrize("lines", range(EMPTY_LINES + 1))
def test_empty_lines_may_stand_before_a_request(lines: int) -> None:
    data = b"\r\n" * lines
    assert request_start(data + b"GET", False, False) == len(data)
    assert request_start(data, False, False) is None
    assert request_start(data + b"\r", False, False) is None


@pytest.mark.parametrize("lines", [EMPTY_LINES + 1, 100, 4000])
def test_but_not_many(lines: int) -> None:
    assert refusal_of(b"\r\n" * lines + b"GET").counted == "bad_request"
    assert refusal_of(b"\r\n" * lines).counted == "bad_request"


@pytest.mark.parametrize(
    "data", [b"\n", b"\nGET / HTTP/1.1", b"\r\n\nGET", b"\rGET", b"\r\rGET", b"\r\n\r\r\n"]
)
def test_an_empty_line_ends_in_crlf(data: bytes) -> None:
    assert "CRLF" in refusal_of(data).detail


@pytest.mark.parametrize(
    ("data", "in_tls", "said"),
    [
        (b"\x16", False, "This is TLS, but this port speaks ws, without TLS. Dial it with ws://"),
        (b"\x16\x03\x01\x02\x00\x01", False, "start the relay with --tls-cert and --tls-key."),
        (b"\r\n\x16\x03", False, "This is not HTTP. This port speaks ws, without TLS."),
        (b"\x16\x03\x01", True, "This is TLS within TLS."),
        (b"\x00\x00\x12\x04", True, "This is not HTTP. This port speaks wss, so HTTP/1.1 within"),
        (b"\x80\x9e\x01", False, "This is not HTTP. This port speaks ws, without TLS."),
        (b"*1\r\n$4\r\nPING\r\n", False, "This is not HTTP. This port speaks ws"),
        (b" GET / HTTP/1.1", True, "This is not HTTP. This port speaks wss"),
        (b"\xef\xbb\xbfGET /", False, "This is not HTTP."),
    ],
)
def test_what_is_no_request_is_told_by_what_the_connection_is(
    data: bytes, in_tls: bool, said: str
) -> None:
    refusal = refusal_of(data, in_tls)
    assert said in refusal.detail
    assert ("without TLS" in refusal.detail) == (not in_tls)
    assert (refusal.error, refusal.counted) == ("bad_request", "no_http")


GROWING = b"GET / HTTP/1.1\r\nHost: relay.example.org\r\nX: \xe9\ty"


@pytest.mark.parametrize("size", range(1, len(GROWING) + 1))
def test_a_head_may_grow_wherever_it_is_cut(size: int) -> None:
    check_growing(GROWING[:size], 0)
    for since in range(size):
        check_growing(GROWING[:size], since)


@pytest.mark.parametrize(
    "bad",
    [
        b"GET / HTTP/1.1\nHost: a\n\n",
        b"GET / HTTP/1.1\nHost: a\r\n",
        b"GET / HTTP/1.1\r\nHost: a\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n\n",
        b"GET / HTTP/1.1\rHost: a\r\r",
        b"GET / HTTP/1.1\r\r\n",
        b"GET / HTTP/1.1\r\nHost: \x00",
        b"GET / HTTP/1.1\r\n folded",
        b"EHLO a\x7f",
    ],
)
def test_what_can_become_no_head_is_refused_at_once_in_whatever_pieces_it_comes(
    bad: bytes,
) -> None:
    def grow(step: int) -> None:
        for start in range(0, len(bad), step):
            check_growing(bad[: start + step], start)
        # A fold that is cut in two is found when the head is whole.
        check_growing(bad, 0 if b"\n folded" in bad else len(bad))

    for step in range(1, len(bad) + 1):
        with pytest.raises(Refusal, match="CRLF"):
            grow(step)
